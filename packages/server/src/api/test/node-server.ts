// The API of a test on the HTTP server of the product, with the lean path or without it. With TEST_SENDS=thread, a server with the lean path
// has a thread that accepts requests: see vitest.config.ts.
import { request as httpRequest } from "node:http";

import { onTestFinished } from "vitest";

import { Acceptor } from "../../acceptor/acceptor.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { Clock } from "../../core/clock.ts";
import { fetchListener } from "../../fetch-listener.ts";
import { HttpServer } from "../../http-server.ts";
import type { RequestLine } from "../../ports/log.ts";
import type { Api } from "../app.ts";
import { createRequestIds } from "../request/request-id.ts";
import { UnreadableRequests } from "../request/unreadable.ts";

/** A host of the usual form, unlike an address with one of the highest ports. */
export const PLAIN_HOST = "fanfare.test";

/** Whether a thread accepts the requests to servers with the lean path. */
export const IN_ACCEPTOR_THREAD = process.env["TEST_SENDS"] === "thread";
/** Its program. */
const THREAD = new URL("../../compose/accepting/acceptor-thread.ts", import.meta.url);

/** Listens until the test has finished. Returns the port. `lean` is null for a server without the lean path. */
export async function listenOnNode(
	app: Api["app"],
	lean: Pick<Api["lean"], "answer" | "respond"> | null,
	requestLog: (line: RequestLine) => void = () => {},
	clock: Clock = systemClock,
): Promise<number> {
	const unreadable = new UnreadableRequests({
		requestLog,
		clientAddress: () => null,
		makeRequestId: createRequestIds(systemChance),
	});
	const options = { host: "127.0.0.1", port: 0, maxConnections: 1_000, refused: () => {} };
	const isInThread = IN_ACCEPTOR_THREAD && lean !== null;
	const http = isInThread
		? await Acceptor.listen({ ...options, program: THREAD }, unreadable, clock)
		: await HttpServer.listen(options, unreadable, clock);
	onTestFinished(() => http.close());
	http.handle(fetchListener(app.fetch, unreadable, { lean }), lean);
	return http.port;
}

/** Makes a request to a port of this machine, as a plain client does. */
export function requestTo(
	port: number,
	path: string,
	init: { readonly method: string; readonly headers: Record<string, string>; readonly body: string | Uint8Array },
): Promise<Response> {
	const { method, body } = init;
	const length = String(Buffer.byteLength(body));
	const headers = { host: PLAIN_HOST, "content-length": length, ...init.headers };
	return new Promise((resolve, reject) => {
		const request = httpRequest({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
			const chunks: Buffer[] = [];
			response.on("data", (chunk: Buffer) => chunks.push(chunk));
			response.on("error", reject);
			response.on("end", () => {
				const { statusCode: status = 0, rawHeaders } = response;
				const pairs = rawHeaders.flatMap((name, index) =>
					index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""] as [string, string]] : [],
				);
				resolve(new Response(Buffer.concat(chunks), { status, headers: pairs }));
			});
		});
		request.on("error", reject);
		request.end(body);
	});
}
