// Webhooks: the calls that Nexus has, and pause and resume.
import { z } from "@hono/zod-openapi";

import { decodeSecret } from "../../../core/crypto/signing.ts";
import { DEFAULT_SECRET_OVERLAP_MS } from "../../../core/webhook.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { listReply, pageRequest } from "../../request/list-reply.ts";
import { json, keyWith, route } from "../../request/route.ts";
import { deletedSchema, listOf, pageQuery } from "../common/schemas.ts";
import { webhookPatch, webhookSettings } from "./input.ts";
import { presentWebhook } from "./present.ts";
import {
	createWebhookSchema,
	testWebhookSchema,
	updateSecretSchema,
	updateWebhookSchema,
	webhookSchema,
	webhookTestSchema,
} from "./schemas.ts";

const COLLECTION = "/projects/{projectId}/batch/webhooks";
const ONE = "/projects/{projectId}/batch/webhooks/{webhookId}";
const changed = { 200: { description: "The webhook as it is now.", schema: webhookSchema } };
const spec = { endpoint: "https://example.com/webhooks" };

const manageRoutes = [
	route({
		id: "createWebhook",
		tag: "Webhooks",
		method: "post",
		path: COLLECTION,
		audit: "webhook.create",
		access: keyWith("write"),
		summary: "Create a webhook",
		description: "Registers an endpoint. From now on it gets every event whose type matches its `eventTypes`.",
		body: jsonBody(createWebhookSchema, { name: "aws-lambda", spec }),
		answers: { 200: { description: "The new webhook.", schema: webhookSchema } },
		async handle({ deps, change, body }) {
			const contents = body.spec.secret?.contents;
			const secret = contents === undefined ? null : decodeSecret(contents);
			const webhook = await deps.engine.webhooks.create(change, webhookSettings(body), secret);
			return json(presentWebhook(webhook));
		},
	}),
	route({
		id: "listWebhooks",
		tag: "Webhooks",
		method: "get",
		path: COLLECTION,
		access: keyWith("read"),
		summary: "List webhooks",
		description: "Newest first.",
		query: z.strictObject(pageQuery),
		answers: { 200: { description: "A page of webhooks.", schema: listOf(webhookSchema) } },
		async handle({ deps, scope, query }) {
			const request = pageRequest(query, "webhook");
			return listReply(await deps.engine.webhooks.list(scope, request), request, presentWebhook);
		},
	}),
	route({
		id: "getWebhook",
		tag: "Webhooks",
		method: "get",
		path: ONE,
		access: keyWith("read"),
		summary: "Get a webhook",
		description: "Returns one webhook. Its secret and the values of its headers are never returned.",
		answers: { 200: { description: "The webhook.", schema: webhookSchema } },
		handle: ({ deps, scope, params }) => json(presentWebhook(deps.engine.webhooks.get(scope, params.webhookId))),
	}),
	route({
		id: "updateWebhook",
		tag: "Webhooks",
		method: "patch",
		path: ONE,
		audit: "webhook.update",
		unsetFields: ["spec.secret", "revision"],
		access: keyWith("write"),
		summary: "Update a webhook",
		description:
			"Changes the fields in the body and no others. Null sets an optional field to its default. `headers` and " +
			"`metadata` are replaced as a whole. `spec.secret` is ignored.",
		body: jsonBody(updateWebhookSchema, { spec: { retries: { maxRetries: 5 } } }),
		answers: changed,
		errors: { 409: "The webhook no longer has the given `revision`." },
		async handle({ deps, change, params, body }) {
			const { webhookId } = params;
			return json(presentWebhook(await deps.engine.webhooks.update(change, webhookId, webhookPatch(body))));
		},
	}),
	route({
		id: "updateWebhookSecret",
		tag: "Webhooks",
		method: "put",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}/secret",
		audit: "webhook.update_secret",
		access: keyWith("write"),
		summary: "Replace a webhook's secret",
		description:
			"From now on attempts are signed with the new secret. For `overlapMs` they are also signed with the older " +
			"secrets, newest first, up to five secrets in all.",
		body: jsonBody(updateSecretSchema, { contents: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
		answers: changed,
		async handle({ deps, change, params, body }) {
			const secret = decodeSecret(body.contents);
			if (secret === null) throw new Error("a secret that its schema accepted cannot be decoded");
			const { webhookId } = params;
			const overlapMs = body.overlapMs ?? DEFAULT_SECRET_OVERLAP_MS;
			return json(presentWebhook(await deps.engine.webhooks.updateSecret(change, webhookId, secret, overlapMs)));
		},
	}),
	route({
		id: "deleteWebhook",
		tag: "Webhooks",
		method: "delete",
		path: ONE,
		audit: "webhook.delete",
		access: keyWith("write"),
		summary: "Delete a webhook",
		description: "Deliveries that are Pending or Held are cancelled. Its deliveries and attempts stay in the log.",
		answers: { 200: { description: "The webhook is deleted.", schema: deletedSchema } },
		async handle({ deps, change, params }) {
			await deps.engine.webhooks.delete(change, params.webhookId);
			return json({ id: params.webhookId, deleted: true });
		},
	}),
];

/** Optional, since the Nexus SDK sends no body. */
const testBody = { ...jsonBody(testWebhookSchema, {}), optional: true };

const actionRoutes = [
	route({
		id: "testWebhook",
		tag: "Webhooks",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}:test",
		audit: "webhook.test",
		access: keyWith("write"),
		summary: "Test a webhook",
		description:
			"Sends a signed sample at once, outside the queue and the log: up to min(`maxRetries`, 3) + 1 attempts until " +
			"a 2xx, at most 1 s apart and 30 s in all. If the endpoint fails, the response is a 200 with the status " +
			"`Failed`. With `eventType`, the sample is the example of that event type.",
		body: testBody,
		answers: { 200: { description: "The result of the test.", schema: webhookTestSchema } },
		async handle({ deps, change, params, body: { eventType = null } }) {
			const test = await deps.engine.webhooks.test(change, params.webhookId, eventType);
			const { status, responseCode, latencyMs, attemptCount, body, reason } = test;
			return json({ status, responseCode, latencyMs, attemptCount, body, reason });
		},
	}),
	route({
		id: "pauseWebhook",
		tag: "Webhooks",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}:pause",
		audit: "webhook.pause",
		access: keyWith("write"),
		summary: "Pause a webhook",
		description: "New and waiting deliveries are Held until the webhook is resumed. Nothing is lost.",
		answers: changed,
		async handle({ deps, change, params }) {
			return json(presentWebhook(await deps.engine.webhooks.pause(change, params.webhookId)));
		},
	}),
	route({
		id: "resumeWebhook",
		tag: "Webhooks",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}:resume",
		audit: "webhook.resume",
		access: keyWith("write"),
		summary: "Resume a webhook",
		description: "Enables a paused or disabled webhook. Its Held deliveries are sent, oldest first.",
		answers: changed,
		async handle({ deps, change, params }) {
			return json(presentWebhook(await deps.engine.webhooks.resume(change, params.webhookId)));
		},
	}),
];

export const webhookRoutes = [...manageRoutes, ...actionRoutes];
