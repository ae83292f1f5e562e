// Connections and pools: how many there are, when they are reused, and when they close.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, vi } from "vitest";

import { openTestSender } from "./test/open-test-sender.ts";
import { stoppedTime } from "./test/reading.ts";

/** Starts receivers, each an origin of its own. */
async function startReceivers(count: number): Promise<AsyncDisposable & { all: Receiver[] }> {
	const all = await Promise.all(Array.from({ length: count }, () => startReceiver()));
	return {
		all,
		async [Symbol.asyncDispose]() {
			await Promise.all(all.map((receiver) => receiver.close()));
		},
	};
}

describe("connections", () => {
	it("are no more than the attempts at a time", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		const loop = async () => {
			for (let n = 0; n < 25; n += 1) expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200 });
		};
		await Promise.all([loop(), loop(), loop(), loop()]);
		expect(receiver.requests).toHaveLength(100);
		expect(receiver.connectionCount).toBeLessThanOrEqual(4);
	});

	it("stay within the limit per origin, and waiting attempts go in order of arrival", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ connectionsPerPool: 2 });
		receiver.script(() => ({ delayMs: 5 }));
		const paths = Array.from({ length: 20 }, (_, n) => `/${n}`);
		await Promise.all(paths.map((path) => sender.send(`${receiver.url}${path}`)));
		expect(receiver.connectionCount).toBe(2);
		const arrived = receiver.requests.map(({ path }) => path);
		expect(arrived.toSorted()).toEqual(paths.toSorted());
		expect(arrived.slice(-2).toSorted()).toEqual(["/18", "/19"]);
	});

	it("serve waiting attempts one after another while one connection hangs", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ connectionsPerPool: 2 });
		receiver.respond([{ kind: "hang" }]);
		const hanging = sender.send(receiver.url);
		await receiver.waitFor(1);
		const others = await Promise.all([1, 2, 3, 4].map(() => sender.send(receiver.url)));
		expect(others.map(({ responseCode }) => responseCode)).toEqual([200, 200, 200, 200]);
		await sender.close();
		expect(await hanging).toMatchObject({ error: "aborted" });
	});

	it.each([0, 1])(
		"are not reused once the receiver has closed them, if another one is open: connection %i closed",
		async (closed) => {
			await using receiver = await startReceiver();
			await using sender = openTestSender();
			const both = Promise.withResolvers<object>();
			// The first of them is answered when the other one has come, on a connection of its own.
			receiver.script((_request, index) => {
				if (index === 1) both.resolve({});
				return index === 0 ? both.promise : {};
			});
			await Promise.all([sender.send(receiver.url), sender.send(receiver.url)]);
			receiver.closeConnections("end", closed);
			await receiver.waitForConnections(1);
			await expect.poll(() => sender.stats().sockets).toBe(1);
			await sender.send(receiver.url);
			expect(receiver.requests.at(-1)?.connection).toBe(1 - closed);
		},
	);

	it("are closed after each timeout, without opening new ones that nobody needs", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		using _ = stoppedTime();
		receiver.script(() => ({ kind: "hang" }));
		for (let n = 1; n <= 3; n += 1) {
			const sent = sender.send(receiver.url, { timeoutMs: 50 });
			await receiver.waitFor(n);
			vi.advanceTimersByTime(50);
			expect(await sent).toMatchObject({ error: "timeout" });
		}
		await receiver.waitForConnections(0);
		expect(receiver.connectionCount).toBe(3);
		expect(sender.stats()).toMatchObject({ exchanges: 0, sockets: 0 });
	});
});

describe("pools", () => {
	it("are limited in number, and so are their sockets", async () => {
		await using receivers = await startReceivers(12);
		await using sender = openTestSender({ maxPools: 4 });
		for (let round = 0; round < 3; round += 1) {
			for (const { url } of receivers.all) {
				expect(await sender.send(url)).toMatchObject({ responseCode: 200 });
			}
		}
		await expect.poll(() => sender.stats()).toEqual({ exchanges: 0, pools: 4, sockets: 4 });
	});

	it("stay for the origins that were used last", async () => {
		await using receivers = await startReceivers(3);
		await using sender = openTestSender({ maxPools: 2 });
		const [a, b, c] = receivers.all as [Receiver, Receiver, Receiver];
		for (const { url } of [a, b, a, c, a]) await sender.send(url);
		await b.waitForConnections(0);
		expect([a, b, c].map(({ connectionCount }) => connectionCount)).toEqual([1, 1, 1]);
		expect([a, b, c].map(({ openConnections }) => openConnections)).toEqual([1, 0, 1]);
	});

	it("are divided by project: a project with many origins closes its own, not those of others", async () => {
		await using receivers = await startReceivers(8);
		await using sender = openTestSender({ maxPools: 4 });
		const [quiet, ...many] = receivers.all as [Receiver, ...Receiver[]];
		await sender.send(quiet.url, { projectId: "proj_quiet" });
		for (const { url } of many) await sender.send(url, { projectId: "proj_busy" });
		await expect.poll(() => sender.stats()).toEqual({ exchanges: 0, pools: 4, sockets: 4 });
		await sender.send(quiet.url, { projectId: "proj_quiet" });
		expect(quiet.connectionCount).toBe(1);
	});

	it("give up idle connections when there are as many sockets as there may be", async () => {
		await using receivers = await startReceivers(5);
		await using sender = openTestSender({ maxSockets: 3 });
		for (const { url } of receivers.all) {
			await sender.send(url);
			expect(sender.stats().sockets).toBeLessThanOrEqual(3);
		}
		expect(receivers.all.map(({ openConnections }) => openConnections)).toEqual([0, 0, 1, 1, 1]);
	});

	it("give up all idle connections when this process lacks descriptors", async () => {
		await using receiver = await startReceiver();
		const lookup = () => Promise.reject(Object.assign(new Error("too many open files"), { code: "EMFILE" }));
		await using sender = openTestSender({ lookup });
		// Otherwise the connection would be closed because it is idle.
		using _ = stoppedTime();
		await sender.send(receiver.url);
		expect(await sender.send("http://example.test/")).toMatchObject({
			error: "shortage",
			reason: "this process has no free file descriptor (EMFILE)",
		});
		await receiver.waitForConnections(0);
	});

	it("make room for a new origin at once, not only when its attempt has ended", async () => {
		await using receivers = await startReceivers(2);
		await using sender = openTestSender({ maxPools: 1 });
		const [idle, busy] = receivers.all as [Receiver, Receiver];
		await sender.send(idle.url);
		// The pool becomes idle one turn of the event loop after the outcome is known.
		for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
		busy.script(() => ({ kind: "hang" }));
		const hanging = sender.send(busy.url);
		await expect.poll(() => sender.stats()).toMatchObject({ exchanges: 1, pools: 1 });
		await idle.waitForConnections(0);
		await sender.close();
		await hanging;
	});

	it("may exceed the limit while all are busy, and return to it afterwards", async () => {
		await using receivers = await startReceivers(6);
		await using sender = openTestSender({ maxPools: 2 });
		const answer = Promise.withResolvers<object>();
		for (const receiver of receivers.all) receiver.script(() => answer.promise);
		const outcomes = receivers.all.map(({ url }) => sender.send(url));
		await Promise.all(receivers.all.map((receiver) => receiver.waitFor(1)));
		expect(sender.stats()).toMatchObject({ exchanges: 6, pools: 6 });
		answer.resolve({});
		for (const outcome of outcomes) expect(await outcome).toMatchObject({ responseCode: 200 });
		await expect.poll(() => sender.stats()).toEqual({ exchanges: 0, pools: 2, sockets: 2 });
	});

	it("are closed when they have been idle for poolIdleMs, not before", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ poolIdleMs: 300 });
		const startedAt = performance.now();
		await sender.send(receiver.url);
		await receiver.waitForConnections(0);
		expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300);
		await expect.poll(() => sender.stats()).toEqual({ exchanges: 0, pools: 0, sockets: 0 });
	});

	it("of receivers that are gone are closed too", async () => {
		await using receivers = await startReceivers(5);
		await using sender = openTestSender({ maxPools: 2 });
		for (const receiver of receivers.all) await receiver.close();
		const outcomes = await Promise.all(receivers.all.map((_, n) => sender.send(`http://127.0.0.1:${n + 1}`)));
		expect(outcomes.map(({ error }) => error)).toEqual(["refused", "refused", "refused", "refused", "refused"]);
		await expect.poll(() => sender.stats()).toEqual({ exchanges: 0, pools: 2, sockets: 0 });
	});
});
