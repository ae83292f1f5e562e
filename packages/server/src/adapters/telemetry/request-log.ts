// One log line per request: the request, its result and its duration. Never a query, body, header or key.
import type { Logger } from "pino";

import type { RequestLine } from "../../ports/log.ts";

const SERVER_ERROR = 500;
const US_PER_MS = 1_000;

/** Writes the line at level error, with the cause, if the status is 5xx; otherwise at level info. */
export function logRequest(logger: Logger, line: RequestLine): void {
	const { cause, requestId, method, path, status, durationMs, bodyBytes, clientAddress, keyId, code } = line;
	const facts = {
		requestId,
		method,
		path,
		status,
		durationMs: toMicroseconds(durationMs),
		bodyBytes,
		clientAddress,
		keyId,
		code,
	};
	if (status >= SERVER_ERROR) logger.error({ ...facts, err: cause }, "request");
	else logger.info(facts, "request");
}

/** Rounds to whole microseconds. Further digits of the clock are noise: 0.2673710000090068. */
function toMicroseconds(ms: number): number {
	return Math.round(ms * US_PER_MS) / US_PER_MS;
}
