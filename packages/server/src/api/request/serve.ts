// The way of a request: id, key, scope, query, body, handler, answer, log line. In this order, for every route.
import type { Context } from "hono";

import type { ApiKey } from "../../core/crypto/key.ts";
import { FanfareError, invalidRequest } from "../../core/errors.ts";
import type { ApiDeps } from "../deps.ts";
import { audited } from "./audited-call.ts";
import { authenticate, authorize } from "./auth.ts";
import { BodyReader, type BodyBudget, type NodeBody } from "./body/body-reader.ts";
import { parseJsonBody, type JsonBody } from "./body/json-body.ts";
import { problemReply } from "./problem.ts";
import { readQuery } from "./query.ts";
import { makeRequestId } from "./request-id.ts";
import { shownPath, writeRequestLine } from "./request-log.ts";
import { pathAction, type BodyRule, type Connection, type Reply, type Route } from "./route.ts";

/** What Hono's context holds: `incoming` and `outgoing` are there when it runs on `@hono/node-server`. */
export interface ApiEnv {
	Bindings: { incoming?: NodeBody; outgoing?: { destroy(): unknown } };
}
export type ApiContext = Context<ApiEnv>;

/** A body's limit on calls that take none: room for `{}` and white space. */
const NO_BODY_MAX_BYTES = 1_024;
const EMPTY_OBJECT = Buffer.from("{}");

/** A request under way, as far as it has come. */
export interface Progress {
	readonly requestId: string;
	readonly startedAt: number;
	key: ApiKey | null;
	bodyBytes: number;
}

/** Serves one request by its route; null for the route answers with what `refuse` says. Never rejects. */
export async function serve(
	context: ApiContext,
	deps: ApiDeps,
	route: Route | null,
	answer: (progress: Progress) => Promise<Reply> | Reply,
): Promise<Response> {
	const progress: Progress = { requestId: makeRequestId(), startedAt: performance.now(), key: null, bodyBytes: 0 };
	let reply: Reply;
	let failure: { readonly code: string; readonly cause: unknown } | null = null;
	try {
		reply = await answer(progress);
	} catch (error) {
		const problem = problemReply(error, progress.requestId);
		failure = { code: problem.code, cause: problem.status >= 500 ? error : null };
		reply = problem;
	}
	writeRequestLine(deps.requestLog, context, route, progress, reply.status, failure);
	// Hono leaves out the body of an answer to HEAD; a stream would go on unread.
	if (typeof reply.body !== "string" && context.req.method === "HEAD") {
		await reply.body.cancel();
		reply = { ...reply, body: "" };
	}
	return new Response(reply.body, { status: reply.status, headers: headersOf(reply, progress.requestId) });
}

/** Checks a request against its route and lets the handler answer it. */
export async function answerRoute(
	context: ApiContext,
	deps: ApiDeps,
	budget: BodyBudget,
	route: Route,
	progress: Progress,
): Promise<Reply> {
	const params = paramsOf(context, route);
	if (route.access !== null) {
		progress.key = authenticate(deps.engine.keys, (name) => context.req.header(name));
		authorize(deps.engine, progress.key, route.access, params["projectId"]);
	}
	const query = readQuery(context.req.url, route.query);
	const { requestId, key } = progress;
	const connection = connectionOf(context);
	if (route.method === "get") return route.handle({ deps, requestId, key, connection, params, query, body: undefined });
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
		const handle = () => route.handle({ deps, requestId, key, connection, params, query, body });
		const { audit: action = null } = route;
		if (action === null) return await handle();
		const call = { route, action, requestId, key, params, sent: sent?.value ?? null };
		return await audited(deps.engine.audit, call, handle);
	} finally {
		reader.release();
	}
}

function connectionOf(context: ApiContext): Connection {
	return { header: (name) => context.req.header(name), abandon: () => void context.env?.outgoing?.destroy() };
}

function parseBody(rule: BodyRule<unknown>, bytes: Uint8Array): JsonBody {
	return parseJsonBody(rule.optional === true && isBlank(bytes) ? EMPTY_OBJECT : bytes, rule.schema);
}

/** A 404 for a path that no route has. */
export function routeNotFound(context: ApiContext): FanfareError {
	return new FanfareError(
		"route_not_found",
		`There is no ${context.req.method} ${shownPath(context.req.path)}. See /docs for all calls.`,
	);
}

/** Values of the path's parameters, without the action that the router leaves on the last one. */
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

/** The Nexus SDK posts without a body; others post `{}`. Anything in it would be ignored, so it is refused. */
function expectNoBody(bytes: Uint8Array): undefined {
	if (isBlank(bytes)) return undefined;
	const { members } = parseJsonBody(bytes);
	if (members.length === 0) return undefined;
	throw invalidRequest(members.map(({ name }) => ({ path: name, message: "this call takes no body" })));
}

/** Nothing, or white space such as the line end that a shell adds. */
function isBlank(bytes: Uint8Array): boolean {
	return bytes.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

/** Plain headers, all at once: `@hono/node-server` passes those straight on. */
export function headersOf(reply: Reply, requestId: string): Record<string, string> {
	return {
		"content-type": reply.contentType,
		"cache-control": "no-store",
		"x-content-type-options": "nosniff",
		"x-request-id": requestId,
		...reply.headers,
	};
}
