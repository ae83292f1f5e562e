// The way of a request through the API, the same for every route. Read this file first. The steps, in order:
//
//  1. The router in app.ts finds the route. Without a match, `routeNotFound` or a 405 takes the place of steps 3 to 8.
//  2. The request gets an id (request-id.ts).
//  3. The parameters are read from the path.
//  4. The key is looked up and checked against the route's `access` (auth.ts). Open routes skip this.
//  5. The query is checked against the route's schema (query.ts).
//  6. The body is read within its limits (body/body-reader.ts), parsed (body/json-body.ts), and checked by the rule of
//     the route (body/body-rule.ts). GET calls skip this and the next step.
//  7. If the route is audited, the audit entry is drafted (audit-draft.ts).
//  8. The route's handler makes the call and returns a `Reply`. The engine completes the entry, and the store writes it
//     together with the change.
//  9. An error from any step becomes an error response (problem.ts).
// 10. A line is logged (request-log.ts), and the response is sent.
import type { Context } from "hono";

import type { Principal, Scope } from "../../core/access/principal.ts";
import { FanfareError, invalidRequest } from "../../core/errors.ts";
import type { ApiDeps } from "../deps.ts";
import { auditDraft } from "./audit-draft.ts";
import { authenticate, authorize } from "./auth.ts";
import { BodyReader, type BodyBudget, type NodeBody } from "./body/body-reader.ts";
import { parseJsonBody, type JsonBody } from "./body/json-body.ts";
import { problemReply } from "./problem.ts";
import { readQuery } from "./query.ts";
import { shownPath, writeRequestLine } from "./request-log.ts";
import { pathAction, type BodyRule, type Connection, type Reply, type Route } from "./route.ts";

/** Node's request and response, which Hono's context has when the app runs on `@hono/node-server`. */
export interface ApiEnv {
	Bindings: { incoming?: NodeBody & NodeOrigin; outgoing?: { destroy(): unknown } };
}
/** The part of Node's `IncomingMessage` that tells where the request came from. */
interface NodeOrigin {
	readonly socket: { readonly remoteAddress?: string | undefined };
	readonly headers: { readonly "x-forwarded-for"?: string | undefined };
}
export type ApiContext = Context<ApiEnv>;

/** The largest body on calls that take none, in bytes: enough for `{}` and white space. */
const NO_BODY_MAX_BYTES = 1_024;
const EMPTY_OBJECT = Buffer.from("{}");

/** What is known of a request so far, for its log line. */
export interface Progress {
	readonly requestId: string;
	/** In monotonic time. */
	readonly startedAt: number;
	/** Read at the start, since a connection that is closed has no address. */
	readonly clientAddress: string | null;
	principal: Principal | null;
	bodyBytes: number;
}

/**
 * Serves one request: gets the reply from `answer`, turns errors into replies, logs a line and builds the response.
 * `route` is null if no route matches. Never rejects.
 */
export async function serve(
	context: ApiContext,
	deps: ApiDeps,
	route: Route | null,
	answer: (progress: Progress) => Promise<Reply> | Reply,
): Promise<Response> {
	const incoming = context.env?.incoming;
	const progress: Progress = {
		requestId: deps.makeRequestId(),
		startedAt: deps.clock.monotonicMs(),
		clientAddress: deps.clientAddress(incoming?.socket.remoteAddress, incoming?.headers["x-forwarded-for"]),
		principal: null,
		bodyBytes: 0,
	};
	let reply: Reply;
	let failure: { readonly code: string; readonly cause: unknown } | null = null;
	try {
		reply = await answer(progress);
	} catch (error) {
		const problem = problemReply(error, progress.requestId);
		failure = { code: problem.code, cause: problem.status >= 500 ? error : null };
		reply = problem;
	}
	writeRequestLine(deps, context, route, progress, reply.status, failure);
	// Hono omits the body of a response to HEAD. A stream would stay open without a reader.
	if (typeof reply.body !== "string" && context.req.method === "HEAD") {
		await reply.body.cancel();
		reply = { ...reply, body: "" };
	}
	return new Response(reply.body, { status: reply.status, headers: headersOf(reply, progress.requestId) });
}

/** Checks a request against its route and calls the handler: steps 3 to 8. */
export async function answerRoute(
	context: ApiContext,
	deps: ApiDeps,
	budget: BodyBudget,
	route: Route,
	progress: Progress,
): Promise<Reply> {
	const params = paramsOf(context, route);
	let scope: Scope | null = null;
	if (route.access !== null) {
		progress.principal = authenticate(deps.engine.keys, (name) => context.req.header(name));
		scope = authorize(deps.engine, progress.principal, route.access, params["projectId"]);
	}
	const query = readQuery(context.req.url, route.query);
	const { requestId, principal } = progress;
	const connection = connectionOf(context);
	/** The types of the route's declaration say that a path with a project has a scope. */
	const call = { deps, requestId, principal, scope: scope as never, connection, params, query };
	if (route.method === "get")
		return route.handle({ ...call, change: { scope: call.scope, audit: null }, body: undefined });
	const reader = new BodyReader(budget, route.body?.maxBytes ?? NO_BODY_MAX_BYTES);
	try {
		const bytes = await reader.read({
			node: context.env?.incoming,
			web: () => context.req.raw.body,
			header: (name) => context.req.header(name),
		});
		progress.bodyBytes = bytes.length;
		const sent = route.body === undefined ? null : parseBody(route.body, bytes);
		const body = sent === null ? expectNoBody(bytes) : route.body?.read(sent);
		const audit = auditDraft(route, progress, sent?.value ?? null);
		return await route.handle({ ...call, change: { scope: call.scope, audit }, body });
	} finally {
		reader.release();
	}
}

/** The parts of the connection that handlers may use. */
function connectionOf(context: ApiContext): Connection {
	return { header: (name) => context.req.header(name), abandon: () => void context.env?.outgoing?.destroy() };
}

/** Parses a body. If the route's body is optional, an empty one is read as `{}`. */
function parseBody(rule: BodyRule<unknown>, bytes: Uint8Array): JsonBody {
	return parseJsonBody(rule.optional === true && isBlank(bytes) ? EMPTY_OBJECT : bytes, rule.schema);
}

/** The 404 for a path that no route has. */
export function routeNotFound(context: ApiContext): FanfareError {
	return new FanfareError(
		"route_not_found",
		`There is no call ${context.req.method} ${shownPath(context.req.path)}. See /docs for all calls.`,
	);
}

/** The values of the path's parameters. The action that the router leaves on the last one (`:test`) is removed. */
function paramsOf(context: ApiContext, route: Route): Record<string, string> {
	const params = context.req.param() as Record<string, string>;
	const action = pathAction(route.path);
	if (action === "") return params;
	return Object.fromEntries(
		Object.entries(params).map(([name, value]) => [
			name,
			value.endsWith(action) ? value.slice(0, -action.length) : value,
		]),
	);
}

/** Accepts no body, as the Nexus SDK sends it, or `{}`. Fields would be ignored, so they are refused. */
function expectNoBody(bytes: Uint8Array): undefined {
	if (isBlank(bytes)) return undefined;
	const { members } = parseJsonBody(bytes);
	if (members.length === 0) return undefined;
	throw invalidRequest(members.map(({ name }) => ({ path: name, message: "this call takes no body" })));
}

/** True for no bytes, and for white space such as the line end that a shell adds. */
function isBlank(bytes: Uint8Array): boolean {
	return bytes.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

/** The headers of a response, as a plain object, since `@hono/node-server` writes that without converting it. */
export function headersOf(reply: Reply, requestId: string): Record<string, string> {
	return {
		"content-type": reply.contentType,
		"cache-control": "no-store",
		"x-content-type-options": "nosniff",
		"x-request-id": requestId,
		...reply.headers,
	};
}
