// When a failed attempt is followed by another.

/** How often and how patiently a webhook's failed deliveries are attempted again. */
export interface RetryPolicy {
	/** Attempts after the first, 0–20. */
	readonly maxRetries: number;
	/** The longest wait between two attempts, 0–86,400,000. */
	readonly maxBackoffMs: number;
	/** The waits themselves, in place of the exponential ones: as many as `maxRetries`. Null or left out: exponential. */
	readonly scheduleMs?: readonly number[] | null;
}

/** Of new webhooks whose creator names no policy. Its waits add up to 20–25 hours. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { maxRetries: 17, maxBackoffMs: 28_800_000 };
export const MAX_RETRIES_LIMIT = 20;
export const MAX_BACKOFF_LIMIT_MS = 86_400_000;
export const SCHEDULE_MAX_ENTRIES = 20;
/** The longest entry of a schedule: 30 days. */
export const SCHEDULE_MAX_WAIT_MS = 30 * 86_400_000;
/** However long a receiver asks us to stay away. */
export const MAX_RETRY_AFTER_MS = 86_400_000;
const BASE_DELAY_MS = 1_000;

/**
 * Waits before attempt `n + 1`: exponential from 1 s, capped, jittered down so that retries of one outage spread out. The waits of
 * a schedule are kept as they are, since somebody wrote them down so.
 */
export function retryDelayMs(policy: RetryPolicy, n: number, random: () => number): number {
	const scheduled = policy.scheduleMs?.[n - 1];
	if (scheduled !== undefined) return scheduled;
	const exponential = BASE_DELAY_MS * 2 ** (n - 1);
	return Math.round(Math.min(exponential, policy.maxBackoffMs) * (0.8 + 0.2 * random()));
}

/**
 * The wait that a `Retry-After` header asks for (RFC 9110, section 10.2.3: seconds, or an HTTP date), at most 24 h;
 * null if it is missing, in the past or unreadable.
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

/** The three date forms of RFC 9110, section 5.6.7, all of which begin with a day's name. */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;

/** One of the forms, that of C's asctime, leaves out that it is in GMT. */
function parseDate(text: string): number {
	return Date.parse(/ \d{4}$/.test(text) ? `${text} GMT` : text);
}
