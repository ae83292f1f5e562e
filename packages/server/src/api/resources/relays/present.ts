// Relays as responses show them, and the stream of their requests.
import type { z } from "@hono/zod-openapi";

import { relayIdOf } from "../../../core/receivers/relay.ts";
import type { RelayAnswer, RelaySignal, RelaySubscription, ShownRelay } from "../../../engine/relay-calls.ts";
import type { Reply } from "../../request/route.ts";
import { eventStream } from "../../request/server-sent-events.ts";
import type { answerSchema, relaySchema } from "./schemas.ts";

/** How long a client should wait before it reconnects. */
const RETRY_MS = 1_000;

export function presentRelay(relay: ShownRelay): z.infer<typeof relaySchema> {
	const { connected, customerId, device, mirrorOf, projectId, seenDate, webhook, webhookId } = relay;
	return {
		object: "relay",
		id: relayIdOf(webhookId),
		webhookId,
		projectId,
		...(customerId !== null && { customerId }),
		device,
		name: webhook.name,
		eventTypes: webhook.eventTypes === null ? null : [...webhook.eventTypes],
		mirrorOf,
		timeoutMs: webhook.timeoutMs,
		secretHint: webhook.secretHint,
		status: webhook.status,
		away: webhook.pausedReason === "away",
		connected,
		seenDate,
		createDate: webhook.createDate,
		updateDate: webhook.updateDate,
	};
}

/** The response to the client of a relay. */
export function requestStream(webhookId: string, subscription: RelaySubscription): Reply {
	return eventStream(RETRY_MS, subscription, (signal) => signalText(webhookId, signal));
}

function signalText(webhookId: string, signal: RelaySignal): string {
	switch (signal.type) {
		case "heartbeat":
			return ": heartbeat\n\n";
		case "ready":
			return sent({ kind: "ready", relayId: relayIdOf(webhookId), webhookId });
		case "end":
			return sent({ kind: "end", code: signal.code, reason: signal.reason });
		case "request": {
			const { body, ...request } = signal.request;
			return sent({ kind: "request", ...request, method: "POST", bodyBase64: Buffer.from(body).toString("base64") });
		}
	}
}

function sent(data: { readonly kind: string; readonly [name: string]: unknown }): string {
	return `event: ${data.kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The answer in a body that its schema has accepted. */
export function answerOf(body: z.infer<typeof answerSchema>): RelayAnswer {
	const { bodyBase64 = "", error, headers = [], reason = null, status = 0 } = body;
	if (error !== undefined) return { error, reason };
	return {
		status,
		headers: headers.map(([name = "", value = ""]) => [name, value] as const),
		body: Buffer.from(bodyBase64, "base64"),
	};
}
