// Deliveries by filter, in pages, and what changes them.
import type {
	AttemptCause,
	Delivery,
	DeliveryCount,
	DeliveryFilter,
	DeliveryListParams,
	ProjectHandle,
} from "@fanfare/sdk";
import { queryOptions, useQueryClient } from "@tanstack/react-query";

import {
	earlierOf,
	filterPart,
	rangeStart,
	timeOf,
	valuesOf,
	type DeliveriesSearch,
	type DeliveryStatusName,
	type ErrorName,
} from "../../app/search.ts";
import { useCall, type Tell } from "../../parts/feedback/use-call.ts";
import { pagesQuery } from "../../parts/list/pages.ts";
import { useProject } from "../../session/caller.ts";
import { filtersOf, type FilterName } from "./filter-words.ts";

const PAGE_ROWS = 100;

/** What a search asks the server for. `now` is where a range ends. */
export function filterOf(search: DeliveriesSearch, now: number): DeliveryFilter {
	const { status, code, cause, error, webhook, event, type, customer, tag, range, changed, after, before } = search;
	// What the address allows is what the server takes.
	return {
		...(status !== undefined && { status: valuesOf(status) as readonly DeliveryStatusName[] }),
		...(code !== undefined && { responseCode: valuesOf(code) }),
		...(cause !== undefined && { cause: valuesOf(cause) as readonly AttemptCause[] }),
		...(error !== undefined && { error: valuesOf(error) as readonly ErrorName[] }),
		...(webhook !== undefined && { webhookId: webhook }),
		...(event !== undefined && { eventId: event }),
		...(type !== undefined && { eventType: valuesOf(type).map((one) => one.trim()) }),
		...(customer !== undefined && { customerId: customer }),
		...(tag !== undefined && { tag }),
		...(range !== undefined && { after: rangeStart(range, now) }),
		...(after !== undefined && { after: timeOf(after) }),
		...(before !== undefined && { before: timeOf(before) }),
		...(changed !== undefined && { updatedAfter: rangeStart(changed, now) }),
	};
}

/** How many deliveries match a search, and how long that took. A count that would take too long is the least that there are. */
export function countQuery(project: ProjectHandle, search: DeliveriesSearch) {
	const filter = filterPart(search);
	return queryOptions({
		queryKey: ["project", project.id, "delivery-count", filter],
		queryFn: async ({ signal }): Promise<DeliveryCount & { readonly tookMs: number }> => {
			const since = performance.now();
			const counted = await project.deliveries.count(filterOf(filter, Date.now()), { signal });
			return { ...counted, tookMs: performance.now() - since };
		},
		staleTime: 10_000,
	});
}

/** A filter of a search, and how many deliveries match all others. */
interface WithoutOne {
	readonly name: FilterName;
	readonly value: string;
	readonly counted: DeliveryCount;
}

/**
 * For a search that finds nothing: the filters without which it finds something, those that leave out the most first. The counts are made one
 * after the other, and each is bounded by the server.
 */
export function withoutOneQuery(project: ProjectHandle, search: DeliveriesSearch) {
	const filters = filtersOf(search);
	return queryOptions({
		queryKey: ["project", project.id, "delivery-count", "without-one", filters],
		queryFn: async ({ signal }): Promise<readonly WithoutOne[]> => {
			const found: WithoutOne[] = [];
			for (const [name, value] of filters) {
				const rest = filterOf({ ...search, [name]: undefined }, Date.now());
				const counted = await project.deliveries.count(rest, { signal });
				if (counted.count > 0 || !counted.complete) found.push({ name, value, counted });
			}
			// One that was not counted to its end has more, however few were found.
			const size = ({ count, complete }: DeliveryCount) => (complete ? count : Number.MAX_SAFE_INTEGER);
			return found.toSorted((a, b) => size(b.counted) - size(a.counted));
		},
		staleTime: 60_000,
		// Without the only filter, everything matches.
		enabled: filters.length > 1,
	});
}

/** The deliveries of a search, newest first, in pages that are fetched when they are wanted. */
export function deliveriesQuery(project: ProjectHandle, search: DeliveriesSearch, rows = PAGE_ROWS) {
	const filter = filterPart(search);
	return pagesQuery<Delivery>({
		queryKey: ["project", project.id, "deliveries", filter, rows],
		load: ({ page, before, signal }) => {
			const asked: DeliveryListParams = {
				...filterOf(filter, Date.now()),
				...(before !== undefined && { before: earlierOf(filter.before, before) }),
				limit: rows,
				page: page ?? undefined,
			};
			return project.deliveries.list(asked, { signal });
		},
		keyOf: ({ id }) => id,
		// New rows are announced, and shown when the reader asks: nothing moves under the pointer.
		staleTime: Number.POSITIVE_INFINITY,
	});
}

/** A change of deliveries; afterwards everything that shows deliveries is fetched again. */
export function useDeliveryChange<Input, Result>(
	change: (project: ProjectHandle, input: Input) => Promise<Result>,
	onDone?: (result: Result, input: Input, tell: Tell) => void,
) {
	const project = useProject();
	const queryClient = useQueryClient();
	const refresh = () => queryClient.invalidateQueries({ queryKey: ["project", project.id] });
	return useCall({
		mutationFn: (input: Input) => change(project, input),
		onSuccess: async (result, input, tell) => {
			onDone?.(result, input, tell);
			await refresh();
		},
		// Some may have been changed. The failure is shown at once, and not only when everything is fetched.
		onError: () => void refresh(),
	});
}
