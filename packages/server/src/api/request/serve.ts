// The way of a request through the API, the same for every route. Read this file first. The steps, in order:
//
//  1. The router in app.ts finds the route, or lean/lean-path.ts for plain sends and requests of relays' clients. Without a match,
//     `routeNotFound` or a 405 takes the place of steps 3 to 8.
//  2. The request gets an id (request-id.ts).
//  3. The parameters are read from the path.
//  4. A process whose knowledge may be outdated refuses the call. The key is looked up and checked against the route's
//     `access` (auth.ts), and the actor is read (audit-draft.ts). Open routes skip this.
//  5. The query is checked against the route's schema (query.ts), and an audited call is refused if the quota of changes is used up.
//  6. The body is read within its limits (body/body-reader.ts), parsed (body/json-body.ts; large ones by
//     body/large-body.ts, in turns with other requests), and checked by the rule of the route (body/body-rule.ts). GET calls
//     skip this and the next step.
//  7. If the route is audited, the audit entry is drafted (audit-draft.ts).
//  8. The route's handler makes the call and returns a `Reply`. The engine completes the entry, and the store writes it
//     together with the change.
//     A response counts until it is read: where too many are not, reads are refused before and after step 8 (pace/unread-responses.ts).
//  9. An error from any step becomes an error response (problem.ts).
// 10. A response that has cost nothing but time of the main thread waits if its owner gets too many of them (pace/answer-pace.ts).
// 11. A line is logged (request-log.ts), and the response is sent, with the headers for pages of other origins (cross-origin.ts).
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";

import { keyIdOf, type Principal, type Scope } from "../../core/access/principal.ts";
import { FanfareError, invalidRequest, type ErrorCode } from "../../core/errors.ts";
import type { AppDeps, RequestDeps } from "../deps.ts";
import { actorOf, auditDraft, makerOf } from "./audit-draft.ts";
import { authorize, recognize } from "./auth.ts";
import { BodyReader, type NodeBody, type SharedByReaders } from "./body/body-reader.ts";
import { parseJsonBody, type JsonBody, type TakeTurn } from "./body/json-body.ts";
import { readLargeBody, SMALL_BODY_BYTES } from "./body/large-body.ts";
import type { Turns } from "./body/turns.ts";
import { crossOriginHeaders } from "./cross-origin.ts";
import { QUICK_BODY_BYTES } from "./lean/plain-request.ts";
import { askedBy } from "./pace/answer-pace.ts";
import type { ClientSocket, UnreadResponses } from "./pace/unread-responses.ts";
import { failureBehind, problemReply } from "./problem.ts";
import { readQuery } from "./query.ts";
import { isProbe, shownPath, writeRequestLine, type Failure } from "./request-log.ts";
import { pathAction, type BodyRule, type Connection, type Reply, type Route } from "./route.ts";
import { ServerSentEvents, type NodeStreamResponse } from "./server-sent-events.ts";

/**
 * Node's request and response, which Hono's context has when the app runs on `@hono/node-server`, or where a request came from that
 * another program hands over.
 */
export interface ApiEnv {
	Bindings: {
		incoming?: NodeBody & NodeOrigin;
		outgoing?: NodeStreamResponse;
		/** The other end of the connection, if the request was handed over without it. */
		peer?: NodeOrigin["socket"];
		/** The whole body, of a request that another thread has read. */
		body?: Uint8Array;
	};
}
/** The part of Node's `IncomingMessage` that tells where the request came from. */
interface NodeOrigin {
	readonly httpVersionMajor?: number;
	readonly socket: ClientSocket & { readonly remoteAddress?: string | undefined; destroy?(): unknown };
}
export type ApiContext = Context<ApiEnv>;

/** What the steps need of a request: Hono's context or, on the lean path, what lean-path.ts makes of Node's request. */
export interface RequestContext {
	readonly env:
		| (Omit<ApiEnv["Bindings"], "outgoing"> & { outgoing?: Pick<NodeStreamResponse, "destroy" | "destroyed" | "once"> })
		| undefined;
	readonly req: {
		readonly method: string;
		readonly path: string;
		readonly url: string;
		readonly raw: { readonly body: ReadableStream<Uint8Array> | null };
		header(name: string): string | undefined;
		/** The values of the path's parameters, by name. */
		param(): unknown;
	};
}

/** A response that is ready to be written. */
export interface Settled {
	readonly status: number;
	readonly headers: Record<string, string>;
	readonly body: Reply["body"];
}

// Read once: if another program has put node-server's own class in the place of `Response` before, its short form would be written, too.
void RESPONSE_ALREADY_SENT.body;

/** The largest body on calls that take none, in bytes: enough for `{}` and white space. */
const NO_BODY_MAX_BYTES = 1_024;
const NO_CONTENT = 204;
const OWN_FAILURES: ReadonlySet<string> = new Set<ErrorCode>([
	"internal",
	"store_unavailable",
	"store_full",
	"outcome_unknown",
	"shutting_down",
]);
const EMPTY_OBJECT = Buffer.from("{}");

/** What the requests of one app share. */
export interface SharedLimits extends SharedByReaders {
	readonly turns: Turns;
	readonly unread: UnreadResponses;
}

/** What is known of a request so far, for its log line. */
export interface Progress {
	readonly requestId: string;
	/** In monotonic time. */
	readonly startedAt: number;
	/** Read at the start, since a connection that is closed has no address. */
	readonly clientAddress: string | null;
	principal: Principal | null;
	/** The data that the caller may use; null if the path names no project, or if that was not checked yet. */
	scope: Scope | null;
	/** The webhook that the path names. */
	webhookId: string | null;
	bodyBytes: number;
	/** Whether the handler has waited for nothing. */
	isFromMemory: boolean;
	/** Whether monitoring asks. */
	isProbe: boolean;
}

/** Serves one request: settles it and builds the response. `route` is null if no route matches. Never rejects. */
export async function serve(
	context: ApiContext,
	deps: RequestDeps,
	route: Route | null,
	answer: (progress: Progress) => Promise<Reply> | Reply,
): Promise<Response> {
	const { status, headers, body } = await settle(context, deps, route, answer);
	// Hono omits the body of a response to HEAD. A stream would stay open without a reader.
	if (context.req.method === "HEAD" && (body instanceof ReadableStream || body instanceof ServerSentEvents)) {
		if (body instanceof ReadableStream) await body.cancel();
		else body.close();
		return new Response("", { status, headers });
	}
	if (body instanceof ServerSentEvents) return serveEvents(context, status, headers, body);
	// Only a response without a body may have the status 204.
	return new Response(status === NO_CONTENT ? null : body, { status, headers });
}

/** Writes events straight to Node's response where that is one of HTTP/1. */
function serveEvents(
	{ env }: ApiContext,
	status: number,
	headers: Record<string, string>,
	events: ServerSentEvents,
): Response {
	const { incoming, outgoing } = env ?? {};
	if (outgoing === undefined || incoming?.httpVersionMajor !== 1)
		return new Response(events.web(), { status, headers });
	events.writeTo(outgoing, status, headers);
	return RESPONSE_ALREADY_SENT;
}

/** Gets the reply from `answer`, turns errors into replies, logs a line and completes the headers. Never rejects. */
export async function settle(
	context: RequestContext,
	deps: RequestDeps,
	route: Route | null,
	answer: (progress: Progress) => Promise<Reply> | Reply,
): Promise<Settled> {
	const progress: Progress = {
		requestId: deps.makeRequestId(),
		startedAt: deps.clock.monotonicMs(),
		clientAddress: deps.clientAddress(peerOf(context), context.req.header("x-forwarded-for")),
		principal: null,
		scope: null,
		webhookId: null,
		bodyBytes: 0,
		isFromMemory: false,
		isProbe: isProbe(route),
	};
	let reply: Reply;
	let failure: Failure | null = null;
	try {
		reply = await answer(progress);
	} catch (error) {
		const problem = problemReply(error, progress.requestId);
		failure = { code: problem.code, reason: problem.message, cause: failureBehind(error) };
		reply = problem;
	}
	if (progress.isProbe && failure === null) await deps.answerPace?.probe();
	else if (isCheap(route, progress, failure)) await paced(context, deps, progress, failure !== null);
	writeRequestLine(deps, context, route, progress, reply.status, failure);
	const headers = headersOf(reply, progress.requestId);
	if (deps.portalOrigins.length > 0) {
		Object.assign(
			headers,
			crossOriginHeaders(deps.portalOrigins, (name) => context.req.header(name)),
		);
	}
	return { status: reply.status, headers, body: reply.body };
}

/**
 * Whether a response has cost nothing but time of the main thread: refusals, what is read without a key, and what is in memory. Everything else has waited
 * for its turn in something that is divided already. That the server itself fails is no reason to let its clients wait, too.
 */
function isCheap(route: Route | null, { isFromMemory }: Progress, failure: Failure | null): boolean {
	if (failure !== null) return !OWN_FAILURES.has(failure.code);
	return isFromMemory || route === null || (route.access === null && route.method === "get");
}

/**
 * Waits until its owner may have a response. If that is too far away, closes the connection of a refused request, and lets another one wait for as long as any
 * may: it can be the page of somebody who has the address of a stranger, behind the same proxy.
 */
async function paced(
	{ env }: RequestContext,
	{ answerPace }: RequestDeps,
	{ principal, clientAddress }: Progress,
	isRefused: boolean,
): Promise<void> {
	const owner = askedBy(principal, clientAddress, isRefused);
	if (owner === null || answerPace === undefined) return;
	const turn = answerPace.take(owner);
	if (turn !== "full") await turn;
	else if (!isRefused) await answerPace.longest();
	// The response of a request behind others has no connection yet.
	else if (env?.incoming?.httpVersionMajor === 1) env.incoming.socket.destroy?.();
	else if (env?.peer !== undefined) env.peer.destroy?.();
	else env?.outgoing?.destroy();
}

/** Checks a request against its route and calls the handler: steps 3 to 8. */
export async function answerRoute(
	context: RequestContext,
	deps: AppDeps,
	shared: SharedLimits,
	route: Route,
	progress: Progress,
): Promise<Reply> {
	const header = (name: string) => context.req.header(name);
	const params = paramsOf(context, route);
	progress.webhookId = webhookOf(params);
	if (route.access !== null) {
		const caller = recognize(deps, header);
		progress.principal = caller instanceof Promise ? await caller : caller;
		progress.scope = authorize(deps.engine, progress.principal, route.access, params["projectId"]);
	}
	// Somebody who signs in has no access yet.
	const hasActor = route.access !== null || typeof route.audit === "string";
	const actor = hasActor ? actorOf(progress.principal, header, deps.proxyActorHeader(peerOf(context))) : null;
	const query = readQuery(context.req.url, route.query);
	const { requestId, principal, scope } = progress;
	checkChangeQuota(deps, route, principal, params["projectId"]);
	const connection = connectionOf(context, progress, header);
	/** The types of the route's declaration say that a path with a project has a scope. */
	const call = { deps, requestId, principal, scope: scope as never, connection, params, query };
	const keep = shared.unread.keeper(context.env, route, progress);
	if (route.method === "get") {
		const reply = route.handle({ ...call, change: { scope: call.scope, audit: null }, body: undefined });
		progress.isFromMemory = !(reply instanceof Promise);
		return keep(await reply);
	}
	/** The memory and the time for bodies are divided between owners, the memory also between customers. */
	const name = params["projectId"] ?? keyIdOf(principal) ?? "";
	const owner = { name, customerId: principal?.kind === "customer" ? principal.customerId : null };
	const takeTurn: TakeTurn = (length) => shared.turns.take(name, length);
	const reader = new BodyReader(shared, owner, route.body?.maxBytes ?? NO_BODY_MAX_BYTES);
	try {
		const source = {
			whole: context.env?.body,
			node: context.env?.incoming,
			web: () => context.req.raw.body,
			header,
		};
		let bytes: Uint8Array;
		try {
			bytes = await reader.read(source);
		} catch (error) {
			if (error instanceof FanfareError) deps.bodyRefused(error.code);
			throw error;
		}
		progress.bodyBytes = bytes.length;
		// Only large bodies are waited for: a wait costs the many small ones a turn of the microtask queue.
		const parsed = route.body === undefined ? null : parseBody(route.body, bytes, takeTurn);
		const sent = parsed instanceof Promise ? await parsed : parsed;
		const read = sent === null ? expectNoBody(bytes) : route.body?.read(sent);
		const body = read instanceof Promise ? await read : read;
		const audit = auditDraft(route, { principal, requestId, actor }, sent?.value ?? null);
		return keep(await route.handle({ ...call, change: { scope: call.scope, audit }, body }));
	} finally {
		reader.release();
	}
}

/** Refuses a change beyond its quota before its body is read: a refusal must cost less than what is refused. */
function checkChangeQuota(
	{ engine }: Pick<AppDeps, "engine">,
	{ audit: action = null }: Pick<Route, "audit">,
	principal: Principal | null,
	projectId: string | undefined,
): void {
	if (action === null || projectId === undefined) return;
	engine.projects.checkQuota({ action, ...makerOf(principal) }, projectId);
}

/** The remote address of the connection. */
function peerOf({ env }: RequestContext): string | undefined {
	return env?.incoming?.socket.remoteAddress ?? env?.peer?.remoteAddress;
}

/** The parts of the connection that handlers may use. */
function connectionOf(context: RequestContext, { clientAddress }: Progress, header: Connection["header"]): Connection {
	return {
		header,
		clientAddress,
		peer: peerOf(context),
		origin: () => new URL(context.req.url).origin,
		...clientOf(context.env?.outgoing),
	};
}

/** A function of its own: streams keep these for as long as they are open, and must not keep the whole context of the request with them. */
function clientOf(
	outgoing: Pick<NodeStreamResponse, "destroy" | "destroyed"> | undefined,
): Pick<Connection, "abandon" | "isGone"> {
	return {
		abandon: () => {
			outgoing?.destroy();
			return outgoing !== undefined;
		},
		isGone: () => outgoing?.destroyed ?? false,
	};
}

/** Parses a body, a large one in turns. If the route's body is optional, an empty one is read as `{}`. */
function parseBody(rule: BodyRule<unknown>, bytes: Uint8Array, takeTurn: TakeTurn): JsonBody | Promise<JsonBody> {
	const body = rule.optional === true && isBlank(bytes) ? EMPTY_OBJECT : bytes;
	if (body.length <= QUICK_BODY_BYTES) return parseJsonBody(body, rule.schema);
	if (body.length > SMALL_BODY_BYTES) return readLargeBody(body, rule, takeTurn);
	const turn = takeTurn(body.length);
	return turn === null ? parseJsonBody(body, rule.schema) : turn.then(() => parseJsonBody(body, rule.schema));
}

/** The 404 for a path that no route has. */
export function routeNotFound(context: ApiContext): FanfareError {
	return new FanfareError(
		"route_not_found",
		`There is no call ${context.req.method} ${shownPath(context.req.path)}. See /docs for all calls.`,
	);
}

/** The values of the path's parameters. The action that the router leaves on the last one (`:test`) is removed. */
function paramsOf(context: RequestContext, route: Route): Record<string, string> {
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

/** The webhook for the log line. A path can have anything in its place, which is not repeated. */
function webhookOf({ webhookId }: Readonly<Record<string, string>>): string | null {
	return webhookId !== undefined && /^webhook_[0-9a-f-]{36}$/.test(webhookId) ? webhookId : null;
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
