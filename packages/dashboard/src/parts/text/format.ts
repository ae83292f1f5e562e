// Numbers, durations and sizes as people read them, in the reader's locale.
const integer = new Intl.NumberFormat();
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function count(value: number): string {
	return integer.format(value);
}

/** `1 delivery`, `1,204 deliveries`. */
export function counted(value: number, one: string, many = `${one}s`): string {
	return `${integer.format(value)} ${value === 1 ? one : many}`;
}

/** A share as a percentage; it says 100 % only if nothing is missing. */
export function share(part: number, whole: number): string {
	if (whole === 0) return "–";
	const value = part / whole;
	return percent.format(part < whole ? Math.min(value, 0.999) : value);
}

/** `340 ms`, `2.1 s`, `4 min`, `3 h`, `2 days`. */
export function duration(ms: number): string {
	if (ms < SECOND) return `${integer.format(Math.round(ms))} ms`;
	if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
	if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
	if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
	if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} h`;
	return `${integer.format(Math.round(ms / DAY))} days`;
}

/** For states that last, whose milliseconds say nothing: `less than a second`, `8 s`, and then as `duration`. */
export function coarseDuration(ms: number): string {
	if (ms < SECOND) return "less than a second";
	return ms < MINUTE ? `${Math.floor(ms / SECOND)} s` : duration(ms);
}

/** `in 8 sec.`, `2 hr. ago`, in the words of the reader's locale. */
export function distance(at: number, now: number): string {
	const ms = at - now;
	const size = Math.abs(ms);
	if (size < MINUTE) return relative.format(Math.round(ms / SECOND), "second");
	if (size < HOUR) return relative.format(Math.round(ms / MINUTE), "minute");
	if (size < DAY) return relative.format(Math.round(ms / HOUR), "hour");
	return relative.format(Math.round(ms / DAY), "day");
}

/** The last group of an id's UUID. An event and its deliveries have the same last eight digits, and differ in those before them. */
export const ID_END = 12;

/** The end of an id, by which people tell ids apart: `…9c7c61a51af3`. */
export function idEnd(id: string): string {
	return `…${id.slice(-ID_END)}`;
}

/** Host and path of an address, without the scheme. */
export function addressOf(url: string): string {
	if (!URL.canParse(url)) return url;
	const { host, pathname, search } = new URL(url);
	return `${host}${pathname === "/" ? "" : pathname}${search}`;
}
