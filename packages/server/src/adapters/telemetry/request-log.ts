// One log line per request: the request, its result and its duration, and the reason if it was refused. Never a query,
// body, header or key.
import type { Logger } from "pino";

import type { RequestLine } from "../../ports/log.ts";

const OK = 200;
/** An issue in a reason can name a field of the request, so the reason is cut. */
const REASON_CHARACTERS_SHOWN = 300;
const US_PER_MS = 1_000;

/**
 * Writes the line at level error, with the cause, if something failed; otherwise at level info, also if the server sheds load: a
 * warning is written at once, and callers can provoke thousands of refusals a second. Probes are written at level debug, and at warn
 * if they report a problem.
 */
export function logRequest(logger: Logger, line: RequestLine): void {
	const { cause, requestId, method, path, status, durationMs, bodyBytes, clientAddress, keyId } = line;
	const { portalSessionId, sessionId, projectId, webhookId, code, reason } = line;
	const facts = {
		requestId,
		method,
		path,
		status,
		durationMs: toMicroseconds(durationMs),
		bodyBytes,
		clientAddress,
		keyId,
		...(sessionId !== null && { sessionId }),
		...(portalSessionId !== null && { portalSessionId }),
		projectId,
		...(webhookId !== null && { webhookId }),
		code,
		...(reason !== null && { reason: shortened(reason) }),
	};
	if (line.isProbe && status === OK) logger.debug(facts, "request");
	else if (line.isProbe && code === null) logger.warn(facts, "request");
	else if (cause !== null) logger.error({ ...facts, err: cause }, "request");
	else logger.info(facts, "request");
}

function shortened(reason: string): string {
	return reason.length > REASON_CHARACTERS_SHOWN ? `${reason.slice(0, REASON_CHARACTERS_SHOWN)}…` : reason;
}

/** Rounds to whole microseconds. Further digits of the clock are noise: 0.2673710000090068. */
function toMicroseconds(ms: number): number {
	return Math.round(ms * US_PER_MS) / US_PER_MS;
}
