// The delivery log as a database has it: what the checks compare with what the harness has seen.

export interface StoredAttempt {
	readonly number: number;
	readonly startDate: number;
	/** 0 if there was no response. */
	readonly responseCode: number;
	readonly error: string | null;
}

export interface StoredDelivery {
	readonly id: string;
	readonly eventId: string;
	readonly webhookId: string;
	readonly status: string;
	readonly reason: string | null;
	readonly attemptCount: number;
	readonly nextAttemptAt: number | null;
	readonly leaseUntil: number | null;
	/** Ordered by number. */
	readonly attempts: readonly StoredAttempt[];
}

export interface StoredLog {
	/** The result of `PRAGMA integrity_check`: "ok" if the database is intact. */
	readonly integrity: string;
	readonly eventIds: ReadonlySet<string>;
	readonly deliveries: readonly StoredDelivery[];
}

/** The log of a store in which no server has created the tables yet. */
export const EMPTY_LOG: StoredLog = { integrity: "ok", eventIds: new Set(), deliveries: [] };
