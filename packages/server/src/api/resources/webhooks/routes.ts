// Webhooks: the calls that Nexus has, and pause and resume.
import { decodeSecret } from "../../../core/crypto/signing.ts";
import type { Webhook } from "../../../core/webhook.ts";
import type { Change, Webhooks } from "../../../engine/calls.ts";
import type { ApiDeps } from "../../deps.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { json, keyOrCustomerWith, route, type Reply } from "../../request/route.ts";
import { listReply, pageRequest } from "../common/list-reply.ts";
import { deletedSchema, scannedListOf } from "../common/schemas.ts";
import { newWebhook, webhookFilter, webhookPatch } from "./input.ts";
import { checkWebhookUpdate } from "./kept-settings.ts";
import { webhooksQuerySchema } from "./list-query.ts";
import { presentChanged, presentWebhook, presentWebhooks } from "./present.ts";
import { createWebhookSchema, updateSecretSchema, updateWebhookSchema, webhookSchema } from "./schemas.ts";

const COLLECTION = "/projects/{projectId}/batch/webhooks";
const ONE = "/projects/{projectId}/batch/webhooks/{webhookId}";
/** A header has ASCII characters only. */
const SECRET_IGNORED = { "fanfare-warning": "spec.secret is ignored; use PUT .../secret" };
const changed = { 200: { description: "The webhook as it is now.", schema: webhookSchema } };
const spec = { endpoint: "https://example.com/webhooks" };

const manageRoutes = [
	route({
		id: "createWebhook",
		tag: "Webhooks",
		method: "post",
		path: COLLECTION,
		audit: "webhook.create",
		access: keyOrCustomerWith("write", "webhooks.write"),
		summary: "Create a webhook",
		description:
			"Registers an endpoint. From now on it gets every event whose type matches its `eventTypes`. Pass a secret: no call returns it.",
		body: jsonBody(createWebhookSchema, { name: "aws-lambda", spec }),
		answers: { 200: { description: "The new webhook.", schema: webhookSchema } },
		errors: {
			409: "The project, or the customer, has as many webhooks as it may have (`too_many_webhooks`), the project has no room for the texts of this one (`webhooks_too_large`), or another webhook has its `key` (`webhook_key_exists`); `issues` names that one. Or the customer is being deleted (`customer_being_deleted`).",
		},
		async handle({ deps, change, body }) {
			const contents = body.spec.secret?.contents;
			const secret = contents === undefined ? null : decodeSecret(contents);
			const webhook = await deps.engine.webhooks.create(change, newWebhook(body), secret);
			return json(presentWebhook(webhook));
		},
	}),
	route({
		id: "listWebhooks",
		tag: "Webhooks",
		method: "get",
		path: COLLECTION,
		access: keyOrCustomerWith("read", "read"),
		summary: "List webhooks",
		description:
			"Newest first. All filters can be combined: a webhook is listed if it matches all of them. A page looks at about 10,000 webhooks: if " +
			"few of them match, it can have fewer rows than `limit`, even none: `scannedTo` says how far it has looked, and `nextPage` goes on.",
		query: webhooksQuerySchema,
		answers: { 200: { description: "A page of webhooks.", schema: scannedListOf(webhookSchema) } },
		async handle({ deps, scope, query }) {
			const request = pageRequest(query, "webhook");
			const page = await deps.engine.webhooks.list(scope, webhookFilter(query), request);
			const rows = await presentWebhooks(deps.engine, scope, page.rows);
			return listReply({ ...page, rows }, request, (webhook) => webhook);
		},
	}),
	route({
		id: "getWebhook",
		tag: "Webhooks",
		method: "get",
		path: ONE,
		access: keyOrCustomerWith("read", "read"),
		summary: "Get a webhook",
		description: "Returns one webhook. Its secret and the values of its headers are never returned.",
		answers: { 200: { description: "The webhook.", schema: webhookSchema } },
		async handle({ deps, scope, params }) {
			const webhook = await deps.engine.webhooks.get(scope, params.webhookId);
			const [shown] = await presentWebhooks(deps.engine, scope, [webhook]);
			return json(shown);
		},
	}),
	route({
		id: "updateWebhook",
		tag: "Webhooks",
		method: "patch",
		path: ONE,
		audit: "webhook.update",
		unsetFields: ["spec.secret", "revision"],
		access: keyOrCustomerWith("write", "webhooks.write"),
		summary: "Update a webhook",
		description:
			"Changes the fields in the body and no others. Null sets an optional field to its default. `headers` and " +
			"`metadata` are replaced as a whole. `spec.secret` is ignored, since the Nexus SDK adds one to some updates: then the " +
			"response has the header `fanfare-warning`, which says so.",
		body: jsonBody(updateWebhookSchema, { spec: { retries: { maxRetries: 5 } } }),
		answers: {
			200: {
				description: "The webhook as it is now.",
				schema: webhookSchema,
				headers: { "fanfare-warning": "Says that `spec.secret` is ignored. Present only if the body has it." },
			},
		},
		errors: {
			409: "The webhook no longer has the given `revision` (`revision_conflict`), it would grow and its project has no room for that (`webhooks_too_large`), or another webhook has the `key` (`webhook_key_exists`); `issues` names that one.",
		},
		async handle({ deps, change, params, body }) {
			const { webhookId } = params;
			await checkWebhookUpdate(body, () => deps.engine.webhooks.get(change.scope, webhookId));
			const patch = webhookPatch(body);
			const reply = await changedReply(deps, change, webhookId, (webhooks) =>
				webhooks.update(change, webhookId, patch),
			);
			return body.spec?.secret === undefined ? reply : { ...reply, headers: SECRET_IGNORED };
		},
	}),
	route({
		id: "updateWebhookSecret",
		tag: "Webhooks",
		method: "put",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}/secret",
		audit: "webhook.update_secret",
		access: keyOrCustomerWith("write", "secrets.rotate"),
		summary: "Replace a webhook's secret",
		description:
			"From now on attempts are signed with the new secret. For `overlapMs` they are also signed with the older " +
			"secrets, newest first, up to five secrets in all. The secret that the webhook has already is no new one: then the " +
			"call changes nothing, except that a shorter `overlapMs` ends the signatures of older secrets earlier.",
		body: jsonBody(updateSecretSchema, { contents: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
		answers: changed,
		async handle({ deps, change, params, body }) {
			const secret = decodeSecret(body.contents);
			if (secret === null) throw new Error("a secret that its schema accepted cannot be decoded");
			const { webhookId } = params;
			const { overlapMs = null } = body;
			return changedReply(deps, change, webhookId, (webhooks) =>
				webhooks.updateSecret(change, webhookId, secret, overlapMs),
			);
		},
	}),
	route({
		id: "deleteWebhook",
		tag: "Webhooks",
		method: "delete",
		path: ONE,
		audit: "webhook.delete",
		access: keyOrCustomerWith("write", "webhooks.write"),
		summary: "Delete a webhook",
		description: "Deliveries that are Pending or Held are cancelled. Its deliveries and attempts stay in the log.",
		answers: { 200: { description: "The webhook is deleted.", schema: deletedSchema } },
		async handle({ deps, change, params }) {
			await deps.engine.webhooks.delete(change, params.webhookId);
			return json({ id: params.webhookId, deleted: true });
		},
	}),
];

const actionRoutes = [
	route({
		id: "pauseWebhook",
		tag: "Webhooks",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}:pause",
		audit: "webhook.pause",
		access: keyOrCustomerWith("write", "webhooks.write"),
		summary: "Pause a webhook",
		description: "New and waiting deliveries are Held until the webhook is resumed. Nothing is lost.",
		answers: changed,
		handle: ({ deps, change, params: { webhookId } }) =>
			changedReply(deps, change, webhookId, (webhooks) => webhooks.pause(change, webhookId)),
	}),
	route({
		id: "resumeWebhook",
		tag: "Webhooks",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}:resume",
		audit: "webhook.resume",
		access: keyOrCustomerWith("write", "webhooks.write"),
		summary: "Resume a webhook",
		description: "Enables a paused or disabled webhook. Its Held deliveries are sent, oldest first.",
		answers: changed,
		handle: ({ deps, change, params: { webhookId } }) =>
			changedReply(deps, change, webhookId, (webhooks) => webhooks.resume(change, webhookId)),
	}),
];

/** Makes a change of a webhook. The response is the webhook as it is then. */
async function changedReply(
	{ engine }: Pick<ApiDeps, "engine">,
	{ scope }: Change,
	webhookId: string,
	change: (calls: Webhooks) => Promise<Webhook>,
): Promise<Reply> {
	return json(await presentChanged(engine, scope, webhookId, () => change(engine.webhooks)));
}

export const webhookRoutes = [...manageRoutes, ...actionRoutes];
