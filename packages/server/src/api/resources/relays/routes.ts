// Relays: webhooks whose receiver is a connected program or a browser tab.
import { decodeSecret } from "../../../core/crypto/signing.ts";
import { DEFAULT_RELAY_TIMEOUT_MS, relayWebhookId } from "../../../core/receivers/relay.ts";
import type { ShownRelay } from "../../../engine/relay-calls.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { json, keyWith, route } from "../../request/route.ts";
import { checkNewValues, keepsEventType } from "../common/kept-values.ts";
import { deletedSchema } from "../common/schemas.ts";
import { answerOf, presentRelay, requestStream } from "./present.ts";
import {
	answeredSchema,
	answerSchema,
	newInRelaySchema,
	putRelaySchema,
	relaySchema,
	relaysSchema,
	relaySignalSchema,
	updateRelaySchema,
} from "./schemas.ts";

const COLLECTION = "/projects/{projectId}/relays";
const ONE = "/projects/{projectId}/relays/{relayId}";
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const shown = { 200: { description: "The relay as it is now.", schema: relaySchema } };
const off = { 403: "The key may not do this, or the server has no relays (`relays_off`)." };

/** Throws `invalid_request` for what only a relay that has it already may have. There is no such relay if `stored` returns null. */
function checkRelay(
	body: { readonly name?: string | undefined; readonly eventTypes?: readonly string[] | null | undefined },
	stored: () => Promise<ShownRelay | null>,
): Promise<void> {
	return checkNewValues(newInRelaySchema, body, stored, (path, relay) => {
		if (relay === null) return false;
		// By its device it was found.
		if (path === "device") return true;
		if (path === "name") return body.name === relay.webhook.name;
		return keepsEventType(path, "eventTypes.", body.eventTypes, relay.webhook.eventTypes);
	});
}

export const relayRoutes = [
	route({
		id: "putRelay",
		tag: "Relays",
		method: "post",
		path: COLLECTION,
		audit: "relay.put",
		access: keyWith("write"),
		summary: "Make a relay, or change that of a device",
		description:
			"A relay is a webhook whose receiver is a connected program: the same retries, limits, log and replays. It is not in the list " +
			"of webhooks. While no client is connected, its deliveries are Held; an hour later, it is deleted.",
		body: jsonBody(putRelaySchema, { device: "ada@laptop", secret, eventTypes: ["order.*"] }),
		answers: shown,
		errors: {
			...off,
			409: "The project, or the customer, has as many relays as it may have (`too_many_relays`), or no room for another webhook.",
		},
		async handle({ deps, change, body }) {
			const { customerId = null, device, eventTypes = null, mirrorOf = null, name = device, timeoutMs } = body;
			await checkRelay(body, async () => {
				const relays = await deps.engine.relays.list(change.scope);
				return relays.find((one) => one.device === device && one.customerId === customerId) ?? null;
			});
			const bytes = decodeSecret(body.secret);
			if (bytes === null) throw new Error("a secret that its schema accepted cannot be decoded");
			const settings = {
				device,
				name,
				eventTypes,
				customerId,
				mirrorOf,
				timeoutMs: timeoutMs ?? DEFAULT_RELAY_TIMEOUT_MS,
			};
			return json(presentRelay(await deps.engine.relays.put(change, settings, bytes)));
		},
	}),
	route({
		id: "listRelays",
		tag: "Relays",
		method: "get",
		path: COLLECTION,
		access: keyWith("read"),
		summary: "List relays",
		description: "All of them: a project has 25 at most, by default.",
		answers: { 200: { description: "The relays.", schema: relaysSchema } },
		async handle({ deps, scope }) {
			const relays = await deps.engine.relays.list(scope);
			return json({ object: "relays", data: relays.map(presentRelay) });
		},
	}),
	route({
		id: "getRelay",
		tag: "Relays",
		method: "get",
		path: ONE,
		access: keyWith("read"),
		summary: "Get a relay",
		description: "Returns one relay. Its secret is never returned.",
		answers: shown,
		handle: async ({ deps, scope, params }) => json(presentRelay(await deps.engine.relays.get(scope, params.relayId))),
	}),
	route({
		id: "updateRelay",
		tag: "Relays",
		method: "patch",
		path: ONE,
		audit: "relay.update",
		access: keyWith("write"),
		summary: "Change a relay",
		description: "Changes the fields in the body and no others. Null sets an optional field to its default.",
		body: jsonBody(updateRelaySchema, { eventTypes: ["user.*"] }),
		answers: shown,
		async handle({ deps, change, params, body }) {
			const { eventTypes, name, timeoutMs } = body;
			await checkRelay(body, () => deps.engine.relays.get(change.scope, params.relayId));
			const patch = {
				...(name !== undefined && { name }),
				...(eventTypes !== undefined && { eventTypes }),
				...(timeoutMs !== undefined && { timeoutMs: timeoutMs ?? DEFAULT_RELAY_TIMEOUT_MS }),
			};
			return json(presentRelay(await deps.engine.relays.update(change, params.relayId, patch)));
		},
	}),
	route({
		id: "deleteRelay",
		tag: "Relays",
		method: "delete",
		path: ONE,
		audit: "relay.delete",
		access: keyWith("write"),
		summary: "Delete a relay",
		description: "Its client is told. Deliveries that are Pending or Held are cancelled.",
		answers: { 200: { description: "The relay is deleted.", schema: deletedSchema } },
		async handle({ deps, change, params }) {
			await deps.engine.relays.delete(change, params.relayId);
			return json({ id: params.relayId, deleted: true });
		},
	}),
	route({
		id: "relayRequests",
		tag: "Relays",
		method: "get",
		path: "/projects/{projectId}/relays/{relayId}/requests",
		access: keyWith("write"),
		summary: "Receive the requests of a relay",
		description:
			"Server-sent events: `ready`, then a `request` for each attempt, and `end` with the reason. One client has a relay: a newer one " +
			"takes it over, and the older is told. Requests under way come again, under the same `requestId`, after a client has connected " +
			"anew. When nothing happens, a comment is sent every 10 s: after 25 s of silence, connect again.",
		answers: {
			200: {
				description: "The stream. It lasts until one side ends it.",
				schema: relaySignalSchema,
				contentType: "text/event-stream",
			},
		},
		errors: {
			...off,
			503: "`too_many_streams`: the project has its share of the streams of relays. Otherwise the server is shutting down.",
		},
		async handle({ deps, scope, principal, params, connection }) {
			const subscription = await deps.engine.relays.open(scope, params.relayId, {
				principal,
				abandon: connection.abandon,
				isGone: connection.isGone,
			});
			return requestStream(relayWebhookId(params.relayId), subscription);
		},
	}),
	route({
		id: "answerRelayRequest",
		tag: "Relays",
		method: "post",
		path: "/projects/{projectId}/relays/{relayId}/requests/{requestId}:answer",
		audit: null,
		access: keyWith("write"),
		summary: "Answer a request of a relay",
		description:
			"The receiver's response, or why there is none: it becomes the result of the attempt. A repeated answer changes nothing.",
		body: jsonBody(answerSchema, { status: 200, headers: [["content-type", "text/plain"]], bodyBase64: "b2s=" }),
		answers: { 200: { description: "The answer was taken, now or before.", schema: answeredSchema } },
		errors: { 409: "`request_not_open`: too late. The request comes again if an answer is still needed." },
		async handle({ deps, scope, params, body }) {
			const { relayId, requestId } = params;
			await deps.engine.relays.answer(scope, relayId, requestId, answerOf(body));
			return json({ object: "relayAnswer", requestId });
		},
	}),
];
