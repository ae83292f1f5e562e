// Builds the HTTP API: puts every route of the table on a router.
import { Hono } from "hono";
import { getPath } from "hono/utils/url";

import { DEFAULT_LIMITS, type ApiDeps } from "./deps.ts";
import { BodyBudget } from "./request/body/body-reader.ts";
import { MethodNotAllowed } from "./request/problem.ts";
import { shownPath } from "./request/request-log.ts";
import { routerPath, type Route } from "./request/route.ts";
import { answerRoute, routeNotFound, serve, type ApiContext, type ApiEnv } from "./request/serve.ts";
import { apiRoutes } from "./resources/table.ts";

/**
 * The API as a Hono app. `@hono/node-server`, or any other program that calls `fetch`, can serve it.
 *
 * @example
 * const app = createApp({ engine, store, metrics, requestLog, clientAddress, makeRequestId, clock, version: "0.1.0", publicUrl: null });
 * const response = await app.request("/healthz");
 */
export function createApp(deps: ApiDeps): Hono<ApiEnv> {
	const app = new Hono<ApiEnv>({ getPath: pathOf });
	const limits = { ...DEFAULT_LIMITS, ...deps.limits };
	const budget = new BodyBudget(limits.bodyBytesInHand);
	for (const [path, routes] of routesByPath(apiRoutes())) {
		for (const route of routes) {
			app.on(route.method.toUpperCase(), path, (context) =>
				serve(context, deps, route, (progress) => answerRoute(context, deps, budget, route, progress)),
			);
		}
		const allow = allowedMethods(routes);
		app.all(path, (context) => refuse(context, deps, () => wrongMethod(context, allow)));
	}
	app.notFound((context) => refuse(context, deps, () => routeNotFound(context)));
	return app;
}

/** The path that is routed. Some clients escape the colon of an action such as `:test`; it means the same. */
function pathOf(request: Request): string {
	const path = getPath(request);
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

function refuse(context: ApiContext, deps: ApiDeps, why: () => Error): Promise<Response> {
	return serve(context, deps, null, () => {
		throw why();
	});
}
