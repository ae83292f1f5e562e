// Limits against clients that are slow, read nothing or send without end, at a process whose memory is watched.
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

describe("a body that is too large", () => {
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

it("the body of a GET is read on for a short time only, however slowly it comes", async () => {
	using connection = new RawConnection(server.port);
	await connection.write(requestHead("GET", "/workspace", { ...headers(), "transfer-encoding": "chunked" }));
	expect((await connection.answer()).status).toBe(200);
	await dripUntilClosed(connection, "1\r\nx\r\n");
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
