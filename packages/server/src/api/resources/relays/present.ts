// Relays as responses show them, and the stream of their requests.
import type { z } from "@hono/zod-openapi";

import { relayIdOf } from "../../../core/receivers/relay.ts";
import type { RelayAnswer, RelaySignal, RelaySubscription, ShownRelay } from "../../../engine/relay-calls.ts";
import type { answerSchema, relaySchema } from "./schemas.ts";

/** How long a client should wait before it reconnects. */
const RETRY_MS = 1_000;
const encoder = new TextEncoder();

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

/** Reads from the subscription only when the client has read everything before. */
export function requestStream(webhookId: string, subscription: RelaySubscription): ReadableStream<Uint8Array> {
	let head = `retry: ${RETRY_MS}\n`;
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				const signals = await subscription.next();
				if (signals === null) return controller.close();
				controller.enqueue(encoder.encode(head + signals.map((signal) => signalText(webhookId, signal)).join("")));
				head = "";
			},
			cancel: () => subscription.close(),
		},
		{ highWaterMark: 0 },
	);
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
