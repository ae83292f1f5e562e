// Which calls of the store a reader makes, and whose share of the readers each of them uses.
import { projectOf } from "../../../core/access/principal.ts";
import type { Store } from "../../../ports/store/store.ts";
import type { ReadName } from "../sqlite-reader.ts";

/** The project that a read is made for, also for one of its customers; null for the whole workspace. */
type OwnerOf<Name extends ReadName> = (...parameters: Parameters<Store[Name]>) => string | null;

const OWNERS: { readonly [Name in ReadName]: OwnerOf<Name> } = {
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
};

/** The names of the calls that readers make. */
export const READ_NAMES: ReadonlySet<string> = new Set(Object.keys(OWNERS));

/** Whose share of the readers a read uses: the id of its project, or "" if it is about the whole workspace. */
export function ownerOfRead(name: ReadName, parameters: readonly unknown[]): string {
	const ownerOf = OWNERS[name] as (...values: readonly unknown[]) => string | null;
	return ownerOf(...parameters) ?? "";
}
