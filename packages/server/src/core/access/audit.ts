// The audit log: who did what to which object, and when. Entries never contain a secret or a payload.

/** Every action that an entry can have: those of the calls, and those that the server itself takes. */
export const AUDIT_ACTIONS = [
	"customer.delete",
	"customer.deleted",
	"customer.pause",
	"customer.resume",
	"customer.update",
	"delivery.cancel",
	"delivery.cancel_many",
	"delivery.retry",
	"delivery.retry_many",
	"event.erase",
	"event_type.create",
	"event_type.delete",
	"event_type.put",
	"event_type.update",
	"key.create",
	"key.delete",
	"key.roll",
	"key.update",
	"portal_session.create",
	"portal_session.revoke",
	"portal_session.revoke_many",
	"project.create",
	"project.delete",
	"project.update",
	"relay.delete",
	"relay.put",
	"relay.update",
	"replay.cancel",
	"replay.create",
	"replay.create_many",
	"session.create",
	"session.delete",
	"sign_in_link.create",
	"webhook.conform",
	"webhook.create",
	"webhook.delete",
	"webhook.disable",
	"webhook.pause",
	"webhook.release",
	"webhook.release_all",
	"webhook.release_many",
	"webhook.resume",
	"webhook.test",
	"webhook.update",
	"webhook.update_secret",
	"workspace.restore",
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditEntry {
	readonly id: string;
	readonly at: number;
	/** The key that made the call; null for a customer and for the server itself. */
	readonly keyId: string | null;
	/** The session of the page in which the call was made with the key; null if it was made in none. */
	readonly sessionId: string | null;
	/** Who made the call, in the words of the caller, who vouches for it; null if the caller did not say. */
	readonly actor: string | null;
	/** The customer whose token made the call; null if it was made otherwise. */
	readonly customerId: string | null;
	/** The portal session whose token made the call; null if it was made otherwise. */
	readonly portalSessionId: string | null;
	readonly projectId: string | null;
	/** One of `AUDIT_ACTIONS`, or one of another version that has written the entry. */
	readonly action: string;
	/** The id of the object, such as `webhook_…`; for an event type its name. */
	readonly objectId: string;
	/** The names of the fields that were set; empty for a deletion. */
	readonly fields: readonly string[];
	readonly requestId: string | null;
}

/** The part of an entry that the caller of a change knows. The engine adds the object, the project, the time and the id. */
export type AuditDraft = Pick<
	AuditEntry,
	"keyId" | "sessionId" | "customerId" | "portalSessionId" | "actor" | "action" | "fields" | "requestId"
>;

export const ACTOR_MAX_LENGTH = 128;

/** Visible characters of ASCII, which are the same in each client and proxy. */
const ACTOR = /^[\x21-\x7e]+$/;

/**
 * Whether a text can be an actor.
 *
 * @example
 * isActor("ada@example.com"); // true
 */
export function isActor(text: string): boolean {
	return text.length <= ACTOR_MAX_LENGTH && ACTOR.test(text);
}
