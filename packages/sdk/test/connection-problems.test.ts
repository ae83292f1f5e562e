// Requests that get no response: the error says why and what to do, without the text of OpenSSL.
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { inspect } from "node:util";

import { freePort } from "@fanfare/testkit/programs/free-port";
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { connectionProblem, lossReason } from "../src/connection-problem.ts";
import { Client, ConnectionError, TimeoutError } from "../src/index.ts";
import { failure, KEY } from "./scripted-server.ts";

async function problemAt(endpoint: string): Promise<string> {
	const error = await failure(new Client(KEY, { endpoint, maxRetries: 0 }).getInfo());
	expect(error).toBeInstanceOf(ConnectionError);
	// For whoever needs all details.
	expect(inspect(error)).toContain("[cause]");
	return (error as Error).message.replace(`GET ${endpoint}/workspace got no response: `, "");
}

describe("a client", () => {
	it("asks whether Fanfare is running if the connection is refused", async () => {
		const endpoint = `http://127.0.0.1:${await freePort()}`;
		expect(await problemAt(endpoint)).toMatch(
			new RegExp(`^ECONNREFUSED \\(connect ECONNREFUSED \\S+\\)\\. Is Fanfare running at ${endpoint}\\?$`),
		);
	});

	it("asks the same if all addresses of a name refuse the connection", async () => {
		const endpoint = `http://localhost:${await freePort()}`;
		expect(await problemAt(endpoint)).toMatch(/^ECONNREFUSED .*\. Is Fanfare running at http:\/\/localhost:\d+\?$/);
	});

	it("says that the server does not speak TLS, if it does not", async () => {
		await using receiver = await startReceiver();
		const endpoint = receiver.url.replace("http:", "https:");
		expect(await problemAt(endpoint)).toBe(
			`the server at ${endpoint} does not speak TLS. If Fanfare listens there without a proxy, begin the endpoint with http:// instead of https://.`,
		);
	});

	it("names only the reason if TLS fails for another one", async () => {
		// Speaks only a version that no client speaks any more.
		const server = createTlsServer({ maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" });
		server.on("tlsClientError", () => {});
		await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
		const { port } = server.address() as AddressInfo;
		const problem = await problemAt(`https://127.0.0.1:${port}`);
		server.close();
		expect(problem).toMatch(/^\w+ \(TLS: [a-z0-9 /]+\)\.$/);
	});
});

const caused = (error: Error, cause: object) =>
	Object.assign(error, { cause: Object.assign(new Error("no HTTP"), cause) });

it.each([
	["Deno", new TypeError("tcp connect error: Connection refused (os error 111)"), /Is Fanfare running/],
	["Bun", caused(new Error("Unable to connect."), { code: "ConnectionRefused" }), /Is Fanfare running/],
	["Node, with a code that is undefined", caused(new TypeError("fetch failed"), { code: undefined }), /^no HTTP\.$/],
	["a browser", new TypeError("Failed to fetch"), /^Failed to fetch\.$/],
	["no error", "text", /^text\.$/],
])("the problem in %s is described", (_name, error, words) => {
	expect(connectionProblem(error, "http://127.0.0.1:8787")).toMatch(words);
});

it("the loss of a connection has a reason in plain words", async () => {
	const endpoint = `http://127.0.0.1:${await freePort()}`;
	const refused = await failure(new Client(KEY, { endpoint, maxRetries: 0 }).getInfo());
	const because = (message: string, code?: string) =>
		new ConnectionError("GET x got no response", {
			cause: Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error(message), { code }) }),
		});
	const reasons = [
		refused,
		because("read ECONNRESET", "ECONNRESET"),
		because("getaddrinfo ENOTFOUND hooks.example", "ENOTFOUND"),
		because("certificate has expired", "CERT_HAS_EXPIRED"),
		new TimeoutError("GET x received nothing for 45000 ms."),
		new ConnectionError("GET x ended."),
		new Error("The server is shutting down."),
		"text",
	].map((error) => lossReason(error, endpoint));
	expect(reasons).toEqual([
		`Nothing listens at ${endpoint}.`,
		"The connection was cut off.",
		`The name of ${endpoint} is not found.`,
		"CERT_HAS_EXPIRED (certificate has expired).",
		"The server was silent for too long.",
		"The server ended the connection.",
		"The server is shutting down.",
		"text",
	]);
});
