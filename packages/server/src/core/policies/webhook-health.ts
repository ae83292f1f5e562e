// The health of a webhook: for how long it has been failing without one success, and how many deliveries that has cost.
import { DISABLE_AFTER_EXHAUSTED } from "../webhook.ts";

export interface WebhookHealth {
	/** When the first attempt failed after the last success; null if the last attempt succeeded or there was none. */
	readonly failingSince: number | null;
	/** Deliveries that have ended as Failed since the last success. */
	readonly exhaustedCount: number;
}

export const HEALTHY: WebhookHealth = { failingSince: null, exhaustedCount: 0 };

/** The end of an attempt, as far as health depends on it. */
export interface HealthSign {
	readonly at: number;
	readonly success: boolean;
	/** Whether the delivery has ended as Failed with it. */
	readonly exhausted: boolean;
}

/** The health after an attempt; the very same object if it is as before. */
export function healthAfter(health: WebhookHealth, { at, success, exhausted }: HealthSign): WebhookHealth {
	if (success) return health.failingSince === null ? health : HEALTHY;
	if (health.failingSince !== null && !exhausted) return health;
	return {
		failingSince: Math.min(health.failingSince ?? at, at),
		exhaustedCount: health.exhaustedCount + (exhausted ? 1 : 0),
	};
}

/** Whether a webhook has failed for so long that it is to be disabled. `disableAfterMs` 0: never. */
export function hasFailedForLong(health: WebhookHealth, disableAfterMs: number, now: number): boolean {
	if (disableAfterMs === 0 || health.failingSince === null) return false;
	return now - health.failingSince >= disableAfterMs && health.exhaustedCount >= DISABLE_AFTER_EXHAUSTED;
}

/** Why it is disabled, in words: `no success for 5 days and 12 exhausted deliveries`. */
export function disableReason({ failingSince, exhaustedCount }: WebhookHealth, now: number): string {
	return `no success for ${duration(now - (failingSince ?? now))} and ${exhaustedCount} exhausted deliveries`;
}

const UNITS = [
	["day", 86_400_000],
	["hour", 3_600_000],
	["minute", 60_000],
	["second", 1_000],
] as const;

/** In the largest unit that goes into it, rounded down. */
function duration(ms: number): string {
	const [name, unitMs] = UNITS.find(([, unitMs]) => ms >= unitMs) ?? (["millisecond", 1] as const);
	const count = Math.floor(ms / unitMs);
	return `${count} ${name}${count === 1 ? "" : "s"}`;
}
