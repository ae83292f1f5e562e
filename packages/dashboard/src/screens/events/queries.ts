// The events of a project.
import { ApiError, type EventFilter, type LoggedEvent, type ProjectHandle, type Routing } from "@fanfare/sdk";
import { queryOptions } from "@tanstack/react-query";

import { earlierOf, rangeStart, timeOf, valuesOf } from "../../app/search.ts";
import { pagesQuery } from "../../parts/list/pages.ts";
import type { EventsSearch } from "./search.ts";

const PAGE_ROWS = 100;
const RECENT = 5;

/** What a search asks the server for. `now` is where a range ends. */
export function filterOf({ type, customer, tag, range, before, to }: EventsSearch, now: number): EventFilter {
	return {
		type: type === undefined ? undefined : valuesOf(type),
		unmatched: to === "nobody" ? true : undefined,
		customerId: customer,
		tag,
		after: range === undefined ? undefined : rangeStart(range, now),
		before: before === undefined ? undefined : timeOf(before),
	};
}

/** The events of a search, newest first, in pages that are fetched when they are wanted. */
export function eventsQuery(project: ProjectHandle, search: EventsSearch) {
	const { type, customer, tag, range, before, to } = search;
	return pagesQuery<LoggedEvent>({
		queryKey: ["project", project.id, "events", { type, customer, tag, range, before, to }],
		load: ({ page, before: earlier, signal }) =>
			project.events.list(
				{
					...filterOf(search, Date.now()),
					before: earlierOf(before, earlier),
					limit: PAGE_ROWS,
					page: page ?? undefined,
				},
				{ signal },
			),
		keyOf: ({ id }) => id,
		// New rows are announced, and shown when the reader asks: nothing moves under the pointer.
		staleTime: Number.POSITIVE_INFINITY,
	});
}

export function eventQuery(project: ProjectHandle, eventId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "event", eventId],
		queryFn: async ({ signal }) => {
			// The data of the answer is left out: a parser has rounded its numbers. See `eventDataQuery`.
			const { data: _, ...event } = await project.events.get(eventId, { signal });
			return event;
		},
	});
}

/** The data as it was sent, byte for byte; null if it was erased. */
export function eventDataQuery(project: ProjectHandle, eventId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "event-data", eventId],
		queryFn: async ({ signal }) => {
			try {
				return await project.events.getData(eventId, {}, { signal });
			} catch (error) {
				if (error instanceof ApiError && error.status === 410) return null;
				throw error;
			}
		},
		staleTime: Number.POSITIVE_INFINITY,
	});
}

/** Why webhooks got an event or not, newest webhooks first; or why one did. */
export function routingQuery(project: ProjectHandle, eventId: string, webhookId: string | null) {
	return pagesQuery<Routing>({
		queryKey: ["project", project.id, "routing", eventId, webhookId],
		load: ({ page, signal }) =>
			project.events.routing(
				eventId,
				{ limit: PAGE_ROWS, webhookId: webhookId ?? undefined, page: page ?? undefined },
				{ signal },
			),
		keyOf: (routing) => routing.webhookId,
	});
}

/** The newest events of a type, to send one of them again. */
export function recentEventsQuery(project: ProjectHandle, type: string) {
	return queryOptions({
		queryKey: ["project", project.id, "recent-events", type],
		queryFn: async ({ signal }) => (await project.events.list({ type, limit: RECENT }, { signal })).data,
		enabled: type !== "",
	});
}

/** How many deliveries a replay of these events to these webhooks would make. */
export function chosenEstimateQuery(
	project: ProjectHandle,
	webhookIds: readonly string[],
	eventIds: readonly string[],
) {
	return queryOptions({
		queryKey: ["project", project.id, "replay-estimate", { webhookIds, eventIds }],
		queryFn: ({ signal }) => project.replays.create({ webhookIds, eventIds, dryRun: true }, { signal }),
		enabled: webhookIds.length > 0,
	});
}
