// The audit log: who changed which object, and when.
import { listReply, pageRequest } from "../../request/list-reply.ts";
import { route, workspaceKeyWith } from "../../request/route.ts";
import { listOf } from "../common/schemas.ts";
import { presentAuditEntry } from "./present.ts";
import { auditEntrySchema, auditQuerySchema } from "./schemas.ts";

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
			"when it disables a webhook. An entry is listed if it matches all filters.",
		query: auditQuerySchema,
		answers: { 200: { description: "A page of audit entries.", schema: listOf(auditEntrySchema) } },
		async handle({ deps, query }) {
			const request = pageRequest(query, "aud");
			const { keyId = null, projectId = null, objectId = null, action = null, after = null, before = null } = query;
			const filter = { keyId, projectId, objectId, action, after, before };
			return listReply(await deps.store.auditEntries(filter, request), request, presentAuditEntry);
		},
	}),
];
