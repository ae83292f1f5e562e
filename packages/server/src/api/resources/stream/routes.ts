// The live stream.
import { keyWith, route } from "../../request/route.ts";
import { liveStream } from "./live-stream.ts";
import { streamItemSchema, streamQuerySchema } from "./schemas.ts";

export const streamRoutes = [
	route({
		id: "stream",
		tag: "Live stream",
		method: "get",
		path: "/projects/{projectId}/stream",
		access: keyWith("read"),
		summary: "Watch what happens",
		description:
			"Server-sent events from now on, or from the `Last-Event-ID` of an earlier stream: ids, types, statuses and durations, " +
			"never payloads. `gap` says that something may be missing, and why; `dropped` and `end` are the last of a stream, " +
			"with the reason. Nothing for 15 s is a comment. Too many clients: 503.",
		query: streamQuerySchema,
		answers: {
			200: {
				description: "The stream, until either side ends it.",
				schema: streamItemSchema,
				contentType: "text/event-stream",
			},
		},
		handle({ deps, params, query, key, connection }) {
			const { kinds = null, webhookId = null, eventTypes = null } = query;
			const subscription = deps.engine.live.subscribe({
				projectId: params.projectId,
				keyId: key?.id ?? null,
				filter: { kinds, webhookId, eventTypes },
				lastEventId: connection.header("last-event-id") ?? null,
				abandon: connection.abandon,
			});
			return {
				status: 200,
				body: liveStream(subscription),
				contentType: "text/event-stream; charset=utf-8",
				// Proxies such as nginx gather answers otherwise.
				headers: { "x-accel-buffering": "no" },
			};
		},
	}),
];
