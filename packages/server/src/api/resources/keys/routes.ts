// API keys. They are created, listed and deleted with an admin key of the whole workspace.
import { z } from "@hono/zod-openapi";

import { jsonBody } from "../../request/body/body-rule.ts";
import { listReply, pageRequest } from "../../request/list-reply.ts";
import { json, route, workspaceKeyWith } from "../../request/route.ts";
import { deletedSchema, listOf, pageQuery } from "../common/schemas.ts";
import { presentKey } from "./present.ts";
import { createKeySchema, keySchema, newKeySchema } from "./schemas.ts";

export const keyRoutes = [
	route({
		id: "createKey",
		tag: "Keys",
		method: "post",
		path: "/workspace/keys",
		audit: "key.create",
		access: workspaceKeyWith("admin"),
		summary: "Create a key",
		description:
			"The key itself is returned only in this response, so store it. A key of one project opens nothing else, and " +
			"cannot manage projects or keys, whatever its scope.",
		body: jsonBody(createKeySchema, { name: "billing service", scope: "write" }),
		answers: { 200: { description: "The new key, with `secretKey`.", schema: newKeySchema } },
		errors: { 404: "There is no such project." },
		async handle({ deps, change, body }) {
			const { name, scope, projectId } = body;
			const input = { name, scope, projectId: projectId ?? null };
			const { key, secretKey } = await deps.engine.keys.create(input, change.audit);
			return json({ ...presentKey(key), secretKey });
		},
	}),
	route({
		id: "listKeys",
		tag: "Keys",
		method: "get",
		path: "/workspace/keys",
		access: workspaceKeyWith("admin"),
		summary: "List keys",
		description: "Newest first, without the keys themselves.",
		query: z.strictObject(pageQuery),
		answers: { 200: { description: "A page of keys.", schema: listOf(keySchema) } },
		handle({ deps, query }) {
			const request = pageRequest(query, "key");
			return listReply(deps.engine.keys.list(request), request, presentKey);
		},
	}),
	route({
		id: "deleteKey",
		tag: "Keys",
		method: "delete",
		path: "/workspace/keys/{keyId}",
		audit: "key.delete",
		access: workspaceKeyWith("admin"),
		summary: "Delete a key",
		description: "The key stops working at once. The last admin key of the workspace cannot be deleted.",
		answers: { 200: { description: "The key is deleted.", schema: deletedSchema } },
		errors: { 409: "This is the last admin key of the workspace." },
		async handle({ deps, change, params }) {
			await deps.engine.keys.delete(params.keyId, change.audit);
			return json({ id: params.keyId, deleted: true });
		},
	}),
];
