// Exports of the audit log as files: of the workspace, and of a project.
import type { z } from "@hono/zod-openapi";

import { wholeProject } from "../../../core/access/principal.ts";
import type { AuditFilter } from "../../../ports/store/audit.ts";
import type { AppDeps } from "../../deps.ts";
import { keyWith, workspaceKeyWith } from "../../request/route.ts";
import { csvList, csvTime } from "../exports/csv.ts";
import type { Columns, ExportedList } from "../exports/export-reply.ts";
import { exportRoute } from "../exports/export-route.ts";
import { auditExportQuerySchema, auditFilter, projectAuditExportQuerySchema } from "./filters.ts";
import { presentAuditEntry } from "./present.ts";
import { auditEntrySchema } from "./schemas.ts";

type Row = z.infer<typeof auditEntrySchema>;

const COLUMNS: Columns<Row> = {
	id: ({ id }) => id,
	createDate: ({ createDate }) => csvTime(createDate),
	action: ({ action }) => action,
	objectId: ({ objectId }) => objectId,
	fields: ({ fields }) => csvList(fields),
	actor: ({ actor }) => actor,
	keyId: ({ keyId }) => keyId,
	sessionId: ({ sessionId }) => sessionId ?? null,
	customerId: ({ customerId }) => customerId ?? null,
	portalSessionId: ({ portalSessionId }) => portalSessionId ?? null,
	projectId: ({ projectId }) => projectId,
	requestId: ({ requestId }) => requestId,
	keyName: ({ keyName }) => keyName,
	objectName: ({ objectName }) => objectName,
};

const ENTRIES = {
	tag: "Audit",
	nouns: "audit entries",
	noun: "audit entry",
	remarks: "A cell with several fields has a space between them.",
	schema: auditEntrySchema,
	columns: COLUMNS,
} as const;

export const auditExportRoutes = [
	exportRoute({
		...ENTRIES,
		id: "exportAuditEntries",
		path: "/workspace/audit:export",
		access: workspaceKeyWith("admin"),
		query: auditExportQuerySchema,
		reader: ({ deps, query }) => readerOf(deps, auditFilter(query, query.projectId ?? null)),
	}),
	exportRoute({
		...ENTRIES,
		id: "exportProjectAuditEntries",
		path: "/projects/{projectId}/audit:export",
		access: keyWith("admin"),
		summary: "Export a project's audit entries",
		query: projectAuditExportQuerySchema,
		reader: ({ deps, scope, query }) => readerOf(deps, auditFilter(query, wholeProject(scope))),
	}),
];

function readerOf({ store }: Pick<AppDeps, "store">, filter: AuditFilter): ExportedList<Row>["read"] {
	return async (request) => {
		const page = await store.auditEntries(filter, request);
		return { ...page, rows: page.rows.map((entry) => presentAuditEntry(entry, page)) };
	};
}
