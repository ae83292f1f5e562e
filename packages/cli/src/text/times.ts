// Times and durations: as they are typed, and as they are shown.
import { InvalidArgumentError } from "commander";

const UNITS = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const FORM = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|min|h|d|w)$/;
const TIME_FORM = "a duration before now such as 90s, 15m, 24h or 7d, or a time such as 2026-01-31T12:00:00Z";

/** Parses a duration such as `500ms`, `30s`, `15m`, `24h` or `7d` into milliseconds. */
export function parseDuration(text: string): number {
	const ms = durationOf(text);
	if (ms === null) throw new InvalidArgumentError(`It must be a duration such as 500ms, 30s, 15m, 24h or 7d.`);
	return ms;
}

/**
 * Parses a time: a duration before now, an ISO 8601 time, a date (its start here), milliseconds since the epoch, or `now`.
 */
export function parseTime(text: string, now = Date.now()): number {
	if (text === "now") return now;
	const before = durationOf(text);
	if (before !== null) return now - before;
	if (/^\d{13}$/.test(text)) return Number(text);
	const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
	const isTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(text);
	const ms = isDate || isTime ? Date.parse(isDate ? `${text}T00:00:00` : text) : Number.NaN;
	if (Number.isNaN(ms)) throw new InvalidArgumentError(`It must be ${TIME_FORM}.`);
	return ms;
}

/** A past or coming time as seen from now: `3 min ago`, `in 2 h`. */
export function relativeTime(ms: number, now = Date.now()): string {
	const distance = Math.abs(now - ms);
	if (distance < 1_000) return "now";
	// To whole seconds first: what lasts 24 h from now on is not due in 23 h a moment later.
	const text = shortDuration(Math.round(distance / UNITS.s) * UNITS.s);
	return ms < now ? `${text} ago` : `in ${text}`;
}

/** A duration in its largest unit that fits: `210 ms`, `4 s`, `15 min`, `3 h`, `12 d`. */
export function shortDuration(ms: number): string {
	const steps = [
		{ unit: "d", ms: UNITS.d, from: 2 * UNITS.d },
		{ unit: "h", ms: UNITS.h, from: 2 * UNITS.h },
		{ unit: "min", ms: UNITS.min, from: 2 * UNITS.min },
		{ unit: "s", ms: UNITS.s, from: UNITS.s },
	];
	const step = steps.find(({ from }) => ms >= from);
	return step === undefined ? `${Math.round(ms)} ms` : `${Math.floor(ms / step.ms)} ${step.unit}`;
}

/** A duration exactly, as it is typed, in the largest unit without a fraction: `90s`, `5m`, `30d`. */
export function typedDuration(ms: number): string {
	const steps = (["d", "h", "m", "s"] as const).map((unit) => ({ unit, ms: UNITS[unit] }));
	const step = steps.find(({ ms: size }) => ms % size === 0) ?? { unit: "ms", ms: 1 };
	return ms === 0 ? "0s" : `${ms / step.ms}${step.unit}`;
}

/** A time exactly, in the time zone of this machine: `2026-01-31 12:00:00.250 +01:00`. */
export function exactTime(ms: number): string {
	const date = new Date(ms);
	const offset = -date.getTimezoneOffset();
	const local = new Date(ms + offset * UNITS.min).toISOString().slice(0, 23).replace("T", " ");
	const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
	return `${local} ${offset < 0 ? "-" : "+"}${padded(hours)}:${padded(minutes)}`;
}

/** The time of day, in the time zone of this machine: `14:02:11`. */
export function clockTime(ms: number): string {
	return exactTime(ms).slice(11, 19);
}

/** A time exactly and as seen from now. */
export function fullTime(ms: number, now = Date.now()): string {
	return `${exactTime(ms)} (${relativeTime(ms, now)})`;
}

function padded(value: number): string {
	return String(value).padStart(2, "0");
}

function durationOf(text: string): number | null {
	const match = FORM.exec(text.replaceAll(" ", ""));
	if (match === null) return null;
	return Math.round(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]);
}
