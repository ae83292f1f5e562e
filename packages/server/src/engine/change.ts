// What a call of the engine takes if it changes something for a principal: the scope, and the draft of the audit entry; and whether
// its quota has room for it.
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

/** Who makes a change, and which one. */
export type ChangeMaker = Pick<AuditDraft, "action" | "keyId" | "customerId">;

/** Asked before a change is read and prepared, since a refusal must cost less than what is refused. */
export interface ChangeQuotaCheck {
	/**
	 * Uses up nothing, so the change can still be refused when it is made. Calls pass of which only the body tells what they change: portal
	 * sessions, replays, which may be dry runs, and the resuming of a customer's webhooks.
	 *
	 * @throws FanfareError `change_rate_exceeded` if the quota of changes in this project is used up.
	 */
	checkQuota(maker: ChangeMaker, projectId: string): void;
}
