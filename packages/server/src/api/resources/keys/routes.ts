// API keys. They are created, listed and deleted with an admin key of the whole workspace.
import { z } from "@hono/zod-openapi";

import { jsonBody } from "../../request/body/body-rule.ts";
import { callerOf, json, keyOrCustomerWith, route, workspaceKeyWith } from "../../request/route.ts";
import { checkNewValues } from "../common/kept-values.ts";
import { listReply, pageRequest } from "../common/list-reply.ts";
import { deletedSchema, listOf, pageQuery } from "../common/schemas.ts";
import { portalSessionOf } from "../portal-sessions/present.ts";
import { presentCaller, presentKey } from "./present.ts";
import {
	callerSchema,
	createKeySchema,
	keySchema,
	newInKeySchema,
	newKeySchema,
	rollKeySchema,
	updateKeySchema,
} from "./schemas.ts";

export const keyRoutes = [
	route({
		id: "getCaller",
		tag: "Keys",
		method: "get",
		path: "/workspace/key",
		access: keyOrCustomerWith("read", "read"),
		summary: "Find out who you are",
		description:
			"What the key or token that makes this call allows. Any caller may make it, also a customer, for whom it has what the portal " +
			"needs to know of its session.",
		answers: { 200: { description: "Who makes the call.", schema: callerSchema } },
		async handle(call) {
			const caller = callerOf(call);
			return json(presentCaller(caller, await portalSessionOf(call.deps, caller)));
		},
	}),
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
		errors: {
			404: "There is no such project (`project_not_found`).",
			409: "The workspace has as many keys as it may have (`too_many_keys`).",
		},
		async handle({ deps, change, body }) {
			const { name, scope, projectId, expireDate } = body;
			const input = { name, scope, projectId: projectId ?? null, expireDate: expireDate ?? null };
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
		id: "updateKey",
		tag: "Keys",
		method: "patch",
		path: "/workspace/keys/{keyId}",
		audit: "key.update",
		access: workspaceKeyWith("admin"),
		summary: "Rename a key",
		description: "What a key allows can't be changed: create another key for that.",
		body: jsonBody(updateKeySchema, { name: "billing service" }),
		answers: { 200: { description: "The key as it is now.", schema: keySchema } },
		async handle({ deps, change, params, body }) {
			const { name } = body;
			const stored = () => deps.engine.keys.get(params.keyId);
			await checkNewValues(newInKeySchema, body, stored, (_, key) => name === key.name);
			const changes = name === undefined ? {} : { name };
			return json(presentKey(await deps.engine.keys.update(params.keyId, changes, change.audit)));
		},
	}),
	route({
		id: "rollKey",
		tag: "Keys",
		method: "post",
		path: "/workspace/keys/{keyId}:roll",
		audit: "key.roll",
		access: workspaceKeyWith("admin"),
		summary: "Roll a key",
		description:
			"Gives the key a new secret key, which is returned only in this response, so store it. Id, name and permissions stay. The earlier one is " +
			"accepted for `overlapMs` more; of several earlier ones, the newest four at most. If you have lost the response, roll " +
			"the key again.",
		body: { ...jsonBody(rollKeySchema, { overlapMs: 3_600_000 }), optional: true },
		answers: { 200: { description: "The key, with its new `secretKey`.", schema: newKeySchema } },
		errors: { 409: "The key has expired (`key_not_active`)." },
		async handle({ deps, change, params, body }) {
			const { key, secretKey } = await deps.engine.keys.roll(params.keyId, body.overlapMs ?? null, change.audit);
			return json({ ...presentKey(key), secretKey });
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
		description:
			"The key stops working at once. The last admin key of the workspace that does not expire cannot be deleted.",
		answers: { 200: { description: "The key is deleted.", schema: deletedSchema } },
		errors: { 409: "This is the last admin key of the workspace that does not expire (`last_admin_key`)." },
		async handle({ deps, change, params }) {
			await deps.engine.keys.delete(params.keyId, change.audit);
			return json({ id: params.keyId, deleted: true });
		},
	}),
];
