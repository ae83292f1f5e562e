// The slice for the audit log: management calls write it, the API reads it.
import type { AuditEntry } from "../../core/audit.ts";
import type { Page, PageRequest, TimeRange } from "../../core/page.ts";

/** Selects entries that match all fields. Null matches every entry. The time range is about `at`. */
export interface AuditFilter extends TimeRange {
	readonly keyId: string | null;
	readonly projectId: string | null;
	readonly objectId: string | null;
	/** An exact name such as `webhook.update`. */
	readonly action: string | null;
}

/** Entries outlive the projects, keys and objects that they name. */
export interface AuditStore {
	/** `at` must be the time in the entry's id. Rejects with `store_conflict` if the id exists. */
	insertAuditEntry(entry: AuditEntry): Promise<void>;
	/**
	 * Replaces the object and the project of an entry: an entry is written before its action, and the action can make the
	 * object.
	 */
	amendAuditEntry(entryId: string, object: Pick<AuditEntry, "objectId" | "projectId">): Promise<void>;
	/** Removes an entry whose action was not done. */
	deleteAuditEntry(entryId: string): Promise<void>;
	/** A page of entries, newest first. */
	auditEntries(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEntry>>;
}
