// Bodies that are too large, too long or broken off, and requests that share a connection, over real connections.
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startHere, type ServerHere } from "./server-here.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;
const ENDLESS = [
	["with a length", { "content-length": String(100_000 * MIB) }, "x".repeat(64 * KIB)],
	["in endless chunks", { "transfer-encoding": "chunked" }, `10000\r\n${"x".repeat(64 * KIB)}\r\n`],
] as const;

let server: ServerHere;
beforeAll(async () => {
	// The limit of body bytes in memory is so low that a leak of a few bodies would exceed it.
	server = await startHere({ FANFARE_MAX_BODY_BYTES_IN_HAND: String(16 * MIB) });
});
afterAll(() => server[Symbol.asyncDispose]());

const eventsPath = () => `/projects/${server.projectId}/events`;
const headers = () => ({ "secret-key": server.key, "content-type": "application/json" });
const eventOf = (bytes: number) => `{"type":"a.b","data":"${"x".repeat(bytes)}"}`;
const eventCount = async () => (await Array.fromAsync(server.project.events.list())).length;

it("bodies that break off leave nothing behind, whether the client closes or resets its connection", async () => {
	const before = await eventCount();
	const body = eventOf(200 * KIB);
	// Together far more bytes than may be in memory at the same time.
	for (let n = 0; n < 100; n++) {
		using connection = new RawConnection(server.port);
		const length = { "content-length": String(body.length) };
		await connection.write(requestHead("POST", eventsPath(), { ...headers(), ...length }) + body.slice(0, -1));
		if (n % 2 === 0) connection.reset();
	}
	await eventually("the server to have noticed it", async () => {
		const { limits } = await server.client.getStatus();
		return (limits.find(({ name }) => name === "maxConnections")?.used ?? Infinity) < 10;
	});
	const whole = await Promise.all(Array.from({ length: 20 }, () => server.call("POST", eventsPath(), body)));
	expect(whole.map(({ status }) => status)).toEqual(whole.map(() => 202));
	expect(await eventCount()).toBe(before + 20);
});

describe("the body of a GET", () => {
	it.each(ENDLESS)("is not read to its end, %s", async (_how, framing, piece) => {
		using connection = new RawConnection(server.port);
		await connection.write(requestHead("GET", "/workspace", { ...headers(), ...framing }));
		expect((await connection.answer()).status).toBe(200);
		while (await connection.write(piece));
		await connection.closed;
	});

	it("may be there, if it ends: the connection stays open", async () => {
		using connection = new RawConnection(server.port);
		for (let n = 0; n < 3; n++) {
			await connection.request("GET", "/workspace", headers(), '{"ignored":true}');
			expect((await connection.answer()).status).toBe(200);
		}
	});
});

describe("requests on one connection", () => {
	const smuggled = "GET /workspace HTTP/1.1\r\nhost: x\r\n\r\n";

	it("after a 413 get a response or none, and nothing in the refused body is parsed as a request", async () => {
		using connection = new RawConnection(server.port);
		const body = smuggled.repeat(Math.ceil((300 * KIB) / smuggled.length));
		await connection.request("POST", eventsPath(), headers(), body);
		await connection.request("GET", "/healthz", {});
		const first = await connection.answer();
		expect(first.status).toBe(413);
		if (first.headers["connection"] === "close") {
			await connection.closed;
		} else {
			expect((await connection.answer()).status).toBe(200);
		}
		expect(connection.unread).toBe("");
		expect((await server.call("GET", "/healthz")).status).toBe(200);
	});

	it("get their responses in order when they are sent all at once, also after a broken body", async () => {
		using connection = new RawConnection(server.port);
		const bodies = ['{"type":"a.b","data":1}', '{"type":"a.b","data":{"a":[1,', '{"type":"a.b","data":2}'];
		await Promise.all(bodies.map((body) => connection.request("POST", eventsPath(), headers(), body)));
		await connection.request("GET", "/workspace", {});
		const statuses: number[] = [];
		while (statuses.length < 4) statuses.push((await connection.answer()).status);
		expect(statuses).toEqual([202, 400, 202, 401]);
		expect(connection.unread).toBe("");
	});

	it.each([
		["two lengths", { "content-length": "5", "Content-Length": "50" }],
		["a length and chunks", { "content-length": "5", "transfer-encoding": "chunked" }],
	])("are refused with %s, which servers may interpret differently", async (_what, framing) => {
		using connection = new RawConnection(server.port);
		await connection.write(`${requestHead("POST", eventsPath(), { ...headers(), ...framing })}0\r\n\r\n${smuggled}`);
		expect((await connection.answer()).status).toBe(400);
		await connection.closed;
	});
});
