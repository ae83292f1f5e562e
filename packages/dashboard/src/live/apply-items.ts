// Applies what happens in a project to what the page has cached: rows of deliveries are changed in place, the rest is fetched again.
//
// An answer that is on its way may be older than an item that is here already. What the item says is then applied to it once more, or it is
// fetched once more when it has come.
import type { Delivery, LastAttempt, Page, Replay, StreamItem } from "@fanfare/sdk";
import type { InfiniteData, QueryClient, QueryFilters } from "@tanstack/react-query";

import { editQuery, editQueryTwice } from "./edit-query.ts";
import { Refresher } from "./refresher.ts";

/** Queries that sum up many deliveries are fetched again this often at most. */
const SUMMARIES_EVERY_MS = 3_000;
/** Of webhooks, those that are asked for one by one: lists of them look after themselves. */
const SUMMARIES = ["stats", "webhooks", "attention"] as const;

const CHANGES_WEBHOOKS: ReadonlySet<StreamItem["kind"]> = new Set([
	"webhook.created",
	"webhook.updated",
	"deliveries.updated",
]);

type Fields = Partial<Pick<Delivery, "status" | "reason" | "responseCode" | "attemptCount" | "nextAttemptDate">>;
interface Changes {
	readonly fields: Fields;
	readonly lastAttempt: LastAttempt | null;
}
type DeliveryPages = InfiniteData<Pick<Page<Delivery>, "data" | "nextPage">>;

type ReplayPages = InfiniteData<Pick<Page<Replay>, "data" | "nextPage">>;
type ReplayUpdated = Extract<StreamItem, { readonly kind: "replay.updated" }>;

/** What is fetched again soon. */
interface Soon {
	readonly names: Set<string>;
	readonly refresher: Refresher;
}

/** Of each project. */
const refreshing = new WeakMap<QueryClient, Map<string, Soon>>();

/** Changes the cache of a tab as the items say. */
export function applyItems(queryClient: QueryClient, projectId: string, items: readonly StreamItem[]): void {
	if (items.some(({ kind }) => kind === "gap")) {
		catchUp(queryClient, projectId);
		return;
	}
	const changes = changesByDelivery(items);
	if (changes.size > 0) {
		changeRows(queryClient, ["project", projectId, "deliveries"], changes);
		for (const id of changes.keys()) void refresh(queryClient, { queryKey: ["project", projectId, "delivery", id] });
	}
	// It does not say which ones.
	if (items.some(({ kind }) => kind === "deliveries.updated")) {
		void refresh(queryClient, { queryKey: ["project", projectId, "deliveries"] });
	}
	if (items.some(({ kind }) => CHANGES_WEBHOOKS.has(kind))) {
		void refresh(queryClient, { queryKey: ["project", projectId, "webhooks"] });
	}
	// Of each the last one.
	const replays = new Map(items.flatMap((item) => (item.kind === "replay.updated" ? [[item.replayId, item]] : [])));
	for (const item of replays.values()) changeReplay(queryClient, projectId, item);
	// A replay makes deliveries of which no other item tells.
	const isReplayed = [...replays.values()].some(({ deliveryCount }) => deliveryCount > 0);
	refreshSoon(queryClient, projectId, isReplayed ? [...SUMMARIES, "deliveries"] : SUMMARIES);
}

/** Fetches what is shown of the project again, since items were not applied. */
export function catchUp(queryClient: QueryClient, projectId: string): void {
	void refresh(queryClient, { queryKey: ["project", projectId] });
}

/** Fetches what is shown again, and resolves when that has come. A first answer that is on its way can't be asked for anew, so that follows when it has come. */
function refresh(queryClient: QueryClient, filters: QueryFilters): Promise<void> {
	for (const { queryKey, state, promise } of queryClient
		.getQueryCache()
		.findAll({ ...filters, fetchStatus: "fetching" })) {
		if (state.data !== undefined || promise === undefined) continue;
		const again = () => queryClient.invalidateQueries({ queryKey, exact: true });
		promise.then(again).catch(() => {});
	}
	return queryClient.invalidateQueries(filters);
}

/**
 * Changes the rows of lists in place, and once more when an answer has come that is on its way. If that answer is newer than an item, the
 * items after it are on their way, too.
 */
function changeRows(
	queryClient: QueryClient,
	queryKey: readonly unknown[],
	changes: ReadonlyMap<string, Changes>,
): void {
	for (const query of queryClient.getQueryCache().findAll({ queryKey })) {
		editQueryTwice<DeliveryPages>(query, (pages) => changedPages(pages, changes));
	}
}

/** Shows how far a replay is. What is not shown as running is fetched: a replay that is new, or has ended. */
function changeReplay(queryClient: QueryClient, projectId: string, item: ReplayUpdated): void {
	const { replayId, status, scannedCount, deliveryCount, progress, waitingFor } = item;
	const isShown = (replay: Replay) => replay.id === replayId && replay.status === "Running" && status === "Running";
	const changed = (replay: Replay): Replay => {
		if (!isShown(replay)) return replay;
		const { waitingFor: _, ...others } = replay;
		return { ...others, scannedCount, deliveryCount, progress, ...(waitingFor !== undefined && { waitingFor }) };
	};
	const cache = queryClient.getQueryCache();
	const one = { queryKey: ["project", projectId, "replay", replayId] };
	for (const query of cache.findAll({ ...one, exact: true })) editQuery<Replay>(query, changed);
	const shown = queryClient.getQueryData<Replay>(one.queryKey);
	if (shown === undefined || !isShown(shown)) void refresh(queryClient, one);
	for (const query of cache.findAll({ queryKey: ["project", projectId, "replays"] })) {
		const { queryKey } = query;
		const pages = queryClient.getQueryData<ReplayPages>(queryKey);
		if (pages?.pages.some(({ data }) => data.some(isShown)) !== true) {
			void refresh(queryClient, { queryKey, exact: true });
			continue;
		}
		editQuery<ReplayPages>(query, (pages) => {
			return { ...pages, pages: pages.pages.map((page) => ({ ...page, data: page.data.map(changed) })) };
		});
	}
}

function changesByDelivery(items: readonly StreamItem[]): Map<string, Changes> {
	const byId = new Map<string, Changes>();
	const add = (id: string, fields: Fields, lastAttempt: LastAttempt | null = null) => {
		const former = byId.get(id);
		byId.set(id, {
			fields: { ...former?.fields, ...fields },
			lastAttempt: lastAttempt ?? former?.lastAttempt ?? null,
		});
	};
	for (const item of items) {
		if (item.kind === "attempt.finished") {
			const { number, result, responseCode, error, durationMs, trigger, date } = item;
			add(
				item.deliveryId,
				{
					responseCode,
					attemptCount: number,
					...(result === "success" && { status: "Succeeded", nextAttemptDate: null, reason: null }),
				},
				{ startDate: date - durationMs, durationMs, responseCode, error, cause: null, trigger },
			);
		} else if (item.kind === "delivery.updated") {
			const { status, reason, attemptCount, nextAttemptDate } = item;
			add(item.deliveryId, { status, reason, attemptCount, nextAttemptDate });
		}
	}
	return byId;
}

/** The same object if no row is different. */
function changedPages(pages: DeliveryPages, changes: ReadonlyMap<string, Changes>): DeliveryPages {
	const isOther = (delivery: Delivery) => {
		const change = changes.get(delivery.id);
		return change !== undefined && changedRow(delivery, change) !== delivery;
	};
	if (!pages.pages.some(({ data }) => data.some(isOther))) return pages;
	// Of thousands of rows, only those that are different are made anew.
	const changed = (delivery: Delivery) => {
		const change = changes.get(delivery.id);
		return change === undefined ? delivery : changedRow(delivery, change);
	};
	return {
		...pages,
		pages: pages.pages.map((page) => (page.data.some(isOther) ? { ...page, data: page.data.map(changed) } : page)),
	};
}

/** The same object if nothing is different. */
function changedRow(delivery: Delivery, { fields, lastAttempt }: Changes): Delivery {
	const isSame =
		Object.entries(fields).every(([name, value]) => delivery[name as keyof Fields] === value) &&
		(lastAttempt === null || isSameEnd(delivery.lastAttempt, lastAttempt));
	if (isSame) return delivery;
	return { ...delivery, ...fields, lastAttempt: latest(delivery.lastAttempt, lastAttempt) };
}

/** An item does not say the cause: if the attempt has ended as the one before, that is known. */
function latest(former: LastAttempt | null, newer: LastAttempt | null): LastAttempt | null {
	if (newer === null) return former;
	const hasSameCause = former?.responseCode === newer.responseCode && former.error === newer.error;
	return { ...newer, cause: hasSameCause ? former.cause : null };
}

function isSameEnd(a: LastAttempt | null, b: LastAttempt): boolean {
	return a?.durationMs === b.durationMs && a.responseCode === b.responseCode && a.error === b.error;
}

/** Stats and webhooks change with every attempt, so they are fetched again after a while, once for all items until then. */
function refreshSoon(queryClient: QueryClient, projectId: string, names: readonly string[]): void {
	const projects = refreshing.get(queryClient) ?? new Map<string, Soon>();
	refreshing.set(queryClient, projects);
	const soon = projects.get(projectId) ?? makeSoon(queryClient, projectId);
	projects.set(projectId, soon);
	for (const name of names) soon.names.add(name);
	soon.refresher.want();
}

function makeSoon(queryClient: QueryClient, projectId: string): Soon {
	const names = new Set<string>();
	const refreshAll = () => {
		const wanted = [...names];
		names.clear();
		return Promise.all(wanted.map((name) => refresh(queryClient, { queryKey: ["project", projectId, name] })));
	};
	return { names, refresher: new Refresher(refreshAll, () => SUMMARIES_EVERY_MS) };
}
