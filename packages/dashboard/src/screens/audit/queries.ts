// The audit log.
import type { AuditEntry, AuditFilter } from "@fanfare/sdk";

import { rangeStart } from "../../app/search.ts";
import { pagesQuery } from "../../parts/list/pages.ts";
import type { Connection } from "../../session/connection.ts";
import type { AuditSearch } from "./search.ts";

const PAGE_ROWS = 100;

/** What a search asks the server for. `now` is where a range ends. */
export function filterOf(projectId: string, search: AuditSearch, now: number): AuditFilter {
	const { action, key, object, range, of } = search;
	return {
		action,
		keyId: key,
		objectId: object,
		projectId: of === "workspace" ? undefined : projectId,
		after: range === undefined ? undefined : rangeStart(range, now),
	};
}

export function auditQuery({ client }: Connection, projectId: string, search: AuditSearch) {
	return pagesQuery<AuditEntry>({
		queryKey: ["project", projectId, "audit", search],
		load: ({ page, signal }) =>
			client.audit.list(
				{ ...filterOf(projectId, search, Date.now()), limit: PAGE_ROWS, page: page ?? undefined },
				{ signal },
			),
		keyOf: ({ id }) => id,
	});
}
