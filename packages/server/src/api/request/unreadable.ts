// Refuses requests that cannot be read as HTTP or cannot be routed, with an error body like every other error.
import { RequestError } from "@hono/node-server";

import { FanfareError } from "../../core/errors.ts";
import type { RequestLine } from "../../ports/log.ts";
import type { ApiDeps, ClientAddress } from "../deps.ts";
import { failureBehind, problemReply } from "./problem.ts";
import { headersOf } from "./serve.ts";

/** The part of a socket that is used here. */
interface Connection {
	readonly writable: boolean;
	readonly remoteAddress?: string | undefined;
	write(text: string): unknown;
	/** Closes the connection after everything is written. */
	destroySoon(): void;
}

type RequestDeps = Pick<ApiDeps, "requestLog" | "clientAddress" | "makeRequestId">;

/** The method and path in the log line of a request that could not be read. */
const UNKNOWN = "-";

/**
 * Responds to requests that could not be read, and logs a line for each. Their headers are not used, so behind a proxy the
 * line has the proxy's address.
 */
export class UnreadableRequests {
	readonly #log: (line: RequestLine) => void;
	readonly #clientAddress: ClientAddress;
	readonly #makeRequestId: () => string;

	constructor({ requestLog, clientAddress, makeRequestId }: RequestDeps) {
		this.#log = requestLog;
		this.#clientAddress = clientAddress;
		this.#makeRequestId = makeRequestId;
	}

	/** For a request that Node could read but the listener could not, such as one with a space in its Host header. */
	response(error: unknown): Response {
		const { status, headers, body } = this.#answer(
			error instanceof RequestError ? problemOf(undefined) : error,
			undefined,
		);
		return new Response(body, { status, headers });
	}

	/** Writes the error to the bare connection and closes it. `answered`: a response was started, so only closes it. */
	refuse(connection: Connection, code: string | undefined, answered: boolean): void {
		if (connection.writable && code !== "ECONNRESET" && !answered) {
			const { status, headers, body } = this.#answer(problemOf(code), connection.remoteAddress);
			const length = String(Buffer.byteLength(body));
			const lines = Object.entries({ ...headers, "content-length": length, connection: "close" });
			const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
			connection.write(`HTTP/1.1 ${status} ${REASONS[status] ?? "Bad Request"}\r\n${head}\r\n${body}`);
		}
		connection.destroySoon();
	}

	/**
	 * Closes a connection on which too many requests wait for their responses, and logs why. It is told nothing: what it reads next would be taken for
	 * the response to its first request.
	 */
	drop(connection: Pick<Connection, "remoteAddress"> & { destroy(): unknown }, openRequests: number): void {
		const reason = `More than ${openRequests} requests of the connection waited for their responses. Wait for responses before you send more.`;
		this.#answer(new FanfareError("overloaded", reason), connection.remoteAddress);
		connection.destroy();
	}

	#answer(error: unknown, peer: string | undefined): { status: number; headers: Record<string, string>; body: string } {
		const requestId = this.#makeRequestId();
		const reply = problemReply(error, requestId);
		const { status } = reply;
		const clientAddress = this.#clientAddress(peer, undefined);
		const { code, message: reason } = reply;
		const unknown = {
			route: null,
			isProbe: false,
			keyId: null,
			sessionId: null,
			portalSessionId: null,
			projectId: null,
			webhookId: null,
		};
		const facts = { durationMs: 0, bodyBytes: 0, clientAddress, cause: failureBehind(error) };
		this.#log({ requestId, method: UNKNOWN, path: UNKNOWN, status, code, reason, ...unknown, ...facts });
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
			"The request line and headers are larger than the server accepts, or more than 200. Send fewer or shorter headers.",
		);
	}
	if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
		return new FanfareError(
			"request_timeout",
			"The request did not arrive in time: its headers have 10 s, the whole request has 60 s. Send it again.",
		);
	}
	return new FanfareError(
		"invalid_http",
		"The request is not valid HTTP. Check the request line, the headers (Host, Expect, Content-Length) and the chunks.",
	);
}
