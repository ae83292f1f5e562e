// What the audit log needs of the store.
import type { AuditEntry } from "../core/audit.ts";
import type { Page, PageRequest } from "../core/page.ts";
import type { TimeRange } from "./store.ts";

export interface AuditFilter extends TimeRange {
	readonly keyId: string | null;
	readonly projectId: string | null;
	readonly objectId: string | null;
	readonly action: string | null;
}

export interface AuditStore {
	insertAuditEntry(entry: AuditEntry): Promise<void>;
	auditEntries(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEntry>>;
}
