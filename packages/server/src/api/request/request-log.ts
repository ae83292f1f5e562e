// Logs one line for each request, with nothing secret in it.
import type { Principal } from "../../core/access/principal.ts";
import type { ApiDeps } from "../deps.ts";
import type { Route } from "./route.ts";

/** A path can be anything, so only its start is logged and quoted. */
const PATH_CHARACTERS_SHOWN = 200;

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
	},
	status: number,
	failure: { readonly code: string; readonly cause: unknown } | null,
): void {
	requestLog({
		requestId: progress.requestId,
		method: context.req.method,
		path: shownPath(context.req.path),
		route: route?.path ?? null,
		status,
		durationMs: clock.monotonicMs() - progress.startedAt,
		bodyBytes: progress.bodyBytes,
		clientAddress: progress.clientAddress,
		keyId: progress.principal?.key.id ?? null,
		code: failure?.code ?? null,
		cause: failure?.cause ?? null,
	});
}

/** A path, short enough for a log line or an error message. */
export function shownPath(path: string): string {
	return path.length > PATH_CHARACTERS_SHOWN ? `${path.slice(0, PATH_CHARACTERS_SHOWN)}…` : path;
}
