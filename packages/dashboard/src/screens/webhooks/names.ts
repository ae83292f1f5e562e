// What webhooks are called, for the screens that name them. Only what is new or was changed is asked for again: not with each delivery.
import { NotFoundError, type ProjectHandle, type StreamItem, type Webhook } from "@fanfare/sdk";
import { queryOptions, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";

import { useLiveItems, useRefreshOn } from "../../live/use-live.ts";
import { useProject } from "../../session/caller.ts";
import { mayBeThere } from "../webhook/queries.ts";
import { findWebhooks, MOST_RECENT } from "./found.ts";

/** What a webhook is called, where it is, and whose it is. */
export type WebhookName = Pick<Webhook, "id" | "name" | "endpoint" | "customerId">;

export interface WebhookNames {
	readonly names: readonly WebhookName[];
	/** Whether those are all of the project. */
	readonly isWhole: boolean;
}

/** Names that the newest ones are not among are asked for one by one, up to so many. */
const MOST_SINGLE = 50;
const FRESH_MS = 60_000;

export function webhookNamesQuery(project: ProjectHandle) {
	return queryOptions({
		queryKey: ["project", project.id, "webhook-names"],
		queryFn: async ({ signal }): Promise<WebhookNames> => {
			const { webhooks, isWhole } = await findWebhooks(project, {}, { most: MOST_RECENT, signal });
			return { names: webhooks.map(nameOf), isWhole };
		},
		staleTime: FRESH_MS,
	});
}

function webhookNameQuery(project: ProjectHandle, webhookId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "webhook-names", webhookId],
		queryFn: async ({ signal }) => nameOf(await project.batch.webhooks.get(webhookId, { signal })),
		staleTime: FRESH_MS,
		enabled: mayBeThere,
	});
}

function nameOf({ id, name, endpoint, customerId }: Webhook): WebhookName {
	return { id, name, endpoint, ...(customerId !== undefined && { customerId }) };
}

/** The newest webhooks of the project, and those with these ids, also if they are older; none until they have come. */
export function useWebhookNames(ids: readonly (string | undefined)[] = []): readonly WebhookName[] {
	const project = useProject();
	const { data } = useQuery(webhookNamesQuery(project));
	const known = new Set(data?.names.map(({ id }) => id));
	// What is not in a whole list is deleted.
	const isPart = data?.isWhole === false;
	const wanted = [...new Set(ids)].flatMap((id) => (id === undefined || known.has(id) ? [] : [id]));
	const single = useQueries({
		queries: (isPart ? wanted.slice(0, MOST_SINGLE) : []).map((id) => webhookNameQuery(project, id)),
		combine: (results) =>
			results.flatMap(({ data, error }) => (data === undefined || error instanceof NotFoundError ? [] : data)),
	});
	return data === undefined ? [] : [...data.names, ...single];
}

/** Keeps the names as they are now, as long as the project is shown. */
export function useFreshWebhookNames(projectId: string): void {
	const queryClient = useQueryClient();
	const queryKey = ["project", projectId, "webhook-names"];
	useRefreshOn(projectId, queryKey, isNaming);
	// Those that were asked for one by one.
	useLiveItems(projectId, (items) => {
		const changed = new Set(items.flatMap((item) => (item.kind === "webhook.updated" ? [item.webhookId] : [])));
		for (const id of changed) void queryClient.invalidateQueries({ queryKey: [...queryKey, id], exact: true });
	});
}

function isNaming({ kind }: StreamItem): boolean {
	return kind === "webhook.created" || kind === "webhook.updated";
}
