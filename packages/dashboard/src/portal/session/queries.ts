// What the screens load, and what they change. The keys begin as those of the page, so that changes are applied by the same code.
import { ConflictError, type Delivery, type EventTypeAsText, type ProjectHandle, type Webhook } from "@fanfare/sdk";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { pagesQuery } from "../../parts/list/pages.ts";
import { freshKey } from "./use-changes.ts";
import { useOpenSession, useProject } from "./use-session.ts";

const MOST_ENDPOINTS = 500;
const MOST_TYPES = 1_000;
const PAGE_ROWS = 50;

export function endpointsQuery(project: ProjectHandle) {
	return queryOptions({
		queryKey: ["project", project.id, "webhooks"],
		queryFn: async ({ signal }): Promise<readonly Webhook[]> => {
			const endpoints: Webhook[] = [];
			for await (const endpoint of project.batch.webhooks.list({ limit: 100 }, { signal })) {
				endpoints.push(endpoint);
				if (endpoints.length === MOST_ENDPOINTS) break;
			}
			return endpoints;
		},
	});
}

export function endpointQuery(project: ProjectHandle, webhookId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "webhooks", webhookId],
		queryFn: ({ signal }) => project.batch.webhooks.get(webhookId, { signal }),
	});
}

/** The event types that a customer can choose, with their examples as text: a parser would round their numbers. */
export function useEventTypes() {
	const project = useProject();
	return useQuery({
		queryKey: ["project", project.id, "event-types"],
		queryFn: async ({ signal }): Promise<readonly EventTypeAsText[]> =>
			(await project.eventTypes.listAsText({ archived: false, limit: MOST_TYPES }, { signal })).data,
		staleTime: 60_000,
	});
}

/** The addresses that requests come from, for firewalls. */
export function useEgressAddresses() {
	const { client } = useOpenSession();
	return useQuery({
		queryKey: ["egress-addresses"],
		queryFn: async ({ signal }) => (await client.getEgressAddresses({ signal })).addresses,
		staleTime: 600_000,
	});
}

/** Which deliveries are shown. */
export const SHOWN = { failed: "Failed", waiting: ["Pending", "Held"], arrived: "Succeeded" } as const;
export type Shown = keyof typeof SHOWN;

const HOUR = 3_600_000;
/** From which time deliveries are shown: how long ago they were made at most. */
export const SINCE = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR, month: 30 * 24 * HOUR } as const;
export type Since = keyof typeof SINCE;

export interface DeliveryChoice {
	/** Undefined for those to all endpoints. */
	readonly webhookId: string | undefined;
	readonly shown: Shown | undefined;
	readonly type: string | undefined;
	readonly since: Since | undefined;
}

function filterOf({ webhookId, shown, type, since }: DeliveryChoice) {
	return {
		...(webhookId !== undefined && { webhookId }),
		...(shown !== undefined && { status: SHOWN[shown] }),
		...(type !== undefined && { eventType: type }),
		...(since !== undefined && { after: Date.now() - SINCE[since] }),
	};
}

/** How many deliveries there are of a choice. A count that would take too long is the least that there are. */
export function countQuery(project: ProjectHandle, choice: DeliveryChoice) {
	return queryOptions({
		queryKey: ["project", project.id, "delivery-count", choice],
		queryFn: ({ signal }) => project.deliveries.count(filterOf(choice), { signal }),
	});
}

export function deliveriesQuery(project: ProjectHandle, choice: DeliveryChoice) {
	return pagesQuery<Delivery>({
		queryKey: ["project", project.id, "deliveries", choice],
		load: ({ page, before, signal }) =>
			project.deliveries.list({ ...filterOf(choice), before, limit: PAGE_ROWS, page: page ?? undefined }, { signal }),
		keyOf: ({ id }) => id,
	});
}

export function deliveryQuery(project: ProjectHandle, deliveryId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "delivery", deliveryId],
		queryFn: ({ signal }) => project.deliveries.get(deliveryId, { signal }),
	});
}

/** A change; afterwards everything of the project is fetched again. */
export function useChange<Input, Result>(
	change: (project: ProjectHandle, input: Input) => Promise<Result>,
	onDone?: (result: Result, input: Input) => void,
) {
	const project = useProject();
	const queryClient = useQueryClient();
	const refresh = () =>
		queryClient.invalidateQueries({
			queryKey: ["project", project.id],
			predicate: ({ queryKey }) => queryKey[2] !== "fresh",
		});
	return useMutation({
		mutationFn: (input: Input) => change(project, input),
		onSuccess: async (result, input) => {
			onDone?.(result, input);
			queryClient.setQueryData(freshKey(project.id), false);
			await refresh();
		},
		onError: (error) => {
			// Somebody else was faster: the portal offers what they have made of it.
			if (error instanceof ConflictError) void refresh();
		},
	});
}

/** Retries all of a choice that have failed, however many calls that takes. Returns how many are sent again. */
export async function retryAll(project: ProjectHandle, choice: DeliveryChoice): Promise<number> {
	const filter = filterOf({ ...choice, shown: "failed" });
	let changed = 0;
	let page: string | undefined;
	do {
		const done = await project.deliveries.retryMany({ ...filter, ...(page !== undefined && { page }) });
		changed += done.changed;
		page = done.nextPage ?? undefined;
	} while (page !== undefined);
	return changed;
}
