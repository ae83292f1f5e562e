// What a call of the engine takes if it changes something for a principal: the scope, and the draft of the audit entry.
import type { AuditDraft } from "../core/access/audit.ts";
import type { Scope } from "../core/access/principal.ts";

/**
 * A change that is made for somebody. It is one transaction: what it changes and its audit entry are written together or
 * not at all, and a change that changes nothing has no entry.
 */
export interface Change {
	/** The data that may be changed. */
	readonly scope: Scope;
	/** What the audit log says about the change; null leaves no entry. */
	readonly audit: AuditDraft | null;
}
