// The customers of a project, and what changes them.
import type { Customer, ProjectHandle } from "@fanfare/sdk";
import { queryOptions, useQueryClient } from "@tanstack/react-query";

import { useCall, type Tell } from "../../parts/feedback/use-call.ts";
import { pagesQuery } from "../../parts/list/pages.ts";
import { useProject } from "../../session/caller.ts";

const PAGE_ROWS = 100;

export function customersQuery(project: ProjectHandle, q: string | undefined) {
	return pagesQuery<Customer>({
		queryKey: ["project", project.id, "customers", { q }],
		load: ({ page, signal }) => project.customers.list({ q, limit: PAGE_ROWS, page: page ?? undefined }, { signal }),
		keyOf: ({ id }) => id,
	});
}

export function customerQuery(project: ProjectHandle, customerId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "customer", customerId],
		queryFn: ({ signal }) => project.customers.get(customerId, { signal }),
	});
}

export function customerStatsQuery(project: ProjectHandle, customerId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "stats", "customer", customerId],
		queryFn: ({ signal }) => project.customers.stats(customerId, { width: "hour" }, { signal }),
	});
}

export function portalSessionsQuery(project: ProjectHandle, customerId: string) {
	return queryOptions({
		queryKey: ["project", project.id, "portal-sessions", customerId],
		queryFn: ({ signal }) =>
			project.portalSessions.list({ customerId, limit: PAGE_ROWS }, { signal }).then(({ data }) => data),
	});
}

/** A change of a customer; afterwards everything of the project is fetched again. */
export function useCustomerChange<Input, Result>(
	change: (project: ProjectHandle, input: Input) => Promise<Result>,
	onDone?: (result: Result, input: Input, tell: Tell) => void,
) {
	const project = useProject();
	const queryClient = useQueryClient();
	return useCall({
		mutationFn: (input: Input) => change(project, input),
		onSuccess: async (result, input, tell) => {
			onDone?.(result, input, tell);
			await queryClient.invalidateQueries({ queryKey: ["project", project.id] });
		},
	});
}
