// One line for each request that was answered: enough to find it again, nothing that is secret.
import type { RequestLine } from "../../ports/log.ts";
import type { Route } from "./route.ts";

/** A path that no route has can be anything, so little of it is shown. */
const UNKNOWN_PATH_SHOWN = 200;

export function writeRequestLine(
	log: (line: RequestLine) => void,
	context: { readonly req: { readonly method: string; readonly path: string } },
	route: Route | null,
	progress: {
		readonly requestId: string;
		readonly startedAt: number;
		readonly bodyBytes: number;
		readonly key: { readonly id: string } | null;
	},
	status: number,
	failure: { readonly code: string; readonly cause: unknown } | null,
): void {
	log({
		requestId: progress.requestId,
		method: context.req.method,
		path: shownPath(context.req.path),
		route: route?.path ?? null,
		status,
		durationMs: performance.now() - progress.startedAt,
		bodyBytes: progress.bodyBytes,
		keyId: progress.key?.id ?? null,
		code: failure?.code ?? null,
		cause: failure?.cause ?? null,
	});
}

export function shownPath(path: string): string {
	return path.length > UNKNOWN_PATH_SHOWN ? `${path.slice(0, UNKNOWN_PATH_SHOWN)}…` : path;
}
