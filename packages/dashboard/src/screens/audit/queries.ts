// The audit log that a key may read: with a key of the workspace all of it, and with one of a project that of the project.
import type { AuditEntry, AuditFilter, ListParams, PagePromise, RequestOptions } from "@fanfare/sdk";

import { rangeStart } from "../../app/search.ts";
import type { Exporter } from "../../parts/list/export-file.ts";
import { pagesQuery } from "../../parts/list/pages.ts";
import { useConnection, useProject } from "../../session/caller.ts";
import { useIsOfWorkspace } from "../../session/workspace.ts";
import type { AuditSearch } from "./search.ts";

const PAGE_ROWS = 100;

/** What is asked of either log. */
type Filter = Omit<AuditFilter, keyof ListParams>;

interface AuditLog extends Exporter<Filter> {
	readonly projectId: string;
	/** Whether it has the entries of all projects, and those that are of none. */
	readonly isOfWorkspace: boolean;
	readonly list: (filter: AuditFilter, options: RequestOptions) => PagePromise<AuditEntry>;
}

/** Only for admin keys. */
export function useAuditLog(): AuditLog {
	const { client } = useConnection();
	const project = useProject();
	const isOfWorkspace = useIsOfWorkspace();
	const log = isOfWorkspace ? client.audit : project.audit;
	return {
		projectId: project.id,
		isOfWorkspace,
		list: (filter, options) => log.list(filter, options),
		export: (filter, options) => log.export(filter, options),
		exportCsv: (filter, options) => log.exportCsv(filter, options),
	};
}

/** What a search asks the log for. `now` is where a range ends. */
export function filterOf({ projectId, isOfWorkspace }: AuditLog, search: AuditSearch, now: number): Filter {
	const { action, key, object, range, of } = search;
	return {
		// The server refuses a mistyped one, and names those that there are.
		action,
		keyId: key,
		objectId: object,
		// The log of a project has no other.
		...(isOfWorkspace && of !== "workspace" && { projectId }),
		after: range === undefined ? undefined : rangeStart(range, now),
	};
}

export function auditQuery(log: AuditLog, search: AuditSearch) {
	return pagesQuery<AuditEntry>({
		queryKey: ["project", log.projectId, "audit", log.isOfWorkspace, search],
		load: ({ page, signal }) =>
			log.list({ ...filterOf(log, search, Date.now()), limit: PAGE_ROWS, page: page ?? undefined }, { signal }),
		keyOf: ({ id }) => id,
	});
}
