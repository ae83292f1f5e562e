// Requests that are not valid HTTP, or that no route can take, get the same kind of error as all others.
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startHere, type ServerHere } from "./server-here.ts";

let server: ServerHere;
beforeAll(async () => {
	server = await startHere();
});
afterAll(() => server[Symbol.asyncDispose]());

const key = () => ({ "secret-key": server.key });
const chunked = (chunks: string) =>
	requestHead("POST", `/projects/${server.projectId}/events`, { ...key(), "transfer-encoding": "chunked" }) + chunks;

describe("a request that can't be read gets an error of the usual form", () => {
	it.each([
		["bytes that are not HTTP", () => "GARBAGE\r\n\r\n", 400, "invalid_http"],
		["HTTP/2", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "invalid_http"],
		["no Host", () => "GET /healthz HTTP/1.1\r\n\r\n", 400, "invalid_http"],
		["an invalid Host", () => requestHead("GET", "/healthz", { host: "a b" }), 400, "invalid_http"],
		["a target that is not a path", () => requestHead("OPTIONS", "*", {}), 400, "invalid_http"],
		["a tunnel", () => requestHead("CONNECT", "127.0.0.1:443", {}), 400, "invalid_http"],
		["an expectation", () => requestHead("GET", "/healthz", { expect: "wonders" }), 400, "invalid_http"],
		["two framings", () => chunked("").replace("\r\n", "\r\ncontent-length: 3\r\n"), 400, "invalid_http"],
		["a chunk without length", () => chunked("zz\r\nabc\r\n"), 400, "invalid_http"],
		["too many headers", () => requestHead("GET", "/", { x: "x".repeat(20_000) }), 431, "headers_too_large"],
	])("%s", async (_what, bytes, status, code) => {
		using connection = new RawConnection(server.port);
		await connection.write(bytes());
		const answer = await connection.answer();
		expect([answer.status, JSON.parse(answer.body)]).toEqual([
			status,
			{ code, message: expect.stringMatching(/^The request .*\.$/), requestId: answer.headers["x-request-id"] },
		]);
		expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
		const requestId = answer.headers["x-request-id"];
		const line = await eventually("its line in the log", () =>
			server.log.find((each) => each["requestId"] === requestId),
		);
		expect(line).toMatchObject({ level: "info", code });
	});
});

it("the log has the address of a connection whose request could not be read", async () => {
	using connection = new RawConnection(server.port);
	await connection.write("GARBAGE\r\n\r\n");
	const { headers } = await connection.answer();
	const line = await eventually("its line", () =>
		server.log.find((each) => each["requestId"] === headers["x-request-id"]),
	);
	expect(line).toMatchObject({ code: "invalid_http", clientAddress: "127.0.0.1" });
});

it("a health check with HTTP/1.0 and without a Host gets a response", async () => {
	using connection = new RawConnection(server.port);
	await connection.write("GET /healthz HTTP/1.0\r\n\r\n");
	expect(await connection.answer()).toMatchObject({ status: 200 });
});

it("a send is not refused for what follows it, since it is accepted", async () => {
	const body = JSON.stringify({ type: "followed.by.garbage", data: 1 });
	using connection = new RawConnection(server.port);
	const headers = { ...key(), "content-type": "application/json", "content-length": String(body.length) };
	await connection.write(
		`${requestHead("POST", `/projects/${server.projectId}/events`, headers)}${body}GARBAGE\r\n\r\n`,
	);
	await connection.closed;
	expect(connection.unread).not.toContain("invalid_http");
	await eventually("the event", async () => {
		const { data } = await server.project.events.list({ type: "followed.by.garbage" });
		return data.length === 1;
	});
});

it("nothing is written into a response that has started", async () => {
	using connection = new RawConnection(server.port);
	await connection.write(requestHead("GET", `/projects/${server.projectId}/stream`, key()));
	await eventually("the answer to begin", () => connection.unread.includes("200 OK"));
	await connection.write("GARBAGE\r\n\r\n");
	await connection.closed;
	expect(connection.unread).not.toContain("invalid_http");
});
