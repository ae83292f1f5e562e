// Logs one line for each request, with nothing secret in it.
import {
	keyIdOf,
	portalSessionIdOf,
	projectOf,
	sessionIdOf,
	type Principal,
	type Scope,
} from "../../core/access/principal.ts";
import { hasSecret, withoutSecrets } from "../../core/words/secret-words.ts";
import type { ApiDeps } from "../deps.ts";
import type { Route } from "./route.ts";

/** A path can be anything, so only its start is logged and quoted. */
const PATH_CHARACTERS_SHOWN = 200;

/** The paths that monitoring asks for every few seconds. */
const PROBES: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

/** Whether a route is one that monitoring asks for. */
export function isProbe(route: Route | null): boolean {
	return route !== null && PROBES.has(route.path);
}

/** The error that a request ended with. */
export interface Failure {
	readonly code: string;
	/** What the response says. */
	readonly reason: string;
	/** Why the response is a 5xx, for the log only. */
	readonly cause: unknown;
}

/** Logs a request. `failure` is the error that it ended with; null if it succeeded. */
export function writeRequestLine(
	{ clock, requestLog }: Pick<ApiDeps, "clock" | "requestLog">,
	context: { readonly req: { readonly method: string; readonly path: string } },
	route: Route | null,
	progress: {
		readonly requestId: string;
		readonly startedAt: number;
		readonly bodyBytes: number;
		readonly clientAddress: string | null;
		readonly principal: Principal | null;
		readonly scope: Scope | null;
		readonly webhookId: string | null;
		readonly isProbe: boolean;
	},
	status: number,
	failure: Failure | null,
): void {
	requestLog({
		requestId: progress.requestId,
		isProbe: progress.isProbe,
		method: context.req.method,
		path: shownPath(context.req.path),
		route: route?.path ?? null,
		status,
		durationMs: clock.monotonicMs() - progress.startedAt,
		bodyBytes: progress.bodyBytes,
		clientAddress: progress.clientAddress,
		keyId: keyIdOf(progress.principal),
		sessionId: sessionIdOf(progress.principal),
		portalSessionId: portalSessionIdOf(progress.principal),
		projectId: progress.scope === null ? null : projectOf(progress.scope),
		webhookId: progress.webhookId,
		code: failure?.code ?? null,
		reason: failure?.reason ?? null,
		cause: failure?.cause ?? null,
	});
}

/** A path without keys and secrets, short enough for a log line or an error message. */
export function shownPath(written: string): string {
	const decoded = written.includes("%") ? decode(written) : written;
	const path = hasSecret(decoded) ? withoutSecrets(decoded) : written;
	return path.length > PATH_CHARACTERS_SHOWN ? `${path.slice(0, PATH_CHARACTERS_SHOWN)}…` : path;
}

function decode(path: string): string {
	try {
		return decodeURIComponent(path);
	} catch {
		return path;
	}
}
