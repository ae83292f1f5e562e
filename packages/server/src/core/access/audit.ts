// The audit log: who did what to which object, and when. Entries never contain a secret or a payload.

export interface AuditEntry {
	readonly id: string;
	readonly at: number;
	/** The key that made the call; null for the server itself. */
	readonly keyId: string | null;
	readonly projectId: string | null;
	/** Such as `webhook.update`. */
	readonly action: string;
	/** The id of the object, such as `webhook_…`; for an event type its name. */
	readonly objectId: string;
	/** The names of the fields that were set; empty for a deletion. */
	readonly fields: readonly string[];
	readonly requestId: string | null;
}

/** The part of an entry that the caller of a change knows. The engine adds the object, the project, the time and the id. */
export type AuditDraft = Pick<AuditEntry, "keyId" | "action" | "fields" | "requestId">;
