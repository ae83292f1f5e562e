// Retry policies: how often and when a failed delivery is attempted again.
import { parseTime } from "../clock.ts";

/** How often, and with which waits, a webhook's failed deliveries are attempted again. */
export interface RetryPolicy {
	/** Attempts after the first, 0–20. */
	readonly maxRetries: number;
	/** The longest exponential wait between two attempts in ms, 0–86,400,000. */
	readonly maxBackoffMs: number;
	/** The waits in ms instead of exponential ones: `maxRetries` entries. Exponential if null or omitted. */
	readonly scheduleMs?: readonly number[] | null;
}

/** The default for new webhooks. Its waits add up to 20–25 hours. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { maxRetries: 17, maxBackoffMs: 28_800_000 };
export const MAX_RETRIES_LIMIT = 20;
export const MAX_BACKOFF_LIMIT_MS = 86_400_000;
export const SCHEDULE_MAX_ENTRIES = 20;
/** The longest entry of a schedule: 30 days. */
export const SCHEDULE_MAX_WAIT_MS = 30 * 86_400_000;
/** The longest wait that a receiver can ask for with `Retry-After`. */
export const MAX_RETRY_AFTER_MS = 86_400_000;
const BASE_DELAY_MS = 1_000;

/**
 * The delay in ms before attempt `n + 1`: exponential from 1 s, capped by `maxBackoffMs`, with jitter (a factor of
 * 0.8–1) so that retries after one outage spread out. A wait from `scheduleMs` is used exactly.
 *
 * @param random returns a number from 0 to 1
 */
export function retryDelayMs(policy: RetryPolicy, n: number, random: () => number): number {
	const scheduled = policy.scheduleMs?.[n - 1];
	if (scheduled !== undefined) return scheduled;
	const exponential = BASE_DELAY_MS * 2 ** (n - 1);
	return Math.round(Math.min(exponential, policy.maxBackoffMs) * (0.8 + 0.2 * random()));
}

/** The longest wait in ms between two attempts that the policy or a receiver can ask for. */
export function longestWaitMs({ maxBackoffMs, scheduleMs }: RetryPolicy): number {
	return Math.max(MAX_RETRY_AFTER_MS, maxBackoffMs, ...(scheduleMs ?? []));
}

/**
 * The wait in ms that a `Retry-After` header asks for (RFC 9110, section 10.2.3: seconds, or an HTTP date), at most
 * 24 hours; null if the header is missing, in the past or malformed.
 *
 * @example
 * parseRetryAfterMs("120", Date.now()); // 120000
 */
export function parseRetryAfterMs(value: string | undefined, now: number): number | null {
	if (value === undefined) return null;
	const text = value.trim();
	const wait = /^\d+$/.test(text) ? Number(text) * 1_000 : HTTP_DATE.test(text) ? parseDate(text) - now : NaN;
	return wait > 0 ? Math.min(wait, MAX_RETRY_AFTER_MS) : null;
}

/** The three date formats of RFC 9110, section 5.6.7, which all begin with the name of a day. */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;

/** One of the formats, that of C's asctime, omits its time zone, which is GMT. */
function parseDate(text: string): number {
	return parseTime(/ \d{4}$/.test(text) ? `${text} GMT` : text);
}
