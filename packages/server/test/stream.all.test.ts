// The live stream over real sockets: what a client gets, what it misses, and what happens to one that does not read.
import { readdirSync, readlinkSync } from "node:fs";

import type { StreamItem } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { describe, expect, it } from "vitest";

import { LiveMemory } from "./live-memory.ts";

const BATCH = 500;
/** A leak would end the server early. */
const SMALL_HEAP = "--max-old-space-size=96";

function sendBatch(server: ServerProcess, first: number, count = BATCH) {
	return server.project.events.sendBatch(
		Array.from({ length: count }, (_, n) => ({ type: "load.event", data: first + n })),
	);
}

function openSockets(server: ServerProcess): number {
	const folder = `/proc/${server.pid}/fd`;
	return readdirSync(folder).filter((fd) => isSocket(`${folder}/${fd}`)).length;
}

/** False if the descriptor was closed after it was listed. */
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

/** Opens a stream and stops reading it, so that the operating system's buffers fill up. */
async function openUnreadStream(server: ServerProcess): Promise<RawConnection> {
	const connection = new RawConnection(server.port);
	await connection.write(requestHead("GET", `/projects/${server.projectId}/stream`, { "secret-key": server.key }));
	await eventually("the stream to begin", () => connection.unread.includes("heartbeat"));
	connection.pause();
	return connection;
}

describe("the live stream", () => {
	it("gives each item exactly once and in order to a client whose connection is cut again and again", async () => {
		await using server = await startServerProcess();
		const sent: string[] = [];
		const got: StreamItem[] = [];
		let lastEventId: string | undefined;
		const done = new AbortController();
		const reading = (async () => {
			while (!done.signal.aborted) {
				const before = got.length;
				const params = { kinds: ["event.accepted" as const], ...(lastEventId && { lastEventId }) };
				// Leaving the loop closes the connection at any point of the server's writing.
				for await (const item of server.project.stream(params, { signal: done.signal })) {
					got.push(item);
					if ("id" in item) lastEventId = item.id;
					if (got.length - before >= 700) break;
				}
			}
		})().catch((error: unknown) => {
			if (!done.signal.aborted) throw error;
		});
		const ids = () => got.map((item) => (item.kind === "event.accepted" ? item.eventId : item.kind));
		await eventually("the stream to start", async () => {
			sent.push((await server.project.events.send({ type: "load.event", data: "first" })).id);
			return got.length > 0;
		});
		for (let round = 0; round < 12; round++) {
			for (const { event } of await sendBatch(server, round * BATCH)) if (event !== undefined) sent.push(event.id);
		}
		// Items come in the order of the events. How many were sent before the stream began is not known.
		await eventually("the last item", () => ids().at(-1) === sent.at(-1));
		done.abort();
		await reading;
		expect(ids()).toEqual(sent.slice(-got.length));
		expect(got.length).toBeGreaterThan(12 * BATCH);
	});

	it("drops a client that does not read, with bounded memory, and other clients are not affected", async () => {
		// One project may have half of the streams.
		const env = { FANFARE_LOG_LEVEL: "error", FANFARE_MAX_STREAMS: "50", NODE_OPTIONS: SMALL_HEAP };
		const memory = new LiveMemory();
		await using server = await startServerProcess({ ...memory.options, env });
		const { items, stop } = collect(server, { kinds: ["event.accepted"] });
		await eventually("the reader's stream to start", async () => (await sendBatch(server, 0, 1)) && items.length > 0);
		// Lets the server's memory grow to its usual size under load.
		for (let round = 0; round < 30; round++) await sendBatch(server, round * BATCH);
		const socketsBefore = openSockets(server);
		const unread = await Promise.all(Array.from({ length: 5 }, () => openUnreadStream(server)));
		const before = await memory.ask(server, "now");
		const beforeItems = items.length;
		// 60,000 items of 270 bytes: far beyond the 10,000 that are kept and what socket buffers hold.
		for (let round = 0; round < 120; round++) await sendBatch(server, round * BATCH);
		const grown = (await memory.ask(server, "now")) - before;
		await eventually("the reader to have all items", () => items.length >= beforeItems + 120 * BATCH);
		expect(items.filter(({ kind }) => kind === "gap")).toEqual([]);
		expect(grown).toBeLessThan(64 * 1_024 * 1_024);
		// Not even the last item can be written to them, so they are disconnected; some may be already.
		await eventually("the server to close their connections", () => openSockets(server) <= socketsBefore);
		const again = await Promise.all(Array.from({ length: 24 }, () => openUnreadStream(server)));
		expect((await server.call("GET", `/projects/${server.projectId}/stream`)).status).toBe(503);
		for (const connection of [...unread, ...again]) connection[Symbol.dispose]();
		await stop();
	});
});
