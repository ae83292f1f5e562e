// Reads the log through the store itself, page by page, without the engine.
import type { StoredDelivery, StoredLog } from "@fanfare/testkit/checks/stored-log";

import { projectScope, type Scope } from "../../packages/server/src/core/access/principal.ts";
import type { Attempt, Delivery } from "../../packages/server/src/core/delivery.ts";
import type { Page, PageRequest } from "../../packages/server/src/core/page.ts";
import { ANY_DELIVERY } from "../../packages/server/src/ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../packages/server/src/ports/store/log.ts";
import type { Store } from "../../packages/server/src/ports/store/store.ts";

const ANY_EVENT = { types: null, after: null, before: null };
const PAGE = 1_000;

/** The deliveries of a project that match a filter, newest first. */
export function readDeliveries(
	store: Store,
	projectId: string,
	filter: Partial<DeliveryFilter> = {},
	limit = PAGE,
): Promise<Delivery[]> {
	return readDeliveriesIn(store, projectScope(projectId), filter, limit);
}

/** The same as a project or one of its customers sees it. */
export function readDeliveriesIn(
	store: Store,
	scope: Scope,
	filter: Partial<DeliveryFilter> = {},
	limit = PAGE,
): Promise<Delivery[]> {
	return allPages(limit, (page) => store.deliveries(scope, { ...ANY_DELIVERY, ...filter }, page));
}

/** The events of a project, newest first. */
export function readEvents(store: Store, scope: Scope, limit = PAGE) {
	return allPages(limit, (page) => store.events(scope, ANY_EVENT, page));
}

/** The attempts of a delivery, in the order of their numbers. */
async function readAttempts(store: Store, scope: Scope, deliveryId: string): Promise<Attempt[]> {
	const read = (page: PageRequest) => store.attempts(scope, deliveryId, page);
	const newestFirst = await allPages(PAGE, read, ({ number }) => String(number));
	return newestFirst.toReversed();
}

async function allPages<T extends { readonly id: string }>(
	limit: number,
	read: (page: PageRequest) => Promise<Page<T>>,
	cursorId = (row: T): string => row.id,
): Promise<T[]> {
	const rows: T[] = [];
	for (let cursor: PageRequest["cursor"] = null; ;) {
		const page = await read({ limit, cursor });
		rows.push(...page.rows);
		const last = page.rows.at(-1);
		if (!page.hasOlder || last === undefined) return rows;
		cursor = { direction: "older", id: cursorId(last) };
	}
}

/** The whole log, as the checks of the promises need it. */
export async function readLog(store: Store, projectIds: Iterable<string>): Promise<StoredLog> {
	const eventIds = new Set<string>();
	const deliveries: StoredDelivery[] = [];
	for (const projectId of projectIds) {
		for (const { id } of await readEvents(store, projectScope(projectId))) eventIds.add(id);
		for (const delivery of await readDeliveries(store, projectId)) {
			const attempts =
				delivery.attemptCount === 0 ? [] : await readAttempts(store, projectScope(projectId), delivery.id);
			deliveries.push({ ...delivery, attempts });
		}
	}
	return { integrity: "ok", eventIds, deliveries };
}
