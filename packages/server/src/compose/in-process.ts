// What a program that runs Fanfare in its own process calls without a connection: the API as a function, and sends.
import type { IncomingMessage, ServerResponse } from "node:http";

import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";

import { WORKER_ONLY } from "../api/app.ts";
import type { ApiEnv } from "../api/request/serve.ts";
import type { UnreadableRequests } from "../api/request/unreadable.ts";
import { readNewEvent, type NewEvent } from "../api/resources/events/in-process.ts";
import { projectScope } from "../core/access/principal.ts";
import { FanfareError } from "../core/errors.ts";
import type { Engine, SentEvent } from "../engine/calls.ts";
import type { Role } from "../ports/membership.ts";

/** Where a request that is handed over came from. */
export interface RequestPeer {
	/**
	 * The IP address of the client, or of the proxy in front of the program: for the log, for the limit of failed sign-ins, and to decide
	 * whether `X-Forwarded-…` is believed.
	 */
	readonly remoteAddress?: string | undefined;
}

export interface InProcess {
	/**
	 * Responds to a request of the API, the page or the portal, for programs on a framework with web requests, such as Hono. The path
	 * must begin where Fanfare's does: `/projects/…`, not `/fanfare/projects/…`. Never rejects.
	 *
	 * What Fanfare's own HTTP server limits is then up to the program: connections, the time that a client has for headers and body, and
	 * responses that nobody reads.
	 *
	 * @example
	 * app.mount("/fanfare", (request) => server.handler(request));
	 */
	readonly handler: (request: Request, peer?: RequestPeer) => Promise<Response>;
	/**
	 * The same for `node:http` and frameworks on it, such as Express. Nothing may have read the body before.
	 *
	 * @example
	 * expressApp.use("/fanfare", server.listener);
	 */
	readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
	/**
	 * Accepts an event, as `POST /projects/{projectId}/events` does, without a connection and a key. Resolves when the event and its
	 * deliveries are synced to disk. Rejects with a `FanfareError`, whose `code` is the API's, also if the role of the process is `worker`.
	 *
	 * @example
	 * const { event, duplicate } = await server.send({ type: "order.paid", data: { orderId: 4711 }, idempotencyKey: "order-4711-paid" });
	 */
	readonly send: (event: NewEvent) => Promise<SentEvent>;
}

/** Creates these calls for a server whose engine has started. */
export function createInProcess(
	app: Hono<ApiEnv>,
	unreadable: UnreadableRequests,
	engine: Engine,
	role: Role,
): InProcess {
	const errorHandler = (error: unknown) => unreadable.response(error);
	const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler });
	return {
		handler: async (request, peer = {}) => app.fetch(request, { peer }),
		listener: (request, response) => void listener(request, response),
		async send({ projectId, ...event }) {
			if (role === "worker") throw new FanfareError("worker_process", WORKER_ONLY);
			const id = projectId ?? onlyProject(engine);
			return engine.intake.send(projectScope(id), readNewEvent(event));
		},
	};
}

/** The project of a workspace that has one. */
function onlyProject({ projects }: Engine): string {
	const [first, ...others] = projects.list();
	if (first !== undefined && others.length === 0) return first.id;
	const message = `must be given, since the workspace has ${others.length === 0 ? "no project" : `${others.length + 1} projects`}`;
	throw new FanfareError("invalid_request", `projectId ${message}.`, { issues: [{ path: "projectId", message }] });
}
