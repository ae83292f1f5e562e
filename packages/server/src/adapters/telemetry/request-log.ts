// One log line a request: what was asked, how it went and how long it took. Never a query, a body, a header or a key.
import type { Logger } from "pino";

interface RequestLine {
	readonly requestId: string;
	readonly method: string;
	readonly path: string;
	readonly status: number;
	readonly durationMs: number;
	readonly bodyBytes: number;
	readonly keyId: string | null;
	readonly code: string | null;
	readonly cause: unknown;
}

const SERVER_ERROR = 500;
const US_PER_MS = 1_000;

/** Writes the line: as an error if the server failed, with the cause; refusals of the client's doing are information. */
export function logRequest(logger: Logger, line: RequestLine): void {
	const { cause, requestId, method, path, status, durationMs, bodyBytes, keyId, code } = line;
	const facts = { requestId, method, path, status, durationMs: toMicroseconds(durationMs), bodyBytes, keyId, code };
	if (status >= SERVER_ERROR) logger.error({ ...facts, err: cause }, "request");
	else logger.info(facts, "request");
}

/** What a clock says beyond them is noise: 0.2673710000090068. */
function toMicroseconds(ms: number): number {
	return Math.round(ms * US_PER_MS) / US_PER_MS;
}
