// The webhooks of a project, their event types, and what changes them.
import {
	ConflictError,
	type Deleted,
	type EventTypeAsText,
	type ProjectHandle,
	type Webhook,
	type WebhookFilter,
} from "@fanfare/sdk";
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";

import type { WebhookState } from "../../app/search.ts";
import { editQueryTwice } from "../../live/edit-query.ts";
import { useLiveItems, useLivePause, useRefreshOn } from "../../live/use-live.ts";
import { InDoubtError } from "../../parts/feedback/doubt.ts";
import { useCall, type Tell } from "../../parts/feedback/use-call.ts";
import { useProject } from "../../session/caller.ts";
import { findWebhooks, MOST_RECENT, searchAgainMs, timed, type Found, type Timed } from "./found.ts";
import { statesIn, useFreshList } from "./fresh-list.ts";

/** Of the webhooks in a state, and of those that are searched. */
const FOUND = 200;
/** The server looks for no longer texts. */
const MOST_CHARACTERS = 128;
const MOST_TYPES = 2_000;

/** The newest webhooks of a customer. */
export function customerWebhooksQuery(project: ProjectHandle, customerId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "webhooks-of-customer", customerId],
		queryFn: ({ signal }) => timed(findWebhooks(project, { customerId }, { most: MOST_RECENT, signal })),
	});
}

/** The newest webhooks of a customer, as they are now. */
export function useCustomerWebhooks(customerId: string) {
	const project = useProject();
	const options = customerWebhooksQuery(project, customerId);
	const query = useQuery(options);
	useFreshList({ queryKey: options.queryKey, most: MOST_RECENT, isFiltered: true, isWanted: true, last: query.data });
	return query;
}

/** The webhooks that get events of a type, if the events are for their customers. */
export function useWantingWebhooks(eventType: string) {
	const project = useProject();
	const queryKey = ["project", project.id, "wanting-webhooks", eventType];
	const query = useQuery({
		queryKey,
		queryFn: ({ signal }) => timed(findWebhooks(project, { eventType }, { most: FOUND, signal })),
	});
	useFreshList({ queryKey, most: FOUND, isFiltered: true, isWanted: true, last: query.data });
	return query;
}

/** What the server looks for in all webhooks, also in those that are not loaded. */
const STATES = {
	failing: { status: "Enabled", health: ["Failing", "Disabling"] },
	paused: { status: "Paused" },
	disabled: { status: "Disabled" },
} as const satisfies Record<WebhookState, WebhookFilter>;

/** What the server is asked for the webhooks in a state; without one, for all. */
export function filterOf(state: WebhookState | undefined): WebhookFilter {
	return state === undefined ? {} : STATES[state];
}

/** The webhooks in each state, wherever they are in the list. */
export interface Troubled extends Timed {
	readonly byState: Readonly<Record<WebhookState, Found>>;
}

function troubledQuery(project: ProjectHandle) {
	return queryOptions({
		queryKey: ["project", project.id, "troubled-webhooks"],
		queryFn: ({ signal }): Promise<Troubled> => timed(findTroubled(project, signal)),
	});
}

async function findTroubled(project: ProjectHandle, signal: AbortSignal): Promise<Pick<Troubled, "byState">> {
	const find = (state: WebhookState) => findWebhooks(project, STATES[state], { most: FOUND, signal });
	const failing = await find("failing");
	const paused = await find("paused");
	const disabled = await find("disabled");
	return { byState: { failing, paused, disabled } };
}

/** The webhooks in trouble among those that are not loaded. They are looked for only if there are any: `isWanted`. */
export function useTroubledWebhooks(isWanted: boolean) {
	const project = useProject();
	const options = troubledQuery(project);
	const query = useQuery({ ...options, enabled: isWanted });
	// An attempt can be the one with which a webhook begins to fail.
	const everyMs = searchAgainMs(query.data?.tookMs ?? 0);
	useRefreshOn(project.id, options.queryKey, isWanted ? () => true : null, everyMs);
	const queryClient = useQueryClient();
	const [isPaused] = useLivePause(project.id);
	useLiveItems(project.id, (items) => {
		const states = statesIn(items);
		const cached = queryClient.getQueryCache().find({ queryKey: options.queryKey, exact: true });
		if (isPaused || states.size === 0 || cached === undefined) return;
		editQueryTwice<Troubled>(cached, (troubled) => withoutChanged(troubled, states));
	});
	return query;
}

/** Without those that items say to be in another state. Those that have come into a state are found when all are searched again. */
function withoutChanged(troubled: Troubled, states: ReturnType<typeof statesIn>): Troubled {
	const left = ([state, found]: [string, Found]): [string, Found] => {
		const { status } = STATES[state as WebhookState];
		const webhooks = found.webhooks.filter(({ id }) => (states.get(id)?.status ?? status) === status);
		return [state, webhooks.length === found.webhooks.length ? found : { ...found, webhooks }];
	};
	const byState = Object.fromEntries(Object.entries(troubled.byState).map(left)) as Troubled["byState"];
	const isSame = Object.entries(byState).every(([state, found]) => found === troubled.byState[state as WebhookState]);
	return isSame ? troubled : { ...troubled, byState };
}

/**
 * The webhooks that the server finds; undefined until it has answered, and without a filter. It also looks into descriptions and keys, and
 * into what is not loaded.
 */
export function useFoundWebhooks(q: string, state: WebhookState | undefined) {
	const project = useProject();
	const queryKey = ["project", project.id, "found-webhooks", q, state];
	const isWanted = (q !== "" || state !== undefined) && q.length <= MOST_CHARACTERS;
	const query = useQuery({
		queryKey,
		queryFn: ({ signal }) =>
			timed(findWebhooks(project, { ...(q !== "" && { q }), ...filterOf(state) }, { most: FOUND, signal })),
		enabled: isWanted,
	});
	useFreshList({ queryKey, most: FOUND, isFiltered: true, isWanted, last: query.data });
	return query;
}

/** The event types of the project that are not archived, with their examples as text: a parser would round their numbers. */
export function useEventTypes() {
	const project = useProject();
	return useQuery({
		queryKey: ["project", project.id, "event-types"],
		queryFn: async ({ signal }): Promise<readonly EventTypeAsText[]> => {
			const filter = { archived: false, limit: MOST_TYPES / 2 };
			return (await project.eventTypes.listAsText(filter, { signal })).data;
		},
		staleTime: 60_000,
	});
}

/** A change of one webhook; afterwards everything that shows webhooks is fetched again. */
export function useWebhookChange<Input, Result extends Webhook | Deleted>(
	change: (project: ProjectHandle, input: Input) => Promise<Result>,
	onDone?: (result: Result, input: Input, tell: Tell) => void,
	onFailed?: (error: Error, input: Input) => void,
) {
	const project = useProject();
	const queryClient = useQueryClient();
	return useCall({
		mutationFn: (input: Input) => change(project, input),
		onSuccess: async (result, input, tell) => {
			onDone?.(result, input, tell);
			await queryClient.invalidateQueries({ queryKey: ["project", project.id] });
		},
		onError: (error, input) => {
			onFailed?.(error, input);
			// Somebody else was faster, or a save before: the page shows what is stored.
			if (error instanceof ConflictError || error instanceof InDoubtError)
				void queryClient.invalidateQueries({ queryKey: ["project", project.id] });
		},
	});
}

/** Pauses an enabled webhook, and resumes any other. */
export function usePauseOrResume(
	onDone: (webhook: Webhook, before: Webhook, tell: Tell) => void,
	onFailed?: (error: Error, webhook: Webhook) => void,
) {
	return useWebhookChange(
		({ batch: { webhooks } }, { id, status }: Webhook) =>
			status === "Enabled" ? webhooks.pause(id) : webhooks.resume(id),
		onDone,
		onFailed,
	);
}
