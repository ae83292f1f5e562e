// What the main thread's own server takes: only what the thread passes on, with the address of the client.
import { request as httpRequest } from "node:http";

import { expect, it, onTestFinished } from "vitest";

import { systemClock } from "../adapters/system/system-clock.ts";
import { UnreadableRequests } from "../api/request/unreadable.ts";
import { HttpServer } from "../http-server.ts";
import { takeOrigin } from "./pass-on.ts";

const TOKEN = "the-token";

/** A server that takes what comes with the token. Returns what it has read of a request; null if it has closed the connection. */
async function serving() {
	const requests = { requestLog: () => {}, clientAddress: () => null, makeRequestId: () => "req_1" };
	const options = {
		host: "127.0.0.1",
		port: 0,
		maxConnections: 100,
		refused: () => {},
		admits: (request: Parameters<typeof takeOrigin>[0]) => takeOrigin(request, TOKEN),
	};
	const http = await HttpServer.listen(options, new UnreadableRequests(requests), systemClock);
	onTestFinished(() => http.close());
	http.handle(({ headers, rawHeaders, socket }, response) =>
		response.end(JSON.stringify({ headers, rawHeaders, address: socket.remoteAddress ?? null })),
	);
	return (headers: Record<string, string>) =>
		new Promise<unknown>((resolve) => {
			const request = httpRequest({ host: "127.0.0.1", port: http.port, headers, agent: false }, (response) => {
				let text = "";
				response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
				response.on("end", () => resolve(JSON.parse(text)));
			});
			request.on("error", () => resolve(null));
			request.end();
		});
}

it("has the address of the client, and not the header that tells it", async () => {
	const ask = await serving();
	const answer = await ask({ "Fanfare-Accepted-From": `${TOKEN} 2001:db8::1`, "x-a": "1" });
	expect(answer).toMatchObject({ address: "2001:db8::1", headers: { "x-a": "1" } });
	expect(JSON.stringify(answer)).not.toMatch(/accepted-from/i);
	expect(await ask({ "fanfare-accepted-from": `${TOKEN} ` })).toMatchObject({ address: null });
});

it("closes the connection of whoever else has found the port", async () => {
	const ask = await serving();
	expect(await ask({})).toBeNull();
	for (const value of ["", "the-tokem 10.0.0.1", `${TOKEN}x 10.0.0.1`, `x${TOKEN} 10.0.0.1`])
		expect(await ask({ "fanfare-accepted-from": value })).toBeNull();
});
