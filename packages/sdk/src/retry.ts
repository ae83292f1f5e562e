// Whether a call is retried, and after which delay. Pure: the clock and randomness are parameters.
import { ApiError, ConnectionError } from "./errors.ts";

/**
 * The failures after which a call may be retried.
 * - `"any"`: for idempotent calls. Retried after a 408, a 429, a 5xx, a lost connection and a timeout.
 * - `"refused"`: for calls that must not be processed twice. Retried only if the server says that it has not started:
 *   after a 408 or a 429, or a 503 with `Retry-After` (a 503 without it may come from a proxy that lost its connection
 *   half-way).
 */
export type RepeatRule = "any" | "refused";

/** If `Retry-After` asks for more than this, the call is not retried: it fails at once, with `retryAfterMs`. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/** The request did not arrive in time, or there are too many: nothing was processed. */
const REFUSED_STATUSES: ReadonlySet<number> = new Set([408, 429]);

const BASE_DELAY_MS = 500;
const LONGEST_BACKOFF_MS = 8_000;

/** The delay after try number `tryNumber` (from 1), in milliseconds; null if the call must not be retried. */
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
	if (REFUSED_STATUSES.has(error.status)) return true;
	if (rule === "any") return error.status >= 500;
	return error.status === 503 && error.retryAfterMs !== null;
}

/** Parses `Retry-After`, which is in seconds or a date. Returns milliseconds; null if it is missing or not valid. */
export function parseRetryAfterMs(header: string | null, now: number): number | null {
	const value = header?.trim() ?? "";
	if (/^\d+$/.test(value)) return Number(value) * 1_000;
	// Only texts that begin like an HTTP date: Date.parse would read "-5" as a year.
	if (!/^[A-Za-z]{3}/.test(value)) return null;
	const date = Date.parse(value);
	return Number.isNaN(date) ? null : Math.max(0, date - now);
}
