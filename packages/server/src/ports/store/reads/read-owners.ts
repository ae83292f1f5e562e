// Which calls of a store only read for somebody, and whose share of what all projects read with each of them uses.
import { projectOf } from "../../../core/access/principal.ts";
import type { Store } from "../store.ts";

/** The project that a read is made for, also for one of its customers; null for the whole workspace. */
type OwnerOf<Name extends keyof Store> = (...parameters: Parameters<Store[Name]>) => string | null;

const OWNERS = {
	events: projectOf,
	event: projectOf,
	eventBody: projectOf,
	eventDetails: projectOf,
	eventsById: projectOf,
	eventDeliveries: projectOf,
	deliveries: projectOf,
	countDeliveries: projectOf,
	changedDeliveries: projectOf,
	changeBound: projectOf,
	delivery: projectOf,
	attempts: projectOf,
	webhooks: projectOf,
	eventTypes: projectOf,
	eventType: (projectId) => projectId,
	eventTypesByName: (projectId) => projectId,
	customers: projectOf,
	customer: projectOf,
	relays: projectOf,
	portalSessions: projectOf,
	portalSession: projectOf,
	replays: projectOf,
	replay: projectOf,
	countReplay: ({ scope }) => projectOf(scope),
	stats: ({ scope }) => projectOf(scope),
	webhookSeries: ({ scope }) => projectOf(scope),
	statusCounts: projectOf,
	webhookActivity: projectOf,
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

/** Reads of a project that wait, at most. Pages take some 5 ms each. */
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

/** Whose share a read uses: the id of its project, or "" if it is about the whole workspace. */
export function ownerOfRead(name: ReadName, parameters: readonly unknown[]): string {
	const ownerOf = OWNERS[name] as (...values: readonly unknown[]) => string | null;
	return ownerOf(...parameters) ?? "";
}
