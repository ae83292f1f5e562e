// Quotas of changes: how many entries a project and each of its customers may add to the audit log.
import type { AuditAction } from "../access/audit.ts";

/** The server's settings; 0 means no quota. */
export interface ChangeQuotas {
	/**
	 * Changes in a project with its keys in a minute, on average. Its customers, with their tokens, may make as many again, all of them
	 * together; and so may keys of the workspace there, and outside of any project. Each key may sign in as often, and replace keys and
	 * secrets as often, and as many portal sessions may be made for its customers together.
	 */
	readonly maxChangesPerMinute: number;
	/** Of these, the changes of each customer, with all its tokens. */
	readonly maxChangesPerMinutePerCustomer: number;
}

export const HIGHEST_CHANGES_PER_MINUTE = 1_000_000;

/**
 * What ends something is never refused and does not count: whoever makes all the changes must not keep others from stopping that,
 * and a person's data from being erased. Each takes something that was begun by a change that counts, by a send, or by a restore, so that
 * such changes are no more frequent than these. One that ends nothing leaves no entry; a test repeats each of them.
 */
const ENDING: ReadonlySet<string> = new Set<AuditAction>([
	"customer.delete",
	"customer.deleted",
	"customer.pause",
	"delivery.cancel",
	"delivery.cancel_many",
	"event.erase",
	"event_type.delete",
	"key.delete",
	"portal_session.revoke",
	"portal_session.revoke_many",
	"project.delete",
	"relay.delete",
	"replay.cancel",
	"session.delete",
	"webhook.delete",
	"webhook.disable",
	"webhook.pause",
	"webhook.release",
	"webhook.release_all",
	"webhook.release_many",
]);

/** What a key does for those who use it: it takes from a bucket of its own, so that no key keeps others from signing in, or from their changes. */
const SIGNING_IN: ReadonlySet<string> = new Set<AuditAction>(["session.create", "sign_in_link.create"]);

/**
 * What takes a key or a secret out of use that somebody else may have: whoever has it, and makes changes with it without a pause, must not
 * keep others from that. Each leaves an entry, so it is not free as what ends something is.
 */
const REPLACING: ReadonlySet<string> = new Set<AuditAction>(["key.roll", "webhook.update_secret"]);

/** Whether a change with this action uses up a quota, and can be refused. */
export function countsAsChange(action: string): boolean {
	return !ENDING.has(action);
}

/** What a change with this action is counted as for the key that makes it, if it is counted by key and not by project; else null. */
export function countedByKey(action: string): "signing in" | "replacing" | null {
	if (SIGNING_IN.has(action)) return "signing in";
	return REPLACING.has(action) ? "replacing" : null;
}
