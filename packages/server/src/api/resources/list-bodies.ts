// The lists of the log as the bodies of responses. The threads that read the log load this file: see ports/store/reads/list-reads.ts.
import type { ListBodies, ListName, ListParameters, ListReads, ReadBody } from "../../ports/store/reads/list-reads.ts";
import type { Store } from "../../ports/store/store.ts";
import { presentAuditEntry } from "./audit/present.ts";
import { listBody, textListBody } from "./common/list-body.ts";
import { presentAttempt, presentDelivery } from "./deliveries/present.ts";
import { presentLoggedEvent } from "./events/present.ts";

export const LIST_BODIES: ListBodies = {
	deliveries: (page, _scope, _filter, request) => listBody(page, request, presentDelivery),
	changedDeliveries: (page, _scope, _filter, request) =>
		textListBody(page, request, {
			id: ({ position }) => position,
			text: ({ delivery }) => JSON.stringify(presentDelivery(delivery)),
		}),
	events: (page, _scope, _filter, request) => listBody(page, request, presentLoggedEvent),
	// The number of an attempt is its cursor.
	attempts: (page, _scope, _deliveryId, request, view) =>
		textListBody(page, request, {
			id: ({ number }) => String(number),
			text: (attempt) => JSON.stringify(presentAttempt(attempt, view)),
		}),
	auditEntries: (page, _filter, request) => listBody(page, request, (entry) => presentAuditEntry(entry, page)),
};

/**
 * The lists of a store. Where the store has threads that make bodies, `readBody` asks them. Without, this thread makes the bodies.
 *
 * @example
 * const lists = listReadsOf(store);
 * return bodyReply(await lists.deliveries(scope, filter, request));
 */
export function listReadsOf(store: Pick<Store, ListName>, readBody?: ReadBody): ListReads {
	const listOf =
		<Name extends ListName>(name: Name, read: (...parameters: ListParameters<Name>) => ReturnType<Store[Name]>) =>
		async (...parameters: ListParameters<Name>) => {
			const made = readBody === undefined ? { page: await read(...parameters) } : await readBody(name, parameters);
			return made instanceof Uint8Array ? made : LIST_BODIES[name](made.page, ...parameters);
		};
	return {
		deliveries: listOf("deliveries", (...parameters) => store.deliveries(...parameters)),
		changedDeliveries: listOf("changedDeliveries", (...parameters) => store.changedDeliveries(...parameters)),
		events: listOf("events", (...parameters) => store.events(...parameters)),
		attempts: listOf("attempts", (scope, deliveryId, request) => store.attempts(scope, deliveryId, request)),
		auditEntries: listOf("auditEntries", (...parameters) => store.auditEntries(...parameters)),
	};
}
