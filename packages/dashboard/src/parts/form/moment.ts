// Times as the browser's own field writes them, such as 2026-11-26T14:30, in the reader's choice of time zone.
import type { Zone } from "../text/zone.ts";

/** In milliseconds since the epoch; null if the text is no time. */
export function parseMoment(text: string, zone: Zone): number | null {
	if (!/^\d{4,6}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text)) return null;
	// Without a zone, a time is one of the reader's own zone.
	const at = Date.parse(zone === "utc" ? `${text}Z` : text);
	return Number.isNaN(at) ? null : at;
}

/** The text of a field, to the minute. */
export function writeMoment(at: number, zone: Zone): string {
	const offset = zone === "utc" ? 0 : new Date(at).getTimezoneOffset() * 60_000;
	return new Date(at - offset).toISOString().slice(0, 16);
}
