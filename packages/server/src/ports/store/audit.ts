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
 * A page of entries, with what the keys, webhooks and projects in them are called now, or were called last: an entry itself has no name.
 * What is not kept any more and what has an erased name is not in the maps.
 */
export interface AuditPage extends Page<AuditEntry> {
	/** The names of the keys that made the calls, by their ids. Those of revoked keys are kept for as long as an entry names the key. */
	readonly keyNames: ReadonlyMap<string, string>;
	/**
	 * The names of the objects, by the ids of the entries. Only what belongs to the entry's project is in it, and what belongs to the
	 * workspace for entries without a project: another text in an entry can be the id of something of another project.
	 */
	readonly objectNames: ReadonlyMap<string, string>;
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
