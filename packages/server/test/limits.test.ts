// Limits against clients that are slow, disconnect, or send too much, over real connections.
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { Client } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { startServerProcess, type Answer, type ServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { LiveMemory } from "./live-memory.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;
const ENDLESS_BYTES = 100_000 * MIB;

let server: ServerProcess;
const memory = new LiveMemory();
beforeAll(async () => {
	// The limit of body bytes in memory is so low that a leak of a few bodies would exceed it.
	server = await startServerProcess({
		...memory.options,
		env: { FANFARE_MAX_BODY_BYTES_IN_HAND: String(16 * MIB) },
	});
});
afterAll(async () => {
	await server[Symbol.asyncDispose]();
});

const eventsPath = () => `/projects/${server.projectId}/events`;
const headers = () => ({ "secret-key": server.key, "content-type": "application/json" });
const sendEvent = (event: object) => server.call("POST", eventsPath(), event);
const eventOf = (bytes: number) => `{"type":"a.b","data":"${"x".repeat(bytes)}"}`;

async function eventCount(): Promise<number> {
	return (await Array.fromAsync(server.project.events.list())).length;
}

/** The connections that the server has open, that of this call included. */
async function connectionCount(): Promise<number> {
	const { limits } = await server.client.getStatus();
	return limits.find(({ name }) => name === "maxConnections")?.used ?? Infinity;
}

// Without the server's limits of 10 s for headers, 60 s for a body and half a second for the rest of a refused body, the connections of
// slow clients would never end in these tests.
describe.concurrent("a client that is slow is cut off", () => {
	it("in its headers", async () => {
		using connection = new RawConnection(server.port);
		await connection.write("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n");
		await dripUntilClosed(connection, "x-slow: 1\r\n");
		expect((await server.call("GET", "/healthz")).status).toBe(200);
	});

	it("in its body", async () => {
		using connection = new RawConnection(server.port);
		await connection.write(requestHead("POST", eventsPath(), { ...headers(), "content-length": "100000" }));
		await connection.write('{"type":"slow.event","data":"');
		await dripUntilClosed(connection, "x");
		expect((await server.project.events.list({ type: "slow.event" })).data).toEqual([]);
	});

	it("and other clients are not affected", async () => {
		using slow = new RawConnection(server.port);
		await slow.write("POST ");
		expect((await sendEvent({ type: "a.b", data: 1 })).status).toBe(202);
	});
});

async function dripUntilClosed(connection: RawConnection, drop: string): Promise<void> {
	while (!connection.isClosed) {
		await connection.write(drop);
		await delay(200); // the pace of the slow client
	}
}

it("a client that asks for pages and reads nothing is refused, and the metrics say so", async () => {
	const metric = async (name: string) => {
		const text = await (await fetch(`${server.url}/metrics`)).text();
		return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
	};
	const path = `/projects/${server.projectId}/event-types`;
	const example = "x".repeat(60 * KIB);
	for (let n = 0; n < 64; n++) await server.call("PUT", `${path}/unread.${n}`, { example });
	expect([await metric("fanfare_reads_refused_total"), await metric("fanfare_unread_response_bytes")]).toEqual([0, 0]);
	// Pages of 3.8 MB each: a project may leave half of 64 MiB unread.
	const stuck = connect(server.port, "127.0.0.1").pause();
	stuck.write(requestHead("GET", `${path}?limit=1000`, headers()).repeat(12));
	await eventually("a read to be refused", async () => (await metric("fanfare_reads_refused_total")) > 0);
	const unread = await metric("fanfare_unread_response_bytes");
	expect(unread).toBeGreaterThan(16 * MIB);
	expect(unread).toBeLessThanOrEqual(32 * MIB);
	stuck.destroy();
	await eventually("all to be given up", async () => (await metric("fanfare_unread_response_bytes")) === 0);
});

describe("an incomplete body", () => {
	it("leaves nothing behind when the client disconnects", async () => {
		const before = await eventCount();
		const body = eventOf(200 * KIB);
		// Together far more bytes than may be in memory at the same time.
		for (let n = 0; n < 100; n++) {
			using connection = new RawConnection(server.port);
			const length = { "content-length": String(body.length) };
			await connection.write(requestHead("POST", eventsPath(), { ...headers(), ...length }) + body.slice(0, -1));
			if (n % 2 === 0) connection.reset();
		}
		await eventually("the server to have noticed it", async () => (await connectionCount()) < 10);
		const whole = await Promise.all(
			Array.from({ length: 20 }, () => sendEvent({ type: "a.b", data: "x".repeat(200 * KIB) })),
		);
		expect(whole.map(({ status }) => status)).toEqual(whole.map(() => 202));
		expect(await eventCount()).toBe(before + 20);
	});

	it("is a 400 when its JSON breaks off, and the connection stays open", async () => {
		using connection = new RawConnection(server.port);
		await connection.request("POST", eventsPath(), headers(), '{"type":"a.b","data":{"a":[1,');
		const { status, body } = await connection.answer();
		expect([status, JSON.parse(body)]).toMatchObject([400, { code: "invalid_json" }]);
		await connection.request("GET", "/healthz", {});
		expect((await connection.answer()).status).toBe(200);
	});
});

describe("a body that is too large", () => {
	it.each([
		["an event of 257 KiB", "", eventOf(257 * KIB)],
		["a batch of 5 MiB and a byte", ":batch", `{"events":[${eventOf(5 * MIB - eventOf(0).length - 13 + 1)}]}`],
		["a batch of 1,001 events", ":batch", `{"events":[${Array.from({ length: 1_001 }, () => eventOf(1)).join(",")}]}`],
	])("is a 413 and leaves nothing behind: %s", async (_what, action, body) => {
		const before = await eventCount();
		const answer = await server.call("POST", eventsPath() + action, body);
		expect([answer.status, answer.json]).toMatchObject([413, { code: "payload_too_large" }]);
		expect(await eventCount()).toBe(before);
	});

	it("is accepted up to the limit", async () => {
		const batch = `{"events":[${eventOf(200 * KIB)}]}`;
		const padded = batch + " ".repeat(5 * MIB - batch.length);
		expect((await server.call("POST", `${eventsPath()}:batch`, padded)).status).toBe(202);
		const event = eventOf(256 * KIB - eventOf(0).length);
		expect((await server.call("POST", eventsPath(), event)).status).toBe(202);
		const { json } = await server.call("POST", `${eventsPath()}:batch`, `{"events":[${event},${event} ]}`);
		expect(json).toMatchObject({ data: [{ status: 202 }, { status: 202 }] });
	});

	it("gets a response before it is sent, if its content-length is too large", async () => {
		using connection = new RawConnection(server.port);
		await connection.write(requestHead("POST", eventsPath(), { ...headers(), "content-length": String(100 * MIB) }));
		const { status, body } = await connection.answer();
		expect([status, JSON.parse(body)]).toMatchObject([413, { code: "payload_too_large" }]);
	});

	it.each([
		["with a length", { "content-length": String(ENDLESS_BYTES) }, "x".repeat(64 * KIB)],
		["in endless chunks", { "transfer-encoding": "chunked" }, `10000\r\n${"x".repeat(64 * KIB)}\r\n`],
	])("is not read to its end, %s", async (_how, framing, piece) => {
		const before = await memory.ask(server, "watch");
		using connection = new RawConnection(server.port);
		await connection.write(requestHead("POST", eventsPath(), { ...headers(), ...framing }));
		while (connection.sentBytes < ENDLESS_BYTES && (await connection.write(piece)));
		await connection.closed;
		expect(connection.sentBytes).toBeLessThan(ENDLESS_BYTES);
		expect((await memory.ask(server, "most")) - before, "memory growth").toBeLessThan(64 * MIB);
	});

	it("is read on for a short time only, however slowly it comes", async () => {
		using connection = new RawConnection(server.port);
		await connection.write(requestHead("POST", eventsPath(), { ...headers(), "transfer-encoding": "chunked" }));
		await connection.write(`50000\r\n${"x".repeat(0x50000)}\r\n`);
		expect((await connection.answer()).status).toBe(413);
		await dripUntilClosed(connection, "1\r\nx\r\n");
	});
});

describe("the body of a GET", () => {
	it.each([
		["with a length", { "content-length": String(ENDLESS_BYTES) }, "x".repeat(64 * KIB)],
		["in endless chunks", { "transfer-encoding": "chunked" }, `10000\r\n${"x".repeat(64 * KIB)}\r\n`],
	])("is not read to its end, %s", async (_how, framing, piece) => {
		using connection = new RawConnection(server.port);
		await connection.write(requestHead("GET", "/workspace", { ...headers(), ...framing }));
		expect((await connection.answer()).status).toBe(200);
		while (await connection.write(piece));
		await connection.closed;
	});

	it("is read on for a short time only, however slowly it comes", async () => {
		using connection = new RawConnection(server.port);
		await connection.write(requestHead("GET", "/workspace", { ...headers(), "transfer-encoding": "chunked" }));
		expect((await connection.answer()).status).toBe(200);
		await dripUntilClosed(connection, "1\r\nx\r\n");
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

	it("get their responses in order when they are sent all at once", async () => {
		using connection = new RawConnection(server.port);
		const bodies = ['{"type":"a.b","data":1}', "{", '{"type":"a.b","data":2}'];
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

describe("an idempotency key", () => {
	it("makes one event of 50 concurrent sends", async () => {
		const before = await eventCount();
		const event = { type: "a.b", data: { order: 1 }, idempotencyKey: "order-1" };
		const answers = await Promise.all(Array.from({ length: 50 }, () => sendEvent(event)));
		const events = answers.map(({ json }) => json as { id: string; duplicate: boolean });
		expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
		expect(new Set(events.map(({ id }) => id)).size).toBe(1);
		expect(events.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
		expect(await eventCount()).toBe(before + 1);
	});

	it("is a 409 for all but one of 20 different concurrent sends", async () => {
		const sends = Array.from({ length: 20 }, (_, data) => sendEvent({ type: "a.b", data, idempotencyKey: "order-2" }));
		const answers = await Promise.all(sends);
		expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
		expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
		expect(answers.find(({ status }) => status === 409)?.json).toMatchObject({ code: "idempotency_conflict" });
	});

	it("belongs to its project", async () => {
		const other = await server.client.projects.create({ name: "other" });
		const event = { type: "a.b", data: 1, idempotencyKey: "of one project" };
		expect((await other.events.send(event)).duplicate).toBe(false);
		expect((await server.project.events.send(event)).duplicate).toBe(false);
	});
});

it("a full intake refuses at once with Retry-After, and keeps what it accepts", async () => {
	await using small = await startServerProcess({ env: { FANFARE_MAX_WAITING_SENDS: "1" } });
	const answers: Answer[] = [];
	for (let round = 0; round < 20 && answers.every(({ status }) => status === 202); round++) {
		const send = (data: number) => small.call("POST", `/projects/${small.projectId}/events`, { type: "a.b", data });
		answers.push(...(await Promise.all(Array.from({ length: 100 }, (_, data) => send(data)))));
	}
	const accepted = answers.filter(({ status }) => status === 202);
	const refused = answers.filter(({ status }) => status !== 202);
	expect(refused.length).toBeGreaterThan(0);
	for (const { status, json, headers } of refused) {
		expect([status, json]).toMatchObject([503, { code: "overloaded" }]);
		expect(headers.get("retry-after")).toMatch(/^\d+$/);
	}
	const ids = (await Array.fromAsync(small.project.events.list())).map(({ id }) => id);
	expect(ids.sort()).toEqual(accepted.map(({ json }) => (json as { id: string }).id).sort());
	// The SDK waits as Retry-After says, and its sends succeed, however slow the disk is.
	const { events } = new Client(small.key, { endpoint: small.url, maxRetries: 20 }).project(small.projectId);
	await Promise.all(Array.from({ length: 5 }, (_, data) => events.send({ type: "a.b", data })));
});

describe.skipIf(process.platform !== "linux")("look-ups of names", () => {
	const threads = (pid: number) => readdirSync(`/proc/${pid}/task`).length;

	it("have many threads, or as many as the operator sets", async () => {
		await using many = await startServerProcess();
		await using few = await startServerProcess({ env: { UV_THREADPOOL_SIZE: "4" } });
		for (const each of [many, few]) {
			const { id } = await each.createWebhook("http://localhost:9/", { retries: { maxRetries: 0 } });
			await each.project.batch.webhooks.test(id);
		}
		expect(threads(many.pid) - threads(few.pid)).toBeGreaterThan(20);
	});
});
