// The live stream over real sockets: what a client gets, what it misses, and what becomes of one that does not read.
import { readdirSync, readlinkSync } from "node:fs";

import type { StreamItem } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { describe, expect, it } from "vitest";

const BATCH = 500;
/** Else Node lets garbage gather to many times of what is in use, which no test can tell from a leak. */
const SMALL_HEAP = "--max-old-space-size=96";
/** Below any grace period. */
const AT_ONCE_MS = 2_000;

function sendBatch(server: ServerProcess, first: number, count = BATCH) {
	return server.project.events.sendBatch(
		Array.from({ length: count }, (_, n) => ({ type: "load.event", data: first + n })),
	);
}

async function residentBytes(server: ServerProcess): Promise<number> {
	const { text } = await server.call("GET", "/metrics");
	return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
}

function openSockets(server: ServerProcess): number {
	const folder = `/proc/${server.pid}/fd`;
	return readdirSync(folder).filter((fd) => isSocket(`${folder}/${fd}`)).length;
}

/** One may be closed between being listed and being looked at. */
function isSocket(path: string): boolean {
	try {
		return readlinkSync(path).startsWith("socket:");
	} catch {
		return false;
	}
}

/** Collects a stream's items in the background until it is stopped. */
function collect(server: ServerProcess, params: Parameters<ServerProcess["project"]["stream"]>[0] = {}) {
	const controller = new AbortController();
	const items: StreamItem[] = [];
	const done = (async () => {
		for await (const item of server.project.stream(params, { signal: controller.signal })) items.push(item);
	})().catch((error: unknown) => error);
	return { items, stop: () => (controller.abort(), done) };
}

/** Opens a stream whose answer is never read, beyond what the system's buffers take. */
async function openDeafStream(server: ServerProcess): Promise<RawConnection> {
	const connection = new RawConnection(server.port);
	await connection.write(requestHead("GET", `/projects/${server.projectId}/stream`, { "secret-key": server.key }));
	await eventually("the stream to begin", () => connection.unread.includes("heartbeat"));
	connection.pause();
	return connection;
}

describe("the live stream", () => {
	it("tells of an event's way to its webhook", async () => {
		await using receiver = await startReceiver();
		await using server = await startServerProcess();
		const webhook = await server.createWebhook(receiver.url);
		const { items, stop } = collect(server, { eventTypes: ["order.*"] });
		await eventually("the first item", async () => {
			await server.project.events.send({ type: "order.paid", data: { secret: "hush" } });
			return items.length > 2;
		});
		await server.project.events.send({ type: "other", data: 1 });
		await stop();
		expect(new Set(items.map(({ kind }) => kind))).toEqual(
			new Set(["event.accepted", "attempt.finished", "delivery.updated"]),
		);
		expect(items).toContainEqual(
			expect.objectContaining({ kind: "delivery.updated", webhookId: webhook.id, status: "Succeeded" }),
		);
		expect(JSON.stringify(items)).not.toMatch(/hush|"other"/);
	});

	it(
		"gives a client that is cut off again and again each item exactly once, in order",
		{ timeout: 60_000 },
		async () => {
			await using server = await startServerProcess();
			const sent: string[] = [];
			const got: StreamItem[] = [];
			let lastEventId: string | undefined;
			const done = new AbortController();
			const reading = (async () => {
				while (!done.signal.aborted) {
					const before = got.length;
					// Leaving the loop closes the connection, wherever the server is with its writing.
					for await (const item of server.project.stream({
						kinds: ["event.accepted"],
						...(lastEventId && { lastEventId }),
					})) {
						got.push(item);
						if ("id" in item) lastEventId = item.id;
						if (got.length - before >= 700 || done.signal.aborted) break;
					}
				}
			})();
			await eventually("the stream to be there", async () => {
				sent.push((await server.project.events.send({ type: "load.event", data: "first" })).id);
				return got.length > 0;
			});
			const skipped = sent.length - got.length;
			for (let round = 0; round < 12; round++) {
				for (const { event } of await sendBatch(server, round * BATCH)) if (event !== undefined) sent.push(event.id);
			}
			await eventually("all items", () => got.length >= sent.length - skipped, 20_000);
			done.abort();
			sent.push((await server.project.events.send({ type: "load.event", data: "last" })).id);
			await reading;
			const ids = got.map((item) => (item.kind === "event.accepted" ? item.eventId : item.kind));
			expect(ids).toEqual(sent.slice(-ids.length));
			expect(ids.length).toBeGreaterThan(12 * BATCH);
		},
	);

	it(
		"drops a client that does not read, with bounded memory, and the others notice nothing",
		{ timeout: 120_000 },
		async () => {
			await using server = await startServerProcess({ env: { FANFARE_LOG_LEVEL: "error", NODE_OPTIONS: SMALL_HEAP } });
			const { items, stop } = collect(server, { kinds: ["event.accepted"] });
			await eventually("the reader to be there", async () => (await sendBatch(server, 0, 1)) && items.length > 0);
			// What the server grows to under load anyway.
			for (let round = 0; round < 30; round++) await sendBatch(server, round * BATCH);
			const socketsBefore = openSockets(server);
			const deaf = await Promise.all(Array.from({ length: 5 }, () => openDeafStream(server)));
			const before = await residentBytes(server);
			const beforeItems = items.length;
			// 60,000 items of 270 bytes: far beyond the 10,000 that are kept and what socket buffers hold.
			for (let round = 0; round < 120; round++) await sendBatch(server, round * BATCH);
			const grown = (await residentBytes(server)) - before;
			await eventually("the reader to have all", () => items.length >= beforeItems + 120 * BATCH, 20_000);
			expect(items.filter(({ kind }) => kind === "gap")).toEqual([]);
			expect(grown).toBeLessThan(64 * 1_024 * 1_024);
			// Not even the last signal can be written to them: they are cut off. Some may have been by now.
			await eventually("the server to hang up", () => openSockets(server) <= socketsBefore, 20_000);
			const again = await Promise.all(Array.from({ length: 24 }, () => openDeafStream(server)));
			expect((await server.call("GET", `/projects/${server.projectId}/stream`)).status).toBe(503);
			for (const connection of [...deaf, ...again]) connection[Symbol.dispose]();
			await stop();
		},
	);

	it(
		"ends with the server at once, also for those that do not read, and goes on after the restart",
		{ timeout: 60_000 },
		async () => {
			await using server = await startServerProcess();
			const { items, stop } = collect(server, { kinds: ["event.accepted"] });
			await eventually("the stream to be there", async () => (await sendBatch(server, 0, 1)) && items.length > 0);
			using _deaf = await openDeafStream(server);
			const signalledAt = performance.now();
			expect(await server.stop()).toEqual({ code: 0, signal: null });
			expect(performance.now() - signalledAt).toBeLessThan(AT_ONCE_MS);
			await server.restart();
			const { id } = await server.project.events.send({ type: "load.event", data: "after" });
			await eventually(
				"the stream to go on",
				async () => {
					const found = items.some((item) => item.kind === "event.accepted" && item.eventId === id);
					if (!found) await sendBatch(server, 0, 1);
					return items.some(({ kind }) => kind === "gap");
				},
				20_000,
			);
			await stop();
		},
	);
});
