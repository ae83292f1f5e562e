// The slice for the audit log, which the API reads. Its entries are written together with the changes that they describe.
import type { AuditEntry } from "../../core/access/audit.ts";
import type { Page, PageRequest, TimeRange } from "../../core/page.ts";

/** Selects entries that match all fields. Null matches every entry. The time range is about `at`. */
export interface AuditFilter extends TimeRange {
	readonly keyId: string | null;
	readonly projectId: string | null;
	readonly objectId: string | null;
	/** An exact name such as `webhook.update`. */
	readonly action: string | null;
}

/**
 * A page of entries. `names` has what the keys, webhooks and projects in them are called now, by id: an entry itself has no name. Ids of which
 * nothing is kept any more, such as those of revoked keys, and whose name was erased, are not in it.
 */
export interface AuditPage extends Page<AuditEntry> {
	readonly names: ReadonlyMap<string, string>;
}

/** Entries outlive the projects, keys and objects that they name. */
export interface AuditStore {
	/**
	 * Adds the entry of an action that changes nothing in the store, such as a test of a webhook. The entry of a change is
	 * written by the change. `at` must be the time in the entry's id. Rejects with `store_conflict` if the id exists.
	 */
	insertAuditEntry(entry: AuditEntry): Promise<void>;
	/** A page of entries, newest first. With several fields it can end early: see `Page.stoppedAt`. */
	auditEntries(filter: AuditFilter, page: PageRequest): Promise<AuditPage>;
}
