// Which objects of audit entries have a name: keys, webhooks and projects.
import type { AuditEntry } from "./audit.ts";

/** What the ids of objects that have a name begin with. */
export type NamedPrefix = "key" | "webhook" | "proj";

/**
 * What the objects of actions are, by the action or its first part. All others have no name. Event types and customers have ids that callers
 * choose, which can look like those of an object of another project: a store looks for objects of the entry's project alone.
 */
const PREFIXES: ReadonlyMap<string, NamedPrefix> = new Map([
	// A customer is paused webhook by webhook.
	["customer.pause", "webhook"],
	["customer.resume", "webhook"],
	["delivery", "proj"],
	["key", "key"],
	// Those of a customer or of a key.
	["portal_session.revoke_many", "key"],
	["project", "proj"],
	["relay", "webhook"],
	["session", "key"],
	["webhook", "webhook"],
]);

/**
 * What the object of an entry is, if it can have a name; null if it has none.
 *
 * @example
 * namedPrefix({ action: "event_type.put", objectId: "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77" }); // null
 */
export function namedPrefix({ action, objectId }: Pick<AuditEntry, "action" | "objectId">): NamedPrefix | null {
	const prefix = PREFIXES.get(action.slice(0, Math.max(0, action.indexOf(".")))) ?? PREFIXES.get(action);
	return prefix !== undefined && objectId.startsWith(`${prefix}_`) ? prefix : null;
}
