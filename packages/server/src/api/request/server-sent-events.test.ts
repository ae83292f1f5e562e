// Responses of server-sent events on a real connection: they wait for their clients, and end with them.
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { describe, expect, it, vi } from "vitest";

import type { LiveSignal } from "../../core/live.ts";
import type { LiveSubscription } from "../../engine/live-calls.ts";
import { caller, type Caller } from "../test/caller.ts";
import { listenOnNode } from "../test/node-server.ts";

/** A subscription whose signals the test gives. `asked` counts the calls of `next`. */
class Script implements LiveSubscription {
	asked = 0;
	closed = 0;
	#waiting: PromiseWithResolvers<readonly LiveSignal[] | null> | null = null;

	next(): Promise<readonly LiveSignal[] | null> {
		this.asked++;
		this.#waiting = Promise.withResolvers();
		return this.#waiting.promise;
	}

	close(): void {
		this.closed++;
		this.#waiting?.resolve(null);
	}

	async give(signals: readonly LiveSignal[] | null): Promise<void> {
		await expect.poll(() => this.#waiting).not.toBe(null);
		const waiting = this.#waiting;
		this.#waiting = null;
		waiting?.resolve(signals);
	}

	async fail(error: Error): Promise<void> {
		await expect.poll(() => this.#waiting).not.toBe(null);
		this.#waiting?.reject(error);
	}
}

const heartbeat = (id: string): LiveSignal => ({ type: "heartbeat", id });

async function start(version = "1.1") {
	const api = await caller();
	const script = new Script();
	vi.spyOn(api.engine.live, "subscribe").mockImplementation(() => script);
	const connection = new RawConnection(await listenOnNode(api.app, null));
	await connection.write(headOf(api).replace("HTTP/1.1", `HTTP/${version}`));
	return { api, script, connection, [Symbol.dispose]: () => connection[Symbol.dispose]() };
}

/** The client stops to read, and gets as much as fits between the two ends. Returns how often it was given something. */
async function fillBuffers({ connection, script }: Awaited<ReturnType<typeof start>>): Promise<number> {
	connection.pause();
	let given = 0;
	do {
		await script.give([heartbeat("x".repeat(1_000_000))]);
		given++;
		await new Promise((resolve) => setImmediate(resolve));
	} while (script.asked > given && given < 100);
	return given;
}

function headOf({ keys, project }: Caller, method = "GET"): string {
	return requestHead(method, `/projects/${project.id}/stream`, { "secret-key": keys.read });
}

describe("a stream of events over HTTP/1.1", () => {
	it("begins with its headers while there is nothing to say, and ends for the next request on the connection", async () => {
		using stream = await start();
		const { api, connection, script } = stream;
		await expect.poll(() => connection.unread).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\n$/);
		for (const line of [
			"content-type: text/event-stream; charset=utf-8",
			"cache-control: no-store",
			"x-request-id: ",
		]) {
			expect(connection.unread).toContain(line);
		}
		await script.give([heartbeat("1"), heartbeat("2")]);
		await script.give([heartbeat("3")]);
		await expect.poll(() => connection.unread).toContain("id: 3\n\n");
		expect(connection.unread.match(/retry: 2000\n/g)).toHaveLength(1);
		await script.give(null);
		await expect.poll(() => connection.unread).toContain("\r\n0\r\n\r\n");
		await connection.write(headOf(api, "HEAD"));
		await expect.poll(() => connection.unread.match(/HTTP\/1\.1 200 OK/g)?.length).toBe(2);
		expect(connection.isClosed).toBe(false);
	});

	it("asks for nothing more while its client does not read, and goes on when it does", async () => {
		using stream = await start();
		const { connection, script } = stream;
		const given = await fillBuffers(stream);
		expect(script.asked).toBe(given);
		connection.resume();
		await expect.poll(() => script.asked).toBe(given + 1);
	});

	it("tells its source once or more that the client is gone, also while that does not read", async () => {
		for (const isRead of [true, false]) {
			using stream = await start();
			const { connection, script } = stream;
			if (isRead) await script.give([heartbeat("1")]);
			else await fillBuffers(stream);
			connection.reset();
			await expect.poll(() => script.closed).toBeGreaterThan(0);
		}
	});

	it("is closed without an end if its source fails, so that the client connects anew", async () => {
		using stream = await start();
		const { connection, script } = stream;
		await script.give([heartbeat("1")]);
		await script.fail(new TypeError("a fault"));
		await connection.closed;
		expect(connection.unread).not.toContain("\r\n0\r\n\r\n");
		await expect.poll(() => script.closed).toBeGreaterThan(0);
	});

	it("is for HTTP/1.0, too, and ends with its connection", async () => {
		using stream = await start("1.0");
		const { connection, script } = stream;
		await script.give([heartbeat("1")]);
		await script.give(null);
		await connection.closed;
		expect(connection.unread).toMatch(/\r\n\r\nretry: 2000\n: heartbeat\nid: 1\n\n$/);
	});

	it("closes what its source has for a client that was gone before", async () => {
		const api = await caller();
		const script = new Script();
		const port = await listenOnNode(api.app, null);
		using connection = new RawConnection(port);
		const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
		const { promise: gate, resolve: open } = Promise.withResolvers<void>();
		vi.spyOn(api.engine.live, "prepare").mockImplementation(async () => {
			ask();
			await gate;
		});
		vi.spyOn(api.engine.live, "subscribe").mockImplementation(() => script);
		await connection.write(headOf(api));
		await asked;
		connection.reset();
		await connection.closed;
		// The server has noticed it when it serves a later connection.
		using other = new RawConnection(port);
		await other.request("GET", "/healthz", {});
		await other.answer();
		open();
		await expect.poll(() => script.closed).toBeGreaterThan(0);
		expect(script.asked).toBe(0);
	});
});
