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
		summary: "Watch a project live",
		description:
			"Server-sent events, from now on or after the `Last-Event-ID` of an earlier stream. They contain ids, types, " +
			"statuses and durations, never payloads. `gap` means that items may be missing, and says why. `dropped` or " +
			"`end` is the last item of a stream, with the reason. When nothing happens, a comment is sent every 15 s. If " +
			"too many clients are connected, the call is refused with 503.",
		query: streamQuerySchema,
		answers: {
			200: {
				description: "The stream. It lasts until one side ends it.",
				schema: streamItemSchema,
				contentType: "text/event-stream",
			},
		},
		handle({ deps, scope, principal, query, connection }) {
			const { kinds = null, webhookId = null, eventTypes = null } = query;
			const subscription = deps.engine.live.subscribe({
				scope,
				principal,
				filter: { kinds, webhookId, eventTypes },
				lastEventId: connection.header("last-event-id") ?? null,
				abandon: connection.abandon,
			});
			return {
				status: 200,
				body: liveStream(subscription),
				contentType: "text/event-stream; charset=utf-8",
				// Otherwise proxies such as nginx buffer the response.
				headers: { "x-accel-buffering": "no" },
			};
		},
	}),
];
