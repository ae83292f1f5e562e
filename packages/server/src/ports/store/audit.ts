// What the audit log needs of the store.
import type { AuditEntry } from "../../core/audit.ts";
import type { Page, PageRequest, TimeRange } from "../../core/page.ts";

/** All that are given hold together. */
export interface AuditFilter extends TimeRange {
	readonly keyId: string | null;
	readonly projectId: string | null;
	readonly objectId: string | null;
	readonly action: string | null;
}

export interface AuditStore {
	/** `at` is the time in the entry's id. */
	insertAuditEntry(entry: AuditEntry): Promise<void>;
	/** Sets the object and the project of an entry. */
	amendAuditEntry(entryId: string, object: Pick<AuditEntry, "objectId" | "projectId">): Promise<void>;
	deleteAuditEntry(entryId: string): Promise<void>;
	/** Newest first. */
	auditEntries(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEntry>>;
}
