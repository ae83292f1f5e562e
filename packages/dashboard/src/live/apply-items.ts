// Applies what happens in a project to what the page has cached: rows of deliveries are changed in place, the rest is fetched again.
//
// An answer that is on its way may be older than an item that is here already. It is fetched once more when it has come.
import type { Delivery, Page, Replay, StreamItem } from "@fanfare/sdk";
import type { InfiniteData, QueryClient, QueryFilters } from "@tanstack/react-query";

/** Queries that sum up many deliveries are fetched again this often at most. */
const SUMMARIES_EVERY_MS = 3_000;

const CHANGES_WEBHOOKS: ReadonlySet<StreamItem["kind"]> = new Set([
	"webhook.created",
	"webhook.updated",
	"deliveries.updated",
]);

type Changes = Partial<Pick<Delivery, "status" | "reason" | "responseCode" | "attemptCount" | "nextAttemptDate">>;
type DeliveryPages = InfiniteData<Pick<Page<Delivery>, "data" | "nextPage">>;

type ReplayPages = InfiniteData<Pick<Page<Replay>, "data" | "nextPage">>;
type ReplayUpdated = Extract<StreamItem, { readonly kind: "replay.updated" }>;

const refreshing = new WeakMap<QueryClient, Set<string>>();

/** Changes the cache of a tab as the items say. */
export function applyItems(queryClient: QueryClient, projectId: string, items: readonly StreamItem[]): void {
	if (items.some(({ kind }) => kind === "gap")) {
		catchUp(queryClient, projectId);
		return;
	}
	const changes = changesByDelivery(items);
	if (changes.size > 0) {
		changeRows(queryClient, ["project", projectId, "deliveries"], changes);
		for (const id of changes.keys()) refresh(queryClient, { queryKey: ["project", projectId, "delivery", id] });
	}
	if (items.some(({ kind }) => CHANGES_WEBHOOKS.has(kind))) {
		refresh(queryClient, { queryKey: ["project", projectId, "webhooks"] });
	}
	// Of each the last one.
	const replays = new Map(items.flatMap((item) => (item.kind === "replay.updated" ? [[item.replayId, item]] : [])));
	for (const item of replays.values()) changeReplay(queryClient, projectId, item);
	refreshSummaries(queryClient, projectId);
}

/** Fetches what is shown of the project again, since items were not applied. */
export function catchUp(queryClient: QueryClient, projectId: string): void {
	refresh(queryClient, { queryKey: ["project", projectId] });
}

/** Fetches what is shown again. A first answer that is on its way can't be asked for anew, so that follows when it has come. */
function refresh(queryClient: QueryClient, filters: QueryFilters): void {
	for (const { queryKey, state, promise } of queryClient
		.getQueryCache()
		.findAll({ ...filters, fetchStatus: "fetching" })) {
		if (state.data !== undefined || promise === undefined) continue;
		const again = () => queryClient.invalidateQueries({ queryKey, exact: true });
		promise.then(again).catch(() => {});
	}
	void queryClient.invalidateQueries(filters);
}

/** Changes the rows of lists in place. An answer that is on its way and has other values for these rows is fetched again. */
function changeRows(
	queryClient: QueryClient,
	queryKey: readonly unknown[],
	changes: ReadonlyMap<string, Changes>,
): void {
	for (const { queryKey: key, promise } of queryClient.getQueryCache().findAll({ queryKey, fetchStatus: "fetching" })) {
		const look = async () => {
			const pages = queryClient.getQueryData<DeliveryPages>(key);
			if (pages !== undefined && changedPages(pages, changes) !== undefined)
				await queryClient.invalidateQueries({ queryKey: key, exact: true });
		};
		promise?.then(look).catch(() => {});
	}
	queryClient.setQueriesData<DeliveryPages>({ queryKey }, (pages) =>
		pages === undefined ? undefined : changedPages(pages, changes),
	);
}

/** Shows how far a replay is. What is not shown as running is fetched: a replay that is new, or has ended. */
function changeReplay(queryClient: QueryClient, projectId: string, item: ReplayUpdated): void {
	const { replayId, status, scannedCount, deliveryCount, progress } = item;
	const isShown = (replay: Replay) => replay.id === replayId && replay.status === "Running" && status === "Running";
	const changed = (replay: Replay): Replay =>
		isShown(replay) ? { ...replay, scannedCount, deliveryCount, progress } : replay;
	const one = { queryKey: ["project", projectId, "replay", replayId] };
	queryClient.setQueryData<Replay>(one.queryKey, (replay) => (replay === undefined ? undefined : changed(replay)));
	const shown = queryClient.getQueryData<Replay>(one.queryKey);
	if (shown === undefined || !isShown(shown)) refresh(queryClient, one);
	for (const { queryKey } of queryClient.getQueryCache().findAll({ queryKey: ["project", projectId, "replays"] })) {
		const pages = queryClient.getQueryData<ReplayPages>(queryKey);
		if (pages?.pages.some(({ data }) => data.some(isShown)) !== true) {
			refresh(queryClient, { queryKey, exact: true });
			continue;
		}
		const changedPages = pages.pages.map((page) => ({ ...page, data: page.data.map(changed) }));
		queryClient.setQueryData<ReplayPages>(queryKey, { ...pages, pages: changedPages });
	}
}

function changesByDelivery(items: readonly StreamItem[]): Map<string, Changes> {
	const byId = new Map<string, Changes>();
	const add = (id: string, changes: Changes) => byId.set(id, { ...byId.get(id), ...changes });
	for (const item of items) {
		if (item.kind === "attempt.finished") {
			add(item.deliveryId, {
				responseCode: item.responseCode,
				attemptCount: item.number,
				...(item.result === "success" && { status: "Succeeded", nextAttemptDate: null, reason: null }),
			});
		} else if (item.kind === "delivery.updated") {
			const { status, reason, attemptCount, nextAttemptDate } = item;
			add(item.deliveryId, { status, reason, attemptCount, nextAttemptDate });
		}
	}
	return byId;
}

/** Undefined if no row is different. */
function changedPages(pages: DeliveryPages, changes: ReadonlyMap<string, Changes>): DeliveryPages | undefined {
	const isOther = (delivery: Delivery) =>
		Object.entries(changes.get(delivery.id) ?? {}).some(([name, value]) => delivery[name as keyof Changes] !== value);
	if (!pages.pages.some(({ data }) => data.some(isOther))) return undefined;
	// Of thousands of rows, only those that are different are made anew.
	const changed = (delivery: Delivery) => (isOther(delivery) ? { ...delivery, ...changes.get(delivery.id) } : delivery);
	return {
		...pages,
		pages: pages.pages.map((page) => (page.data.some(isOther) ? { ...page, data: page.data.map(changed) } : page)),
	};
}

/** Stats and webhooks change with every attempt, so they are fetched again after a while, once for all items until then. */
function refreshSummaries(queryClient: QueryClient, projectId: string): void {
	const waiting = refreshing.get(queryClient) ?? new Set();
	refreshing.set(queryClient, waiting);
	if (waiting.has(projectId)) return;
	waiting.add(projectId);
	setTimeout(() => {
		waiting.delete(projectId);
		for (const name of ["stats", "webhooks", "attention"]) {
			refresh(queryClient, { queryKey: ["project", projectId, name] });
		}
	}, SUMMARIES_EVERY_MS);
}
