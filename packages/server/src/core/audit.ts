// The audit log: who did what to which object, when. Never with a secret or a payload.

export interface AuditEntry {
	readonly id: string;
	readonly at: number;
	/** The key that did it; null for the server itself. */
	readonly keyId: string | null;
	readonly projectId: string | null;
	/** Such as `webhook.update`. */
	readonly action: string;
	/** The object's id, such as `webhook_…`. */
	readonly objectId: string;
	/** The names of the fields that were set; for a deletion none. */
	readonly fields: readonly string[];
	readonly requestId: string | null;
}
