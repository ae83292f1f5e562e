// The health of a webhook: since when it has failed without a success, what was reported about it, and when it is disabled.
import { DISABLE_AFTER_EXHAUSTED, type WebhookStatus } from "../webhook.ts";

/** A webhook is failing after this many failed attempts in a row … */
export const FAILING_AFTER_FAILED = 5;
/** … and this long without a success. */
const FAILING_AFTER_MS = 300_000;
/** Before a webhook is disabled, its last warning is due this early, and the first one is at least this old. */
const DAY_MS = 86_400_000;

/**
 * What the store keeps of a webhook. Attempts change the counts (`healthAfter`), and time changes what is reported
 * (`healthReported`).
 */
export interface WebhookHealth {
	/** The time of the first failed attempt after the last success; null if there was no failure since. */
	readonly failingSince: number | null;
	/** Attempts that failed since the last success, counted up to `FAILING_AFTER_FAILED`. */
	readonly failedCount: number;
	/** Deliveries that became Failed since the last success. */
	readonly exhaustedCount: number;
	/** Why the last attempt failed that was counted; null if there is none. */
	readonly reason: string | null;
	/** When the webhook was reported as failing; null if it was not. */
	readonly reportDate: number | null;
	/** When the first warning was given that it will be disabled; null if there was none. */
	readonly warnDate: number | null;
	/** When the last warning was given, a day before; null if there was none. */
	readonly remindDate: number | null;
}

export const HEALTHY: WebhookHealth = {
	failingSince: null,
	failedCount: 0,
	exhaustedCount: 0,
	reason: null,
	reportDate: null,
	warnDate: null,
	remindDate: null,
};

/** The part of an attempt's outcome that health depends on. */
export interface HealthSign {
	readonly at: number;
	readonly success: boolean;
	/** Whether the delivery became Failed with this attempt. */
	readonly exhausted: boolean;
	/** Why the attempt failed, if that is known. */
	readonly reason: string | null;
}

/** The health after an attempt. Returns the same object if nothing changed. */
export function healthAfter(health: WebhookHealth, { at, success, exhausted, reason }: HealthSign): WebhookHealth {
	if (success) return health.failingSince === null ? health : HEALTHY;
	const { failingSince, failedCount, exhaustedCount, warnDate } = health;
	// Dates after the attempt come from a clock that was ahead and is put right.
	const isBack = at < (failingSince ?? 0) || at < (warnDate ?? 0);
	if (failedCount === FAILING_AFTER_FAILED && !exhausted && !isBack) return health;
	return {
		...health,
		failingSince: Math.min(failingSince ?? at, at),
		failedCount: Math.min(failedCount + 1, FAILING_AFTER_FAILED),
		exhaustedCount: exhaustedCount + (exhausted ? 1 : 0),
		reason: reason ?? health.reason,
		warnDate: warnDate === null ? null : Math.min(warnDate, at),
	};
}

/**
 * When something is due to be reported, if no attempt succeeds until then; null if nothing is. First that the webhook is
 * failing, then the warning at half of `disableAfterMs`, and then, if that is longer than two days, the warning a day before
 * the webhook can be disabled.
 */
export function reportDueAt(health: WebhookHealth, disableAfterMs: number): number | null {
	const { failingSince, failedCount, reportDate, warnDate, remindDate } = health;
	if (failingSince === null || failedCount < FAILING_AFTER_FAILED) return null;
	const half = Math.floor(disableAfterMs / 2);
	if (reportDate === null) {
		return failingSince + (disableAfterMs === 0 ? FAILING_AFTER_MS : Math.min(FAILING_AFTER_MS, half));
	}
	if (disableAfterMs === 0) return null;
	if (warnDate === null) return failingSince + half;
	if (remindDate !== null || disableAfterMs <= 2 * DAY_MS) return null;
	return warnedDisableDate(failingSince, warnDate, disableAfterMs) - DAY_MS;
}

/** The health after everything was reported that is due at `now`. Returns the same object if nothing is due. */
export function healthReported(health: WebhookHealth, disableAfterMs: number, now: number): WebhookHealth {
	const dueAt = reportDueAt(health, disableAfterMs);
	if (dueAt === null || dueAt > now) return health;
	const { reportDate, warnDate } = health;
	if (reportDate === null) return healthReported({ ...health, reportDate: now }, disableAfterMs, now);
	if (warnDate === null) return healthReported({ ...health, warnDate: now }, disableAfterMs, now);
	return { ...health, remindDate: now };
}

/** The health without warnings, for a webhook whose `disableAfterMs` has changed: what is due is then reported anew. */
export function withoutWarnings(health: WebhookHealth): WebhookHealth {
	return { ...health, warnDate: null, remindDate: null };
}

/**
 * Whether a webhook has failed long enough to be disabled automatically: for `disableAfterMs`, with enough exhausted
 * deliveries, and after a warning that was early enough. Never if `disableAfterMs` is 0.
 */
export function hasFailedForLong(health: WebhookHealth, disableAfterMs: number, now: number): boolean {
	const { failingSince, exhaustedCount, warnDate } = health;
	if (disableAfterMs === 0 || failingSince === null || warnDate === null) return false;
	return exhaustedCount >= DISABLE_AFTER_EXHAUSTED && now >= warnedDisableDate(failingSince, warnDate, disableAfterMs);
}

/** A warning comes a day before the webhook is disabled, or half of a shorter `disableAfterMs`, however late it was given. */
function warnedDisableDate(failingSince: number, warnDate: number, disableAfterMs: number): number {
	return Math.max(failingSince + disableAfterMs, warnDate + Math.min(DAY_MS, Math.floor(disableAfterMs / 2)));
}

/**
 * The earliest time at which a webhook can be disabled automatically; null if it is not failing, not Enabled, or never
 * disabled. It goes with the time if that is over and only exhausted deliveries are missing.
 */
export function earliestDisableDate(
	{ failingSince, reportDate, warnDate }: WebhookHealth,
	{ status, disableAfterMs }: { readonly status: WebhookStatus; readonly disableAfterMs: number },
	now: number,
): number | null {
	if (failingSince === null || reportDate === null || status !== "Enabled" || disableAfterMs === 0) return null;
	return Math.max(warnedDisableDate(failingSince, warnDate ?? now, disableAfterMs), now);
}

/**
 * - `Healthy`: attempts succeed, or there were none, or too few have failed in a row to tell.
 * - `Failing`: five attempts or more have failed in a row, and none has succeeded for 5 minutes, or for half of
 *   `disableAfterMs` if that is less.
 * - `Disabling`: so many have failed for so long that a warning was given: the webhook will be disabled.
 * - `Disabled`: Fanfare has disabled the webhook.
 */
export const HEALTH_STATES = ["Healthy", "Failing", "Disabling", "Disabled"] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

/** The health of a webhook, as the API shows it. */
export interface ShownHealth {
	readonly state: HealthState;
	/** When the first attempt after the last success failed; null if none did. */
	readonly failingSince: number | null;
	/** Deliveries that became Failed since the last success. */
	readonly exhaustedCount: number;
	/** The earliest time at which Fanfare can disable the webhook; null unless that is ahead. */
	readonly disableDate: number | null;
}

/** The health as the API shows it. A disabled webhook has the health with which it was disabled. */
export function shownHealth(
	health: WebhookHealth,
	webhook: { readonly status: WebhookStatus; readonly disableAfterMs: number },
	now: number,
): ShownHealth {
	const { failingSince, exhaustedCount } = health;
	const state = healthState(health, webhook.status);
	return { state, failingSince, exhaustedCount, disableDate: earliestDisableDate(health, webhook, now) };
}

/** The state of a health, which does not depend on the time. A paused webhook is not disabled, so that it is `Failing` at most. */
function healthState(
	{ reportDate, warnDate }: Pick<WebhookHealth, "reportDate" | "warnDate">,
	status: WebhookStatus,
): HealthState {
	if (status === "Disabled") return "Disabled";
	if (reportDate === null) return "Healthy";
	return warnDate === null || status === "Paused" ? "Failing" : "Disabling";
}

/** Why the webhook is disabled, in words: `no success for 5 days and 12 exhausted deliveries`. */
export function disableReason({ failingSince, exhaustedCount }: WebhookHealth, now: number): string {
	return `no success for ${duration(now - (failingSince ?? now))} and ${exhaustedCount} exhausted deliveries`;
}

const UNITS = [
	["day", 86_400_000],
	["hour", 3_600_000],
	["minute", 60_000],
	["second", 1_000],
] as const;

/** A duration in its largest unit, rounded down, such as `5 days`. */
function duration(ms: number): string {
	const [name, unitMs] = UNITS.find(([, unitMs]) => ms >= unitMs) ?? (["millisecond", 1] as const);
	const count = Math.floor(ms / unitMs);
	return `${count} ${name}${count === 1 ? "" : "s"}`;
}
