// Dates, numbers and durations in the reader's locale and time zone.

export interface Formats {
	readonly number: (value: number) => string;
	readonly percent: (share: number) => string;
	/** A day and a time. */
	readonly date: (at: number) => string;
	/** With seconds and the time zone. */
	readonly exact: (at: number) => string;
	/** `in 5 min.`, `2 hr. ago`. */
	readonly distance: (at: number, now: number) => string;
	/** `210 ms`, `1.2 sec`. */
	readonly duration: (ms: number) => string;
}

const UNITS = [
	["day", 86_400_000],
	["hour", 3_600_000],
	["minute", 60_000],
	["second", 1_000],
] as const;

/** `timeZone` is the reader's own if it is undefined or none. */
export function formatsFor(locale: string, timeZone: string | undefined): Formats {
	const zone = isZone(timeZone) ? { timeZone } : {};
	const number = new Intl.NumberFormat(locale);
	const percent = new Intl.NumberFormat(locale, { style: "percent" });
	const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", ...zone });
	const exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "long", ...zone });
	const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
	const unit = (unit: string, maximumFractionDigits: number) =>
		new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits });
	const [milliseconds, seconds] = [unit("millisecond", 0), unit("second", 1)];
	return {
		number: (value) => number.format(value),
		percent: (share) => percent.format(share),
		date: (at) => date.format(at),
		exact: (at) => exact.format(at),
		distance: (at, now) => {
			const [name, ms] = UNITS.find(([, ms]) => Math.abs(at - now) >= ms) ?? UNITS[3];
			return relative.format(Math.round((at - now) / ms), name);
		},
		duration: (ms) => (ms < 1_000 ? milliseconds.format(ms) : seconds.format(ms / 1_000)),
	};
}

function isZone(timeZone: string | undefined): timeZone is string {
	if (timeZone === undefined) return false;
	try {
		return new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone !== "";
	} catch {
		return false;
	}
}
