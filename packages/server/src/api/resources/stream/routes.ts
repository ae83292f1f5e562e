// The live stream.
import { z } from "@hono/zod-openapi";

import {
	narrowed,
	projectOf,
	projectScope,
	sessionIdOf,
	type Principal,
	type Scope,
} from "../../../core/access/principal.ts";
import type { LiveRequest } from "../../../engine/live-calls.ts";
import type { AppDeps } from "../../deps.ts";
import { authenticate } from "../../request/auth.ts";
import { validate } from "../../request/body/validate.ts";
import { json, keyOrCustomerWith, route, type Connection } from "../../request/route.ts";
import { liveStream, presentGap, presentItem } from "./live-stream.ts";
import {
	DEFAULT_ITEMS,
	lastEventIdText,
	pollQuerySchema,
	streamItemSchema,
	streamItemsSchema,
	streamQuerySchema,
} from "./schemas.ts";

export const streamRoutes = [
	route({
		id: "stream",
		tag: "Live stream",
		method: "get",
		path: "/projects/{projectId}/stream",
		access: keyOrCustomerWith("read", "read"),
		summary: "Watch a project live",
		description:
			"Server-sent events, from now on or after the `Last-Event-ID` of an earlier stream. They contain ids, types, " +
			"statuses and durations, never payloads. `gap` means that items may be missing, and says why. `dropped` or " +
			"`end` is the last item of a stream, with the reason. When nothing happens, a comment is sent every 15 s. A project " +
			"may have half of the streams that the others leave free (`FANFARE_MAX_STREAMS`); a further one is refused with 503, the code " +
			"`too_many_streams` and `Retry-After`: poll `…/stream/items` until then.",
		query: streamQuerySchema,
		answers: {
			200: {
				description: "The stream. It lasts until one side ends it.",
				schema: streamItemSchema,
				contentType: "text/event-stream",
			},
		},
		errors: {
			503: "`too_many_streams`: the project has its share of the streams, or the customer as many as it may have. Otherwise the server is overloaded or shutting down. See `Retry-After`.",
		},
		async handle({ deps, scope, query, connection }) {
			const lastEventId = lastEventIdOf(connection);
			await deps.engine.live.prepare(scope);
			const principal = callerStill(deps, scope, connection);
			const subscription = deps.engine.live.subscribe({
				kind: sessionIdOf(principal) === null ? "api" : "page",
				...watched(scope, query),
				principal,
				lastEventId,
				abandon: connection.abandon,
			});
			return liveStream(subscription);
		},
	}),
	route({
		id: "listStreamItems",
		tag: "Live stream",
		method: "get",
		path: "/projects/{projectId}/stream/items",
		access: keyOrCustomerWith("read", "read"),
		summary: "Poll for what the live stream contains",
		description:
			"For clients that can't have a stream. Returns the items since `lastEventId`, oldest first, with a `gap` in front if some may " +
			"be missing. Pass the response's `lastEventId` to the next call: at once if `hasMore` is true, else after some seconds. Items are kept " +
			"while a client streams or has polled within the last minute; the first call, without `lastEventId`, has none.",
		query: pollQuerySchema,
		answers: { 200: { description: "The items.", schema: streamItemsSchema } },
		async handle({ deps, scope, query, connection }) {
			await deps.engine.live.prepare(scope);
			callerStill(deps, scope, connection);
			const { lastEventId = "", limit = DEFAULT_ITEMS } = query;
			const after = lastEventId === "" ? null : lastEventId;
			const polled = deps.engine.live.poll({ ...watched(scope, query), lastEventId: after, limit });
			const items = polled.items.map(presentItem);
			return json({
				object: "streamItems",
				data: polled.gap === null ? items : [presentGap(polled.gap), ...items],
				lastEventId: polled.lastEventId,
				hasMore: polled.hasMore,
			});
		},
	}),
];

/** The last item that the client has; null to begin now. An `EventSource` sends no header before its first item, others an empty one. */
function lastEventIdOf({ header }: Connection): string | null {
	const id = header("last-event-id") ?? "";
	return id === ""
		? null
		: validate(z.object({ "Last-Event-ID": lastEventIdText }), { "Last-Event-ID": id })["Last-Event-ID"];
}

/** Who makes a call that has waited: meanwhile, the caller's access or the project may have ended. Throws as it does for a new call. */
function callerStill(deps: AppDeps, scope: Scope, { header }: Connection): Principal {
	const principal = authenticate(deps, header);
	deps.engine.projects.get(projectScope(projectOf(scope)));
	return principal;
}

/**
 * The scope and the filter that a query asks for. A key filters the items of its project. A customer's token has the items of its
 * customer anyway, and can't name another.
 */
function watched(scope: Scope, query: z.infer<typeof streamQuerySchema>): Pick<LiveRequest, "scope" | "filter"> {
	const { kinds = null, customerId = null, webhookId = null, eventTypes = null } = query;
	const isKey = scope.kind === "project";
	return {
		scope: isKey ? scope : narrowed(scope, customerId),
		filter: { kinds, customerId: isKey ? customerId : null, webhookId, eventTypes },
	};
}
