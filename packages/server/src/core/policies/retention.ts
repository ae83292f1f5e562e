// Retention: how long events and their payloads are kept, for the server and for each project.

/** Whole days; 0 keeps for ever. */
export interface RetentionSettings {
	/** An event with its deliveries and attempts, from its acceptance on. */
	readonly retentionDays: number;
	/** Its payload and what receivers answered; null or 0 = as long as the event. */
	readonly payloadRetentionDays: number | null;
}

/** What a project sets in place of the server's; null leaves it to the server. */
export interface ProjectRetention {
	readonly retentionDays: number | null;
	readonly payloadRetentionDays: number | null;
}

export const DEFAULT_RETENTION: RetentionSettings = { retentionDays: 30, payloadRetentionDays: null };
export const MAX_RETENTION_DAYS = 3_650;
/** Why the deliveries of an event whose payload is gone are cancelled. */
export const ERASED_REASON = "the payload was erased";
const DAY_MS = 86_400_000;

/** Accepted before these times, an event or its payload has served its time; null = it never has. */
export interface RetentionLimits {
	readonly eventsBefore: number | null;
	readonly payloadsBefore: number | null;
}

/**
 * What has served its time in a project at `now`.
 *
 * @example
 * retentionLimits({ retentionDays: 30, payloadRetentionDays: 7 }, { retentionDays: null, payloadRetentionDays: 1 }, now);
 * // { eventsBefore: now - 30 days, payloadsBefore: now - 1 day }
 */
export function retentionLimits(server: RetentionSettings, project: ProjectRetention, now: number): RetentionLimits {
	const days = project.retentionDays ?? server.retentionDays;
	const payloadDays = project.payloadRetentionDays ?? server.payloadRetentionDays ?? 0;
	const outlived = days !== 0 && payloadDays >= days;
	return {
		eventsBefore: days === 0 ? null : now - days * DAY_MS,
		payloadsBefore: payloadDays === 0 || outlived ? null : now - payloadDays * DAY_MS,
	};
}

/** Why these two can't go together, as it continues a field's name; null if they can. */
export function retentionConflict(days: number | null, payloadDays: number | null): string | null {
	if (days === null || days === 0 || payloadDays === null || payloadDays <= days) return null;
	return `must not be more than the ${days} ${days === 1 ? "day" : "days"} that events are kept, got ${payloadDays}`;
}
