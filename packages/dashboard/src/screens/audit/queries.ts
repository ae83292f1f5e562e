// The audit log.
import { infiniteQueryOptions } from "@tanstack/react-query";

import { rangeStart } from "../../app/search.ts";
import type { Connection } from "../../session/connection.ts";
import type { AuditSearch } from "./search.ts";

const PAGE_ROWS = 100;

export function auditQuery({ client }: Connection, projectId: string, search: AuditSearch) {
	const { action, key, object, range, of } = search;
	return infiniteQueryOptions({
		queryKey: ["project", projectId, "audit", search],
		queryFn: async ({ pageParam, signal }) => {
			const { data, nextPage, scannedTo } = await client.audit.list(
				{
					action,
					keyId: key,
					objectId: object,
					projectId: of === "workspace" ? undefined : projectId,
					after: range === undefined ? undefined : rangeStart(range, Date.now()),
					limit: PAGE_ROWS,
					...(pageParam !== null && { page: pageParam }),
				},
				{ signal },
			);
			return { data, nextPage, scannedTo };
		},
		initialPageParam: null as string | null,
		getNextPageParam: ({ nextPage }) => nextPage,
	});
}
