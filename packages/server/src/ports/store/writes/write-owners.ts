// Which calls of a store change something for somebody, and whose share of what all projects change with each of them uses.
import type { AuditEntry } from "../../../core/access/audit.ts";
import type { Store } from "../store.ts";

/** Whom a change is for, and who makes it. */
export interface WriteOwner {
	/** Null for the whole workspace. */
	readonly projectId: string | null;
	/** Null if it is not about one customer. */
	readonly customerId: string | null;
	/**
	 * Whether it comes first and is never refused: the server makes it for itself, such as when it disables a webhook, so that nobody is
	 * there who could try again; or it takes access away, perhaps from somebody who makes all the others.
	 */
	readonly isFirst: boolean;
}

type OwnerOf<Name extends keyof Store> = (...parameters: Parameters<Store[Name]>) => WriteOwner;

/** What names a project and perhaps a customer. */
interface Owned {
	readonly projectId: string | null;
	readonly customerId?: string | null;
}

/** The changes with which people could hold up others. The busy path, and what the engine does in steps, are not among them. */
const OWNERS = {
	insertProject: (_project, entry) => ownerOf({ projectId: null }, entry),
	updateProject: ({ id }, { entry }) => ownerOf({ projectId: id }, entry),
	deleteProject: (projectId) => firstOf({ projectId }),
	insertKey: ownerOf,
	updateKey: (key) => firstOf(key),
	deleteKey: (_keyId, entry) => firstOf(entry ?? { projectId: null }),
	insertSession: (_session, { entry }) => ownerOfEntry(entry),
	deleteSessions: (_ids, entry) => firstOf(entry ?? { projectId: null }),
	insertSignInLink: (_link, { entry }) => ownerOfEntry(entry),
	insertWebhook: ownerOf,
	updateWebhook: (record, { entry }) => ownerOf(record, entry),
	putEventType: (eventType, { entry }) => ownerOf(eventType, entry),
	deleteEventType: (projectId, _name, entry) => ownerOf({ projectId }, entry),
	updateCustomer: (scope, _changes, { entry }) => ownerOf(scope, entry),
	beginCustomerDeletion: (scope) => firstOf(scope),
	insertPortalSession: (session, { entry }) => ownerOf(session, entry),
	deletePortalSessions: (projectId) => firstOf({ projectId }),
	putRelay: (relay) => ({ ...relay, isFirst: false }),
	insertReplays: ([first]) => (first === undefined ? WORKSPACE : ownerOf(first.replay, first.entry)),
	cancelReplay: (_replayId, _at, entry) => ownerOfEntry(entry),
	erasePayload: (scope, _eventId, { entry }) => ownerOf(scope, entry),
	insertAuditEntry: ownerOfEntry,
} satisfies { readonly [Name in keyof Store]?: OwnerOf<Name> };

const WORKSPACE: WriteOwner = { projectId: null, customerId: null, isFirst: true };

/** The name of a call that changes something for somebody. */
export type WriteName = keyof typeof OWNERS;

const NAMES: ReadonlySet<string> = new Set(Object.keys(OWNERS));

/** Whether a call is one of these. */
export function isOwnedWrite(name: string): name is WriteName {
	return NAMES.has(name);
}

/** Whom the change that such a call makes is for. */
export function ownerOfWrite(name: WriteName, parameters: readonly unknown[]): WriteOwner {
	return (OWNERS[name] as (...values: readonly unknown[]) => WriteOwner)(...parameters);
}

function ownerOf({ projectId, customerId = null }: Owned, entry: AuditEntry | null): WriteOwner {
	return { projectId, customerId, isFirst: entry === null || (entry.keyId === null && entry.customerId === null) };
}

function firstOf({ projectId, customerId = null }: Owned): WriteOwner {
	return { projectId, customerId, isFirst: true };
}

/** For a call that names its object by an id alone. */
function ownerOfEntry(entry: AuditEntry | null): WriteOwner {
	return entry === null ? WORKSPACE : ownerOf(entry, entry);
}
