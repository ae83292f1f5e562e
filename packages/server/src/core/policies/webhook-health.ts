// The health of a webhook: since when it has failed without a success, and how many deliveries were exhausted since.
import { DISABLE_AFTER_EXHAUSTED } from "../webhook.ts";

/** Healthy (`HEALTHY`) if `failingSince` is null, otherwise failing. */
export interface WebhookHealth {
	/** The time of the first failed attempt after the last success; null if there was no failure since. */
	readonly failingSince: number | null;
	/** Deliveries that became Failed since the last success. */
	readonly exhaustedCount: number;
}

export const HEALTHY: WebhookHealth = { failingSince: null, exhaustedCount: 0 };

/** The part of an attempt's outcome that health depends on. */
export interface HealthSign {
	readonly at: number;
	readonly success: boolean;
	/** Whether the delivery became Failed with this attempt. */
	readonly exhausted: boolean;
}

/** The health after an attempt. Returns the same object if nothing changed. */
export function healthAfter(health: WebhookHealth, { at, success, exhausted }: HealthSign): WebhookHealth {
	if (success) return health.failingSince === null ? health : HEALTHY;
	if (health.failingSince !== null && !exhausted) return health;
	return {
		failingSince: Math.min(health.failingSince ?? at, at),
		exhaustedCount: health.exhaustedCount + (exhausted ? 1 : 0),
	};
}

/** Whether a webhook has failed long enough to be disabled automatically. Never if `disableAfterMs` is 0. */
export function hasFailedForLong(health: WebhookHealth, disableAfterMs: number, now: number): boolean {
	if (disableAfterMs === 0 || health.failingSince === null) return false;
	return now - health.failingSince >= disableAfterMs && health.exhaustedCount >= DISABLE_AFTER_EXHAUSTED;
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
