// Which calls of a store only read for somebody, and whose share of what all projects read with each of them uses.
import type { Scope } from "../../../core/access/principal.ts";
import type { Store } from "../store.ts";

/** The scope, or the project, that a read is made for; null for the whole workspace. */
type OwnerOf<Name extends keyof Store> = (...parameters: Parameters<Store[Name]>) => Scope | string | null;

const scopeOf = (scope: Scope) => scope;

const OWNERS = {
	events: scopeOf,
	event: scopeOf,
	eventBody: scopeOf,
	eventDetails: scopeOf,
	eventsById: scopeOf,
	eventDeliveries: scopeOf,
	deliveries: scopeOf,
	countDeliveries: scopeOf,
	changedDeliveries: scopeOf,
	changeBound: scopeOf,
	delivery: scopeOf,
	attempts: scopeOf,
	webhooks: scopeOf,
	eventTypes: scopeOf,
	eventType: (projectId) => projectId,
	eventTypesByName: (projectId) => projectId,
	customers: scopeOf,
	customer: scopeOf,
	relays: scopeOf,
	portalSessions: scopeOf,
	portalSession: scopeOf,
	replays: scopeOf,
	replay: scopeOf,
	countReplay: ({ scope }) => scope,
	stats: ({ scope }) => scope,
	webhookSeries: ({ scope }) => scope,
	statusCounts: scopeOf,
	webhookActivity: scopeOf,
	auditEntries: ({ projectId }) => projectId,
} satisfies { readonly [Name in keyof Store]?: OwnerOf<Name> };

/** The name of a call that only reads for somebody. */
export type ReadName = keyof typeof OWNERS;

/** The names of these calls. */
export const READ_NAMES = Object.keys(OWNERS) as readonly ReadName[];

const ROW_READS: ReadonlySet<string> = new Set<ReadName>([
	"delivery",
	"event",
	"eventBody",
	"replay",
	"customer",
	"changeBound",
	"eventType",
	"eventTypesByName",
]);

/** Reads of a project that wait, at most. A page of 1,000 rows takes some 10 ms. */
const MAX_WAITING = 256;
/** With those of single rows, which changes need: so no change fails because its project lists too much. */
const MAX_WAITING_WITH_ROWS = 512;
/** With those that sends need: so no send fails because its project reads too much. A project has one of them at a time. */
const MAX_WAITING_WITH_SENDS = 513;

/** Whether a send waits for it: then it waits for nobody's lists. */
export function isSendRead(name: ReadName): boolean {
	return name === "eventTypesByName";
}

/** Whether it is one of single rows, which changes and sends need: it does not wait for its owner's lists. */
export function isRowRead(name: ReadName): boolean {
	return ROW_READS.has(name);
}

/** How many reads of its owner may wait when this one is asked for. */
export function mostWaiting(name: ReadName): number {
	if (isSendRead(name)) return MAX_WAITING_WITH_SENDS;
	return ROW_READS.has(name) ? MAX_WAITING_WITH_ROWS : MAX_WAITING;
}

/** Whose share a read uses. */
export interface ReadOwner {
	/** The id of the project, or "" if the read is about the whole workspace. */
	readonly project: string;
	/** The customer that it is made for, who shares the project's with others; undefined if it is made for the project. */
	readonly customer: string | undefined;
}

export function ownerOfRead(name: ReadName, parameters: readonly unknown[]): ReadOwner {
	const ownerOf = OWNERS[name] as (...values: readonly unknown[]) => Scope | string | null;
	const owner = ownerOf(...parameters) ?? "";
	if (typeof owner === "string") return { project: owner, customer: undefined };
	return { project: owner.projectId, customer: owner.kind === "customer" ? owner.customerId : undefined };
}
