// The audit log: who changed which object, and when. All of it for the workspace's admins, and what is about a project for the project's.
import { wholeProject } from "../../../core/access/principal.ts";
import type { AuditFilter } from "../../../ports/store/audit.ts";
import type { AppDeps } from "../../deps.ts";
import { keyWith, route, workspaceKeyWith, type Reply } from "../../request/route.ts";
import { bodyReply, pageRequest } from "../common/list-reply.ts";
import { scannedListOf } from "../common/schemas.ts";
import { auditFilter, auditQuerySchema, projectAuditQuerySchema } from "./filters.ts";
import { auditEntrySchema } from "./schemas.ts";

const FILTERS =
	"An entry is listed if it matches all filters. With several filters, a page looks at 10,000 entries: if few of them match, it can have " +
	"fewer rows than `limit`, even none: `scannedTo` says how far it has looked, and `nextPage` goes on.";

async function auditReply(
	{ lists }: AppDeps,
	query: Parameters<typeof pageRequest>[0],
	filter: AuditFilter,
): Promise<Reply> {
	return bodyReply(await lists.auditEntries(filter, pageRequest(query, "aud")));
}

export const auditRoutes = [
	route({
		id: "listAuditEntries",
		tag: "Audit",
		method: "get",
		path: "/workspace/audit",
		access: workspaceKeyWith("admin"),
		summary: "List audit entries",
		description:
			"Newest first. Every call that changes something leaves an entry, except sends. The server itself leaves one " +
			`when it disables a webhook. ${FILTERS}`,
		query: auditQuerySchema,
		answers: { 200: { description: "A page of audit entries.", schema: scannedListOf(auditEntrySchema) } },
		handle: ({ deps, query }) => auditReply(deps, query, auditFilter(query, query.projectId ?? null)),
	}),
	route({
		id: "listProjectAuditEntries",
		tag: "Audit",
		method: "get",
		path: "/projects/{projectId}/audit",
		access: keyWith("admin"),
		summary: "List a project's audit entries",
		description:
			"What was changed in the project, by keys of the project and of the whole workspace, by customers and by the server itself. " +
			`Newest first. ${FILTERS}`,
		query: projectAuditQuerySchema,
		answers: { 200: { description: "A page of audit entries.", schema: scannedListOf(auditEntrySchema) } },
		handle: ({ deps, scope, query }) => auditReply(deps, query, auditFilter(query, wholeProject(scope))),
	}),
];
