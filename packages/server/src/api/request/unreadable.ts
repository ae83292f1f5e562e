// Requests that never reach a route, since they are no HTTP or none that a router can take: refused with the same answer as all.
import { RequestError } from "@hono/node-server";

import { FanfareError } from "../../core/errors.ts";
import type { RequestLine } from "../../ports/log.ts";
import { problemReply } from "./problem.ts";
import { makeRequestId } from "./request-id.ts";
import { headersOf } from "./serve.ts";

/** The part of a socket that is used. */
interface Connection {
	readonly writable: boolean;
	write(text: string): unknown;
	/** Closes it once everything is written. */
	destroySoon(): void;
}

/** Whatever could not be read has no method and no path that can be told. */
const UNKNOWN = "-";

/** Answers what could not be read, and leaves a line in the log for it. */
export class UnreadableRequests {
	readonly #log: (line: RequestLine) => void;

	constructor(log: (line: RequestLine) => void) {
		this.#log = log;
	}

	/** For what Node has read and the listener can make no request of, such as a Host header with a space in it. */
	response(error: unknown): Response {
		const { status, headers, body } = this.#answer(error instanceof RequestError ? problemOf(undefined) : error);
		return new Response(body, { status, headers });
	}

	/** On the bare connection, which is closed then. `code` is Node's; `answered` says that an answer is under way already. */
	refuse(connection: Connection, code: string | undefined, answered: boolean): void {
		if (connection.writable && code !== "ECONNRESET" && !answered) {
			const { status, headers, body } = this.#answer(problemOf(code));
			const length = String(Buffer.byteLength(body));
			const lines = Object.entries({ ...headers, "content-length": length, connection: "close" });
			const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
			connection.write(`HTTP/1.1 ${status} ${REASONS[status] ?? "Bad Request"}\r\n${head}\r\n${body}`);
		}
		connection.destroySoon();
	}

	#answer(error: unknown): { status: number; headers: Record<string, string>; body: string } {
		const requestId = makeRequestId();
		const reply = problemReply(error, requestId);
		const { status } = reply;
		const facts = { route: null, durationMs: 0, bodyBytes: 0, keyId: null, cause: error };
		this.#log({ requestId, method: UNKNOWN, path: UNKNOWN, status, code: reply.code, ...facts });
		return { status, headers: headersOf(reply, requestId), body: typeof reply.body === "string" ? reply.body : "" };
	}
}

const REASONS: Readonly<Record<number, string>> = {
	408: "Request Timeout",
	431: "Request Header Fields Too Large",
};

function problemOf(code: string | undefined): FanfareError {
	if (code === "HPE_HEADER_OVERFLOW") {
		return new FanfareError(
			"headers_too_large",
			"The request line and the headers are larger than the server takes. Send fewer or shorter ones.",
		);
	}
	if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
		return new FanfareError(
			"request_timeout",
			"The request did not come in time: 10 s for its headers, 60 s for all of it. Send it again.",
		);
	}
	return new FanfareError(
		"invalid_http",
		"The request is not valid HTTP. Check its request line, its headers (Host, Expect, Content-Length) and its chunks.",
	);
}
