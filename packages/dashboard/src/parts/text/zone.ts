// The reader's choice of time zone: their own, or UTC. Kept in the browser for all tabs.
import { useLocalStorage } from "@mantine/hooks";

export type Zone = "local" | "utc";

export function useZone(): readonly [Zone, (zone: Zone) => void] {
	const [zone, setZone] = useLocalStorage<Zone>({
		key: "fanfare.zone",
		defaultValue: "local",
		getInitialValueInEffect: false,
		serialize: (value) => value,
		deserialize: (text) => (text === "utc" ? "utc" : "local"),
	});
	return [zone, setZone];
}

/** The name of the zone, such as `Europe/Berlin`. */
export function zoneName(zone: Zone): string {
	return zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const options = {
	exact: { dateStyle: "medium", timeStyle: "long" },
	short: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
	minute: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" },
	date: { dateStyle: "short" },
	clock: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
	day: { weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

const formats = new Map<string, Intl.DateTimeFormat>();

/** A time in the reader's locale. */
export function formatTime(at: number, form: keyof typeof options, zone: Zone): string {
	const key = `${form} ${zone}`;
	const format =
		formats.get(key) ??
		new Intl.DateTimeFormat(undefined, { ...options[form], ...(zone === "utc" && { timeZone: "UTC" }) });
	formats.set(key, format);
	return format.format(at);
}

/** How to write a time: without the day if it is of today, in the zone that is shown. */
export function nearForm(at: number, now: number, zone: Zone): "clock" | "short" {
	return formatTime(at, "date", zone) === formatTime(now, "date", zone) ? "clock" : "short";
}
