// The audit log.
import type { AuditEntry } from "@fanfare/sdk";

import { rangeStart } from "../../app/search.ts";
import { pagesQuery } from "../../parts/list/pages.ts";
import type { Connection } from "../../session/connection.ts";
import type { AuditSearch } from "./search.ts";

const PAGE_ROWS = 100;

export function auditQuery({ client }: Connection, projectId: string, search: AuditSearch) {
	const { action, key, object, range, of } = search;
	return pagesQuery<AuditEntry>({
		queryKey: ["project", projectId, "audit", search],
		load: ({ page, signal }) =>
			client.audit.list(
				{
					action,
					keyId: key,
					objectId: object,
					projectId: of === "workspace" ? undefined : projectId,
					after: range === undefined ? undefined : rangeStart(range, Date.now()),
					limit: PAGE_ROWS,
					page: page ?? undefined,
				},
				{ signal },
			),
		keyOf: ({ id }) => id,
	});
}
