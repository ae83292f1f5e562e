// When a call is made again, and after what wait. Pure: time and chance are handed in.
import { ApiError, ConnectionError } from "./errors.ts";

/**
 * Which failures a call may be repeated after.
 * - `"any"`: doing it twice is the same as doing it once. Repeated after a 429, a 5xx, a lost connection and a timeout.
 * - `"refused"`: doing it twice would make two. Repeated only where the server says that it has not begun: a 429, or a 503
 *   with `Retry-After` (a 503 without it may come from a proxy that has lost its connection half-way).
 */
export type RepeatRule = "any" | "refused";

/** A server that asks for more than this gets no further try: the caller learns of it at once, as `retryAfterMs`. */
export const LONGEST_RETRY_AFTER_MS = 60_000;

const BASE_DELAY_MS = 500;
const LONGEST_BACKOFF_MS = 8_000;

/** The wait before the try after `tryNumber` (from 1), or null if there is no point in another. */
export function repeatDelayMs(
	error: unknown,
	rule: RepeatRule,
	tryNumber: number,
	random: () => number,
): number | null {
	if (!mayRepeat(error, rule)) return null;
	const backoffMs = Math.min(LONGEST_BACKOFF_MS, BASE_DELAY_MS * 2 ** (tryNumber - 1)) * (0.5 + 0.5 * random());
	const askedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
	return askedMs > LONGEST_RETRY_AFTER_MS ? null : Math.max(backoffMs, askedMs);
}

function mayRepeat(error: unknown, rule: RepeatRule): boolean {
	if (error instanceof ConnectionError) return rule === "any";
	if (!(error instanceof ApiError)) return false;
	if (error.status === 429) return true;
	if (rule === "any") return error.status >= 500;
	return error.status === 503 && error.retryAfterMs !== null;
}

/** The wait that a `Retry-After` asks for, in seconds or as a date; null if there is none or it says nothing. */
export function parseRetryAfterMs(header: string | null, now: number): number | null {
	const value = header?.trim() ?? "";
	if (/^\d+$/.test(value)) return Number(value) * 1_000;
	// Only what begins like an HTTP date: Date.parse makes a year of "-5".
	if (!/^[A-Za-z]{3}/.test(value)) return null;
	const date = Date.parse(value);
	return Number.isNaN(date) ? null : Math.max(0, date - now);
}
