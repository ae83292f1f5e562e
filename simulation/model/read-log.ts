// Reads the log through the store itself, page by page, without the engine.
import type { StoredDelivery, StoredLog } from "@fanfare/testkit/checks/stored-log";

import { projectScope, type Scope } from "../../packages/server/src/core/access/principal.ts";
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import type { Page, PageRequest } from "../../packages/server/src/core/page.ts";
import type { DeliveryFilter } from "../../packages/server/src/ports/store/log.ts";
import type { Store } from "../../packages/server/src/ports/store/store.ts";

export const ANY_DELIVERY: DeliveryFilter = {
	webhookId: null,
	eventId: null,
	eventType: null,
	status: null,
	responseCode: null,
	after: null,
	before: null,
};
const ANY_EVENT = { type: null, after: null, before: null };
const PAGE = 1_000;

/** The deliveries of a project that match a filter, newest first. */
export function readDeliveries(
	store: Store,
	projectId: string,
	filter: Partial<DeliveryFilter> = {},
	limit = PAGE,
): Promise<Delivery[]> {
	const scope = projectScope(projectId);
	return allPages(limit, (page) => store.deliveries(scope, { ...ANY_DELIVERY, ...filter }, page));
}

/** The events of a project, newest first. */
export function readEvents(store: Store, scope: Scope, limit = PAGE) {
	return allPages(limit, (page) => store.events(scope, ANY_EVENT, page));
}

async function allPages<T extends { readonly id: string }>(
	limit: number,
	read: (page: PageRequest) => Promise<Page<T>>,
): Promise<T[]> {
	const rows: T[] = [];
	for (let cursor: PageRequest["cursor"] = null; ;) {
		const page = await read({ limit, cursor });
		rows.push(...page.rows);
		const last = page.rows.at(-1);
		if (!page.hasOlder || last === undefined) return rows;
		cursor = { direction: "older", id: last.id };
	}
}

/** The whole log, as the checks of the promises need it. */
export async function readLog(store: Store, projectIds: Iterable<string>): Promise<StoredLog> {
	const eventIds = new Set<string>();
	const deliveries: StoredDelivery[] = [];
	for (const projectId of projectIds) {
		for (const { id } of await readEvents(store, projectScope(projectId))) eventIds.add(id);
		for (const delivery of await readDeliveries(store, projectId)) {
			const attempts = delivery.attemptCount === 0 ? [] : await store.attempts(delivery.id);
			deliveries.push({ ...delivery, attempts });
		}
	}
	return { integrity: "ok", eventIds, deliveries };
}
