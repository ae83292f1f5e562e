// Builds the HTTP API: puts every route of the table on a router.
import { Hono } from "hono";
import { getPath } from "hono/utils/url";

import { SharedRuns } from "../core/concurrency/shared-runs.ts";
import { FanfareError } from "../core/errors.ts";
import { DEFAULT_LIMITS, type ApiDeps, type AppDeps } from "./deps.ts";
import { siteReply, type Site } from "./page/site.ts";
import { BodyBudget } from "./request/body/body-budget.ts";
import { BodyPace } from "./request/body/body-pace.ts";
import { Turns } from "./request/body/turns.ts";
import { preflightReply } from "./request/cross-origin.ts";
import { LeanPath } from "./request/lean/lean-path.ts";
import { OwnTurns } from "./request/pace/own-turns.ts";
import { UnreadResponses } from "./request/pace/unread-responses.ts";
import { MethodNotAllowed } from "./request/problem.ts";
import { shownPath } from "./request/request-log.ts";
import { routerPath, type Route } from "./request/route.ts";
import { answerRoute, routeNotFound, serve, type ApiContext, type ApiEnv, type SharedLimits } from "./request/serve.ts";
import { SessionCookie } from "./request/session-cookie.ts";
import { ExportPlaces } from "./resources/exports/export-places.ts";
import { operatorRoutes } from "./resources/operators/routes.ts";
import { FailedSignIns } from "./resources/sessions/failed-sign-ins.ts";
import { apiRoutes } from "./resources/table.ts";

/** The API, as programs serve it. */
export interface Api {
	/** `@hono/node-server`, or any other program that calls `fetch`, can serve it. */
	readonly app: Hono<ApiEnv>;
	/** Responds to plain sends without the app, on Node's HTTP server. The responses are the same. */
	readonly lean: LeanPath;
	/** The bytes of the responses that their clients have not read yet, as `ApiLimits.unreadResponseBytes` counts them. */
	readonly unreadResponseBytes: () => number;
}

/**
 * The API, and the sites beside it.
 *
 * @example
 * const { app } = createApi({ engine, authenticate, store, lists, isCurrent, serverStatus, metrics, bodyRefused, readRefused, requestLog, clientAddress, proxyActorHeader, requestOrigin, makeRequestId, clock, version: "0.1.0", publicUrl: null });
 * const response = await app.request("/healthz");
 */
export function createApi(deps: ApiDeps, sites: readonly Site[] = []): Api {
	const routes = apiRoutes();
	const parts = partsOf(deps);
	const app = appOf(routes, deps, parts);
	// The sites are not in the router, so that they cost the calls of the API nothing.
	app.notFound((context) =>
		serve(context, deps, null, () => {
			const reply = siteReply(context, sites);
			if (reply === null) throw routeNotFound(context);
			return reply;
		}),
	);
	const lean = new LeanPath(routes, parts.appDeps, parts.shared);
	return { app, lean, unreadResponseBytes: () => parts.shared.unread.bytes };
}

/** The API of a process that only delivers: health, readiness and metrics. Every other call is refused, with what to do. */
export function createWorkerApi(deps: ApiDeps): Omit<Api, "lean"> {
	const parts = partsOf(deps);
	const app = appOf(operatorRoutes, deps, parts);
	app.notFound((context) => refuse(context, deps, () => new FanfareError("worker_process", WORKER_ONLY)));
	return { app, unreadResponseBytes: () => parts.shared.unread.bytes };
}

/** Why a process that only delivers refuses calls and sends. */
export const WORKER_ONLY =
	"This process only delivers (FANFARE_ROLE is worker) and answers only /healthz, /readyz and /metrics. Ask a process of the same " +
	"database whose role is api or all, and let no load balancer lead here.";

/** What all requests of one API share. */
interface Parts {
	readonly appDeps: AppDeps;
	readonly shared: SharedLimits;
}

function partsOf(deps: ApiDeps): Parts {
	const limits = { ...DEFAULT_LIMITS, ...deps.limits };
	const budget = new BodyBudget(limits.bodyBytesInHand);
	const ownTurns = new OwnTurns(deps.clock);
	const metricsRuns = new SharedRuns<Awaited<ReturnType<ApiDeps["metrics"]>>>();
	const appDeps = {
		...deps,
		// All who wait for the metrics get the same.
		metrics: () => metricsRuns.run("", () => ownTurns.take().then(deps.metrics)),
		ownTurns,
		bodyBytes: () => ({ name: "maxBodyBytesInHand", used: budget.reserved, allowed: limits.bodyBytesInHand }),
		sessionCookie: new SessionCookie(deps.engine.workspace.id, deps.publicUrl),
		failedSignIns: new FailedSignIns(deps.clock),
		exportPlaces: new ExportPlaces(deps.clock),
	};
	const shared = {
		budget,
		pace: new BodyPace(deps.clock),
		turns: new Turns(deps.clock),
		unread: new UnreadResponses(limits.unreadResponseBytes, deps.clock, deps.readRefused),
	};
	return { appDeps, shared };
}

function appOf(routes: readonly Route[], deps: ApiDeps, { appDeps, shared }: Parts): Hono<ApiEnv> {
	const app = new Hono<ApiEnv>({ getPath: pathOf });
	for (const [path, ofPath] of routesByPath(routes)) {
		for (const route of ofPath) {
			app.on(route.method.toUpperCase(), path, (context) =>
				serve(context, deps, route, (progress) => answerRoute(context, appDeps, shared, route, progress)),
			);
		}
		const allow = allowedMethods(ofPath);
		app.on("OPTIONS", path, (context) => answerOptions(context, deps, ofPath, allow));
		app.all(path, (context) => refuse(context, deps, () => wrongMethod(context, allow)));
	}
	return app;
}

/** Longer ones are not routed, since a router takes a path apart: no path of a call, with the longest ids in it, is half as long. */
const MOST_PATH_CHARACTERS = 4_096;
/** In place of a path that is not routed. No route has it. */
const TOO_LONG = "/…";

/** The path that is routed. Some clients escape the colon of an action such as `:test`; it means the same. */
function pathOf(request: Request): string {
	const path = getPath(request);
	if (path.length > MOST_PATH_CHARACTERS) return TOO_LONG;
	return path.includes("%") ? path.replaceAll(/%3A/gi, ":") : path;
}

function routesByPath(routes: readonly Route[]): Map<string, Route[]> {
	const byPath = new Map<string, Route[]>();
	for (const route of routes) {
		const path = routerPath(route.path);
		byPath.set(path, [...(byPath.get(path) ?? []), route]);
	}
	return byPath;
}

function allowedMethods(routes: readonly Route[]): string {
	const methods = routes.map(({ method }) => method.toUpperCase());
	return (methods.includes("GET") ? ["HEAD", ...methods] : methods).sort().join(", ");
}

function wrongMethod(context: ApiContext, allow: string): Error {
	return new MethodNotAllowed(context.req.method, shownPath(context.req.path), allow);
}

/** Answers a browser that asks whether a page of another origin may make a call. Others get the 405 that they always get. */
function answerOptions(context: ApiContext, deps: ApiDeps, routes: readonly Route[], allow: string): Promise<Response> {
	return serve(context, deps, null, () => {
		const reply = preflightReply(deps.portalOrigins, routes, (name) => context.req.header(name));
		if (reply === null) throw wrongMethod(context, allow);
		return reply;
	});
}

function refuse(context: ApiContext, deps: ApiDeps, why: () => Error): Promise<Response> {
	return serve(context, deps, null, () => {
		throw why();
	});
}
