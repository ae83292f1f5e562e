// One log line per request: the request, its result and its duration, and the reason if it was refused. Never a query,
// body, header or key.
import type { Logger } from "pino";

import type { Clock } from "../../core/clock.ts";
import type { RequestLine } from "../../ports/log.ts";
import { BoundedLines } from "./bounded-lines.ts";

const OK = 200;
/** An issue in a reason can name a field of the request, so the reason is cut. */
const REASON_CHARACTERS_SHOWN = 300;
const US_PER_MS = 1_000;

/** Writes lines of requests, as many as one caller may bring about; at level debug and trace, all of them. */
export class RequestLog {
	readonly #logger: Logger;
	readonly #bounded: BoundedLines;
	readonly #leftOut: () => void;

	/** `leftOut` is called for each line that is not written. */
	constructor(logger: Logger, clock: Pick<Clock, "monotonicMs" | "after">, leftOut: () => void) {
		this.#logger = logger;
		this.#leftOut = leftOut;
		this.#bounded = new BoundedLines(clock, ({ lines, failures, most }) => {
			// Written at each level at which a line of these would have been.
			const level = failures > 0 ? "error" : "warn";
			const facts = { leftOutLines: lines, leftOutFailures: failures, most };
			logger[level](facts, "log lines of requests were left out, since there were too many");
		});
	}

	write(line: RequestLine): void {
		if (!this.#logger.isLevelEnabled(levelOf(line))) return;
		if (this.#logger.isLevelEnabled("debug") || this.#bounded.admits(line)) logRequest(this.#logger, line);
		else this.#leftOut();
	}

	/** Says how many lines were left out of which nothing was said yet. */
	close(): void {
		this.#bounded.close();
	}
}

/** Writes the line, with the cause if something failed. */
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
		...(cause !== null && { err: cause }),
	};
	logger[levelOf(line)](facts, "request");
}

/**
 * Error if something failed; otherwise info, also if the server sheds load: a warning is written at once, and callers can provoke thousands of
 * refusals a second. Probes are written at level debug, and at warn if they report a problem.
 */
function levelOf({ isProbe, status, code, cause }: RequestLine): "debug" | "info" | "warn" | "error" {
	if (isProbe && status === OK) return "debug";
	if (isProbe && code === null) return "warn";
	return cause === null ? "info" : "error";
}

function shortened(reason: string): string {
	return reason.length > REASON_CHARACTERS_SHOWN ? `${reason.slice(0, REASON_CHARACTERS_SHOWN)}…` : reason;
}

/** Rounds to whole microseconds. Further digits of the clock are noise: 0.2673710000090068. */
function toMicroseconds(ms: number): number {
	return Math.round(ms * US_PER_MS) / US_PER_MS;
}
