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
import { InDoubtError } from "../../parts/feedback/doubt.ts";
import { useCall, type Tell } from "../../parts/feedback/use-call.ts";
import { useProject } from "../../session/caller.ts";

/** More webhooks than this are not loaded into the page. */
export const MOST_WEBHOOKS = 5_000;
const MOST_TYPES = 2_000;

function webhooksQuery(project: ProjectHandle) {
	return queryOptions({
		queryKey: ["project", project.id, "webhooks"],
		queryFn: async ({ signal }): Promise<readonly Webhook[]> => {
			const webhooks: Webhook[] = [];
			for await (const webhook of project.batch.webhooks.list({}, { signal })) {
				webhooks.push(webhook);
				if (webhooks.length === MOST_WEBHOOKS) break;
			}
			return webhooks;
		},
	});
}

export function useWebhooks() {
	return useQuery(webhooksQuery(useProject()));
}

/** What the server looks for in all webhooks, also in those that are not loaded. */
const STATES = {
	failing: { status: "Enabled", health: ["Failing", "Disabling"] },
	paused: { status: "Paused" },
	disabled: { status: "Disabled" },
} as const satisfies Record<WebhookState, WebhookFilter>;
const FOUND = 200;

/** What the server is asked for the webhooks in a state; without one, for all. */
export function filterOf(state: WebhookState | undefined): WebhookFilter {
	return state === undefined ? {} : STATES[state];
}

/**
 * The webhooks that the server finds; empty until it has answered, and without a filter. It also looks into descriptions and keys, and into
 * what is not loaded.
 */
export function useFoundWebhooks(q: string, state: WebhookState | undefined) {
	const project = useProject();
	return useQuery({
		queryKey: ["project", project.id, "webhooks", "found", q, state],
		queryFn: async ({ signal }): Promise<readonly Webhook[]> => {
			const filter = { ...(q !== "" && { q }), ...filterOf(state), limit: FOUND };
			return (await project.batch.webhooks.list(filter, { signal })).data;
		},
		enabled: q !== "" || state !== undefined,
	});
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
