// Responses that nobody reads: how much memory they may take, whose are refused or closed, and that nobody else notices.
import { EventEmitter, once } from "node:events";
import { duplexPair, type Duplex } from "node:stream";

import { eventually } from "@fanfare/testkit/eventually";
import { describe, expect, it, vi } from "vitest";

import { systemClock } from "../../../adapters/system/system-clock.ts";
import type { CustomerPrincipal } from "../../../core/access/principal.ts";
import { ManualClock } from "../../../core/manual-clock.ts";
import { openTestEngine } from "../../../engine/test/test-engine.ts";
import { fetchListener } from "../../../fetch-listener.ts";
import { HttpServer } from "../../../http-server.ts";
import { DEFAULT_LIMITS } from "../../deps.ts";
import { testApiOn } from "../../test/test-api.ts";
import type { BodyOwner } from "../body/body-budget.ts";
import { keyWith, OPEN, type Route } from "../route.ts";
import { UnreadableRequests } from "../unreadable.ts";
import { UnreadResponses } from "./unread-responses.ts";

const KB = 1_000;
const LIMIT = 1_600 * KB;

/** A response, or a connection. `destroy` closes it a moment later, as Node does. */
class Closable extends EventEmitter {
	destroyed = false;
	destroy(): void {
		if (this.destroyed) return;
		this.destroyed = true;
		setImmediate(() => this.emit("close"));
	}
}

function asker(name: string, customerId: string | null = null): BodyOwner {
	return { name, customerId };
}

function setUp() {
	const clock = new ManualClock();
	const refused = vi.fn<() => void>();
	const unread = new UnreadResponses(LIMIT, clock, refused);
	const keep = (who: BodyOwner, bytes: number, isRead: boolean) => {
		const response = new Closable();
		unread.keep(who, { bytes, isRead }, response);
		return response;
	};
	const read = (who: BodyOwner, bytes = 100 * KB) => keep(who, bytes, true);
	/** How many reads there is room for. */
	const countReads = (who: BodyOwner) => {
		for (let count = 0; count < 100; count++) {
			try {
				read(who);
			} catch (error) {
				expect(error).toMatchObject({ code: "overloaded", retryAfterMs: 1_000 });
				return count;
			}
		}
		return 100;
	};
	return { clock, unread, keep, read, countReads, refused };
}

describe("the memory for responses that are not read", () => {
	it("is 64 MiB, where nothing else is said", () => {
		expect(DEFAULT_LIMITS.unreadResponseBytes).toBe(64 * 1_024 * 1_024);
	});

	it("is divided by project: one may have half of what the others leave free", () => {
		const { unread, countReads } = setUp();
		expect(["p", "q", "r"].map((name) => countReads(asker(name)))).toEqual([8, 4, 2]);
		expect(unread.bytes).toBe(1_400 * KB);
	});

	it("is divided by customer: all of a project have half of its share, and each half of what the others leave of that", () => {
		const { countReads } = setUp();
		expect(["a", "b", "c"].map((id) => countReads(asker("p", id)))).toEqual([2, 1, 0]);
		// Three are the customers'.
		expect(countReads(asker("p"))).toBe(5);
	});

	it("is free again when a response was read, or its connection is closed", async () => {
		const { unread, read, countReads } = setUp();
		const response = read(asker("p"), 700 * KB);
		const socket = new Closable();
		const behind = new Closable();
		unread.keep(asker("p"), { bytes: 100 * KB, isRead: true }, behind, socket);
		expect(countReads(asker("p"))).toBe(0);
		response.emit("close");
		expect(unread.bytes).toBe(100 * KB);
		// Some versions of Node tell a response that has no connection yet nothing.
		socket.destroy();
		await once(socket, "close");
		expect(unread.bytes).toBe(0);
		behind.emit("close");
		expect([unread.bytes, countReads(asker("p"))]).toEqual([0, 8]);
	});

	it("counts no small response, and none whose client is gone", () => {
		const { unread, read } = setUp();
		read(asker("p"), 16 * 1_024 - 1);
		const [response, socket] = [new Closable(), new Closable()];
		response.destroy();
		unread.keep(asker("p"), { bytes: 100 * KB, isRead: true }, response);
		socket.destroy();
		unread.keep(asker("p"), { bytes: 100 * KB, isRead: true }, new Closable(), socket);
		expect(unread.bytes).toBe(0);
		read(asker("p"), 16 * 1_024);
		expect(unread.bytes).toBe(16 * 1_024);
	});

	it("has room for what was done: connections of the same asker are closed, reads first, then those that wait for a second", async () => {
		const { clock, unread, keep, read } = setUp();
		const ofOthers = [read(asker("q"), 400 * KB), read(asker("p", "a"), 100 * KB)];
		const done = [keep(asker("p"), 200 * KB, false)];
		clock.advance(1_001);
		const reads = [read(asker("p"), 150 * KB), read(asker("p"), 150 * KB)];
		const closed = () => [ofOthers, reads, done].map((all) => all.filter(({ destroyed }) => destroyed).length);
		const finish = (bytes: number) => {
			done.push(keep(asker("p"), bytes, false));
			return closed();
		};
		expect(finish(100 * KB)).toEqual([0, 1, 0]);
		expect(finish(200 * KB)).toEqual([0, 2, 0]);
		expect(finish(100 * KB)).toEqual([0, 2, 1]);
		// There is room for 100 more, and nobody has waited for long.
		expect(finish(200 * KB)).toEqual([0, 2, 1]);
		clock.advance(1_000);
		expect(finish(100 * KB)).toEqual([0, 2, 1]);
		clock.advance(1);
		expect(finish(100 * KB)).toEqual([0, 2, 3]);
		expect(done.map(({ destroyed }) => destroyed)).toEqual([true, true, true, false, false, false, false]);
		// What was closed is not counted twice.
		await Promise.all(reads.map((one) => once(one, "close")));
		expect(unread.bytes).toBe(1_000 * KB);
	});

	it("refuses reads before they are made once it is used up, and neither changes, nor streams, nor what needs no key", () => {
		const { unread, countReads, refused } = setUp();
		const principal = { kind: "customer", projectId: "p", customerId: "a" } as CustomerPrincipal;
		const facts = { principal, clientAddress: null };
		const begin = (route: Partial<Route>) => () =>
			unread.keeper(
				{ outgoing: new Closable() },
				{ method: "get", access: keyWith("read"), answers: {}, ...route } as Route,
				facts,
			);
		expect(begin({})).not.toThrow();
		countReads(asker("p", "a"));
		expect(refused).toHaveBeenCalledTimes(1);
		expect(begin({})).toThrow(expect.objectContaining({ code: "overloaded" }));
		expect(refused).toHaveBeenCalledTimes(2);
		expect(begin({ method: "post" })).not.toThrow();
		expect(begin({ access: OPEN })).not.toThrow();
		expect(begin({ answers: { 200: { description: "", contentType: "text/event-stream" } } })).not.toThrow();
	});

	it("closes the connection of a response that stands behind others", () => {
		const { unread, keep } = setUp();
		const [response, socket] = [new Closable(), new Closable()];
		unread.keep(asker("p"), { bytes: 700 * KB, isRead: true }, response, socket);
		keep(asker("p"), 200 * KB, false);
		expect([response.destroyed, socket.destroyed]).toEqual([false, true]);
	});
});

/** The client's end of a connection, which reads nothing of itself, and an answer that has been read to its end. */
function connectTo(http: HttpServer): {
	ask: (method: string, path: string, key: string, body?: string) => void;
	end: Duplex;
} {
	const [end, given] = duplexPair();
	http.take(Object.assign(given, { remoteAddress: "127.0.0.1", destroySoon: () => void given.end() }));
	const ask = (method: string, path: string, key: string, body = "") => {
		const length = body === "" ? "" : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
		end.write(`${method} ${path} HTTP/1.1\r\nhost: a\r\nsecret-key: ${key}\r\n${length}\r\n${body}`);
	};
	return { ask, end };
}

async function statusOf({ end }: { readonly end: Duplex }): Promise<string> {
	await once(end, "readable");
	return String(end.read()).slice(9, 12);
}

it("a project whose clients read nothing can send, and is told to read before it gets more; others notice nothing", async () => {
	await using test = await openTestEngine();
	const project = test.engine.projects.get(test.scope);
	const api = await testApiOn(test, project, { unreadResponseBytes: 700 * KB });
	const { app, lean, keys, other, unreadResponseBytes } = api;
	const example = { text: "x".repeat(60 * KB) };
	for (const { id } of [project, other]) {
		for (const type of ["a", "b"]) {
			const init = { method: "PUT", headers: { "secret-key": keys.admin }, body: JSON.stringify({ example }) };
			expect((await app.request(`/projects/${id}/event-types/${type}`, init)).status).toBe(200);
		}
	}
	const unreadable = new UnreadableRequests({
		requestLog: () => {},
		clientAddress: () => null,
		makeRequestId: () => "req_1",
	});
	const http = HttpServer.forGiven({}, unreadable, systemClock);
	http.handle(fetchListener(app.fetch, unreadable, { lean }));
	const list = (id: string) => `/projects/${id}/event-types`;
	const stuck = connectTo(http);
	// The second one waits behind the first: some 120 KB each.
	for (let n = 0; n < 2; n++) stuck.ask("GET", list(project.id), keys.project);
	const answered = api.lines.length + 2;
	await eventually("both to be answered", () => api.lines.length >= answered);
	const ask = async (method: string, path: string, key: string, body?: string) => {
		const client = connectTo(http);
		client.ask(method, path, key, body);
		const status = await statusOf(client);
		client.end.destroy();
		return status;
	};
	expect(unreadResponseBytes()).toBeGreaterThan(240 * KB);
	expect(await ask("GET", list(project.id), keys.project)).toBe("503");
	expect(await ask("GET", list(other.id), keys.other)).toBe("200");
	expect(await ask("GET", list(project.id), keys.admin)).toBe("200");
	expect(await ask("GET", "/healthz", keys.project)).toBe("200");
	const event = JSON.stringify({ type: "a", data: 1 });
	expect(await ask("POST", `/projects/${project.id}/events`, keys.project, event)).toBe("202");
	stuck.end.resume();
	await eventually("there to be room", async () => (await ask("GET", list(project.id), keys.project)) === "200");
});
