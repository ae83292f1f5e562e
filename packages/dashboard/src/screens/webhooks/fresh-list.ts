// Keeps a list of webhooks as they are now: the newest ones, or those that the server has found. All of it is fetched again after a pause that
// grows with the time which that takes. Of a list whose pause is long, the webhooks that the live stream names are changed before.
import { NotFoundError, type ProjectHandle, type StreamItem, type Webhook } from "@fanfare/sdk";
import { useQueryClient, type QueryClient, type QueryKey } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { editQueryTwice } from "../../live/edit-query.ts";
import { Refresher } from "../../live/refresher.ts";
import { useLiveItems, useLivePause, useRefreshOn } from "../../live/use-live.ts";
import { useProject } from "../../session/caller.ts";
import { LEAST_MS, searchAgainMs, type Found, type Timed } from "./found.ts";

/** So many are asked for one by one at a time. */
const MOST_AT_ONCE = 20;

interface FreshList {
	readonly queryKey: QueryKey;
	/** As many as the list has at most. */
	readonly most: number;
	/** Whether it has only those that match something. What is new or has changed to match comes when all of it is fetched again. */
	readonly isFiltered?: boolean;
	readonly isWanted: boolean;
	readonly last: (Found & Timed) | undefined;
}

export function useFreshList({ queryKey, most, isFiltered = false, isWanted, last }: FreshList): void {
	const project = useProject();
	const queryClient = useQueryClient();
	const [isPaused] = useLivePause(project.id);
	const everyMs = searchAgainMs(last?.tookMs ?? 0);
	useRefreshOn(project.id, queryKey, isWanted ? () => true : null, everyMs);
	const named = useRef<NamedWebhooks | null>(null);
	const hash = JSON.stringify(queryKey);
	useEffect(() => {
		if (!isWanted) return;
		const made = new NamedWebhooks(queryClient, project, { queryKey, most, isFiltered });
		named.current = made;
		return () => {
			made.end();
			named.current = null;
		};
	}, [queryClient, hash, most, isFiltered, isWanted]);
	useLiveItems(project.id, (items) => {
		if (!isPaused) named.current?.hear(items, everyMs > LEAST_MS);
	});
}

/** The webhooks of a list that items name. */
class NamedWebhooks {
	readonly #queryClient: QueryClient;
	readonly #project: ProjectHandle;
	readonly #list: Pick<FreshList, "queryKey" | "most" | "isFiltered">;
	/** Those to ask for, each with the time when it was named. */
	readonly #named = new Map<string, number>();
	readonly #refresher = new Refresher(
		() => this.#ask(),
		() => LEAST_MS,
	);
	readonly #end = new AbortController();

	constructor(
		queryClient: QueryClient,
		project: ProjectHandle,
		list: Pick<FreshList, "queryKey" | "most" | "isFiltered">,
	) {
		this.#queryClient = queryClient;
		this.#project = project;
		this.#list = list;
	}

	end(): void {
		this.#refresher.end();
		this.#end.abort();
	}

	/** Shows at once what items say of the states of webhooks. With `isAsking`, it also asks for those that may be different now. */
	hear(items: readonly StreamItem[], isAsking: boolean): void {
		const found = this.#queryClient.getQueryData<Found>(this.#list.queryKey);
		// What is on its way for the first time is fetched again anyway.
		if (found === undefined) return;
		const states = statesIn(items);
		if (states.size > 0) this.#edit((webhooks) => withStates(webhooks, states));
		if (!isAsking) return;
		const now = Date.now();
		const { isFiltered } = this.#list;
		const heard = isFiltered === true ? items.filter(({ kind }) => kind !== "webhook.created") : items;
		for (const id of toAskFor(heard, found.webhooks)) this.#named.set(id, now);
		if (this.#named.size > 0) this.#refresher.want();
	}

	async #ask(): Promise<void> {
		const ids = this.#next();
		for (const id of ids) {
			this.#named.delete(id);
			// oxlint-disable-next-line no-await-in-loop -- not all connections of the browser at once
			const webhook = await this.#get(id);
			if (webhook === undefined) continue;
			const { most, isFiltered } = this.#list;
			// One that an answer meanwhile does not have does not match any more.
			const isWanted = (webhooks: readonly Webhook[]) => isFiltered !== true || webhooks.some((one) => one.id === id);
			this.#edit((webhooks) => (isWanted(webhooks) ? withOne(webhooks, id, webhook) : webhooks), most);
		}
		if (this.#named.size > 0 && !this.#end.signal.aborted) this.#refresher.want();
	}

	/** Those that the list has not been fetched since they were named. None while nobody sees the tab: then all of the list is fetched later. */
	#next(): string[] {
		const state = this.#queryClient.getQueryState<Found & Timed>(this.#list.queryKey);
		const since = (state?.dataUpdatedAt ?? 0) - (state?.data?.tookMs ?? 0);
		const isSeen = document.visibilityState === "visible";
		for (const [id, at] of this.#named) if (!isSeen || at < since) this.#named.delete(id);
		return [...this.#named.keys()].slice(0, MOST_AT_ONCE);
	}

	/** Null if there is none; undefined if that is not known: the list is fetched again later. */
	async #get(id: string): Promise<Webhook | null | undefined> {
		try {
			const webhook = await this.#project.batch.webhooks.get(id, { signal: this.#end.signal, maxRetries: 0 });
			// Relays are in no list.
			return webhook.endpoint.startsWith("relay:") ? null : webhook;
		} catch (error) {
			return error instanceof NotFoundError ? null : undefined;
		}
	}

	#edit(change: (webhooks: readonly Webhook[]) => readonly Webhook[], most = Number.POSITIVE_INFINITY): void {
		const query = this.#queryClient.getQueryCache().find({ queryKey: this.#list.queryKey, exact: true });
		if (query === undefined) return;
		editQueryTwice<Found>(query, (found) => {
			const webhooks = change(found.webhooks);
			if (webhooks === found.webhooks) return found;
			return webhooks.length > most
				? { ...found, webhooks: webhooks.slice(0, most), isWhole: false }
				: { ...found, webhooks };
		});
	}
}

type Updated = Extract<StreamItem, { readonly kind: "webhook.updated" }>;

/** What items say of the states of webhooks, by their ids. */
export function statesIn(items: readonly StreamItem[]): ReadonlyMap<string, Updated> {
	return new Map(items.flatMap((item) => (item.kind === "webhook.updated" ? [[item.webhookId, item]] : [])));
}

/** The webhooks with the status that each has now, without those that are deleted. The same array if nothing is different. */
export function withStates(
	webhooks: readonly Webhook[],
	states: ReadonlyMap<string, Pick<Updated, "status" | "reason">>,
): readonly Webhook[] {
	if (!webhooks.some(({ id, status }) => (states.get(id)?.status ?? status) !== status)) return webhooks;
	return webhooks.flatMap((webhook): readonly Webhook[] => {
		const { status = webhook.status, reason = null } = states.get(webhook.id) ?? {};
		if (status === webhook.status) return [webhook];
		if (status === "Deleted") return [];
		return [{ ...webhook, status, disabledReason: status === "Disabled" ? reason : null, pausedReason: null }];
	});
}

/** The webhooks, newest first, with one as it is now; null if there is none with this id. One that is not among them gets its place by age. */
export function withOne(webhooks: readonly Webhook[], id: string, webhook: Webhook | null): readonly Webhook[] {
	const isKnown = webhooks.some((one) => one.id === id);
	if (webhook === null) return isKnown ? webhooks.filter((one) => one.id !== id) : webhooks;
	if (isKnown) return webhooks.map((one) => (one.id === id ? webhook : one));
	// Ids are ordered as the server's lists are.
	const older = webhooks.findIndex((one) => one.id < id);
	return webhooks.toSpliced(older === -1 ? webhooks.length : older, 0, webhook);
}

/** Those that are new, or that may be in another state than the list shows: not each one that has had an attempt. */
export function toAskFor(items: readonly StreamItem[], webhooks: readonly Webhook[]): ReadonlySet<string> {
	const shown = new Map(webhooks.map((webhook) => [webhook.id, webhook]));
	const ids = new Set<string>();
	for (const item of items) {
		if (item.kind === "webhook.created") ids.add(item.webhookId);
		else if (item.kind === "webhook.updated" || item.kind === "deliveries.updated") {
			if (shown.has(item.webhookId)) ids.add(item.webhookId);
		} else if (item.kind === "attempt.finished") {
			const health = shown.get(item.webhookId)?.health;
			if (health !== undefined && mayChange(health, item.result)) ids.add(item.webhookId);
		}
	}
	return ids;
}

/** Whether an attempt with this result may have changed what the list says of a webhook. */
function mayChange({ state, exhaustedCount, failingSince }: Webhook["health"], result: "success" | "failure"): boolean {
	const isUnwell = state !== "Healthy" || exhaustedCount > 0 || failingSince !== null;
	return result === "success" ? isUnwell : state === "Healthy";
}
