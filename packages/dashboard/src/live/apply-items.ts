// Applies what happens in a project to what the page has cached: rows of deliveries are changed in place, the rest is fetched again.
import type { Delivery, Page, StreamItem } from "@fanfare/sdk";
import type { InfiniteData, QueryClient } from "@tanstack/react-query";

/** Queries that sum up many deliveries are fetched again this often at most. */
const SUMMARIES_EVERY_MS = 3_000;

const CHANGES_WEBHOOKS: ReadonlySet<StreamItem["kind"]> = new Set([
	"webhook.created",
	"webhook.updated",
	"deliveries.updated",
]);

type Changes = Partial<Pick<Delivery, "status" | "reason" | "responseCode" | "attemptCount" | "nextAttemptDate">>;
type DeliveryPages = InfiniteData<Pick<Page<Delivery>, "data" | "nextPage">>;

const refreshing = new WeakMap<QueryClient, Set<string>>();

/** Changes the cache of a tab as the items say. */
export function applyItems(queryClient: QueryClient, projectId: string, items: readonly StreamItem[]): void {
	if (items.some(({ kind }) => kind === "gap")) {
		void queryClient.invalidateQueries({ queryKey: ["project", projectId] });
		return;
	}
	const changes = changesByDelivery(items);
	if (changes.size > 0) {
		queryClient.setQueriesData<DeliveryPages>({ queryKey: ["project", projectId, "deliveries"] }, (pages) =>
			pages === undefined ? undefined : changedPages(pages, changes),
		);
		for (const id of changes.keys()) {
			void queryClient.invalidateQueries({ queryKey: ["project", projectId, "delivery", id] });
		}
	}
	if (items.some(({ kind }) => CHANGES_WEBHOOKS.has(kind))) {
		void queryClient.invalidateQueries({ queryKey: ["project", projectId, "webhooks"] });
	}
	const replays = items.filter((item) => item.kind === "replay.updated");
	if (replays.length > 0) void queryClient.invalidateQueries({ queryKey: ["project", projectId, "replays"] });
	for (const replayId of new Set(replays.map((item) => item.replayId))) {
		void queryClient.invalidateQueries({ queryKey: ["project", projectId, "replay", replayId] });
	}
	refreshSummaries(queryClient, projectId);
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

/** Undefined if no row is concerned. */
function changedPages(pages: DeliveryPages, changes: ReadonlyMap<string, Changes>): DeliveryPages | undefined {
	const isConcerned = pages.pages.some(({ data }) => data.some(({ id }) => changes.has(id)));
	if (!isConcerned) return undefined;
	return {
		...pages,
		pages: pages.pages.map((page) => ({
			...page,
			nextPage: page.nextPage,
			data: page.data.map((delivery) => ({ ...delivery, ...changes.get(delivery.id) })),
		})),
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
			void queryClient.invalidateQueries({ queryKey: ["project", projectId, name] });
		}
	}, SUMMARIES_EVERY_MS);
}
