// Retention: how long events and their payloads are kept, for the server and for each project, and how long audit entries are.

/** The server's settings for projects without their own, in whole days; 0 keeps for ever. */
export interface LogRetention {
	/** How long an event is kept with its deliveries and attempts, from its acceptance. */
	readonly retentionDays: number;
	/** How long its payload and the response bodies are kept; null or 0 keeps them as long as the event. */
	readonly payloadRetentionDays: number | null;
}

/** All of the server's settings. */
export interface RetentionSettings extends LogRetention {
	/** How long audit entries are kept; 0 keeps them for ever. */
	readonly auditRetentionDays: number;
}

/** A project's own settings; null means the server's setting. */
export interface ProjectRetention {
	readonly retentionDays: number | null;
	readonly payloadRetentionDays: number | null;
}

export const DEFAULT_RETENTION: RetentionSettings = {
	retentionDays: 30,
	payloadRetentionDays: null,
	auditRetentionDays: 365,
};
export const MAX_RETENTION_DAYS = 3_650;
/** The reason of deliveries that were cancelled because the payload of their event was erased. */
export const ERASED_REASON = "the payload was erased";
const DAY_MS = 86_400_000;

/** The times up to which data is purged; null means that it is never purged. */
export interface RetentionLimits {
	/** Events accepted before this time are deleted. */
	readonly eventsBefore: number | null;
	/** Payloads of events accepted before this time are deleted. */
	readonly payloadsBefore: number | null;
}

/**
 * The retention limits of a project at `now`.
 *
 * @example
 * const server = { retentionDays: 30, payloadRetentionDays: 7 };
 * retentionLimits(server, { retentionDays: null, payloadRetentionDays: 1 }, now);
 * // { eventsBefore: now - 30 days, payloadsBefore: now - 1 day }
 */
export function retentionLimits(server: LogRetention, project: ProjectRetention, now: number): RetentionLimits {
	const days = project.retentionDays ?? server.retentionDays;
	const payloadDays = project.payloadRetentionDays ?? server.payloadRetentionDays ?? 0;
	const outlived = days !== 0 && payloadDays >= days;
	return {
		eventsBefore: days === 0 ? null : now - days * DAY_MS,
		payloadsBefore: payloadDays === 0 || outlived ? null : now - payloadDays * DAY_MS,
	};
}

/** The time up to which audit entries are deleted; null means that they never are. */
export function auditLimit({ auditRetentionDays }: RetentionSettings, now: number): number | null {
	return auditRetentionDays === 0 ? null : now - auditRetentionDays * DAY_MS;
}

/**
 * Why payloads can't be kept for `payloadDays` if events are kept for `days`, as the text after a field's name; null if
 * they can.
 */
export function retentionConflict(days: number | null, payloadDays: number | null): string | null {
	if (days === null || days === 0 || payloadDays === null || payloadDays <= days) return null;
	return `must not be more than the ${days} ${days === 1 ? "day" : "days"} that events are kept, got ${payloadDays}`;
}
