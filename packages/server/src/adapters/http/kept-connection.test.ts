// A kept connection that the receiver closes just as it is used: when the request is sent once more, and when not.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, vi } from "vitest";

import { notInThread, openTestSender, type TestSender } from "./test/open-test-sender.ts";
import { response, startRawReceiver, type RawReceiver } from "./test/raw-receiver.ts";
import { stoppedTime } from "./test/reading.ts";

const RESET = { error: "reset", responseCode: 0 };

/** Opens connections and has each of them carry one answer, so that all are kept. */
async function keep(sender: TestSender, receiver: RawReceiver, count: number): Promise<void> {
	const sent = Array.from({ length: count }, () => sender.send(receiver.url));
	for (let n = 0; n < count; n += 1) (await receiver.next()).socket.write(response(200));
	await Promise.all(sent);
}

describe("an attempt on a kept connection that the receiver closes at once", () => {
	it.each(["end", "resetAndDestroy"] as const)("is sent once more, on a new connection: %s", async (close) => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		await keep(sender, receiver, 1);
		const sent = sender.send(receiver.url);
		const first = await receiver.next();
		first.socket[close]();
		const second = await receiver.next();
		second.socket.write(response(202));
		expect(await sent).toMatchObject({ error: null, responseCode: 202 });
		expect([first.connection, second.connection]).toEqual([0, 1]);
		expect(second.text).toBe(first.text);
	});

	it("does not go to another kept connection, which may be closed as well", async () => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		await keep(sender, receiver, 2);
		const sent = sender.send(receiver.url);
		(await receiver.next()).socket.end();
		const second = await receiver.next();
		second.socket.write(response(202));
		expect(await sent).toMatchObject({ error: null, responseCode: 202 });
		expect(second.connection).toBe(2);
	});

	it("is sent no third time", async () => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		await keep(sender, receiver, 1);
		const sent = sender.send(receiver.url);
		(await receiver.next()).socket.end();
		(await receiver.next()).socket.end();
		expect(await sent).toMatchObject(RESET);
		expect(receiver.unread).toBe(0);
		expect(receiver.sockets).toHaveLength(2);
	});

	it.each([
		["the beginning of an answer", "HTTP/1.1 20"],
		["an informational answer", "HTTP/1.1 103 Early Hints\r\n\r\n"],
	])("is a reset once any byte of an answer has come: %s", async (_what, bytes) => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		await keep(sender, receiver, 1);
		const sent = sender.send(receiver.url);
		(await receiver.next()).socket.end(bytes);
		expect(await sent).toMatchObject(RESET);
		expect(receiver.unread).toBe(0);
	});

	it("is sent once more over TLS, too", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ ca: receiver.ca });
		receiver.respond([{}, { kind: "raw", parts: [], after: "end" }, { status: 202 }]);
		const url = `https://localhost:${receiver.port}`;
		await sender.send(url);
		expect(await sender.send(url)).toMatchObject({ error: null, responseCode: 202 });
		expect(receiver.requests.map(({ connection }) => connection)).toEqual([0, 0, 1]);
	});

	it.each(["end", "resetAndDestroy"] as const)(
		"is sent once only, if nothing was sent before it was closed: %s",
		async (close) => {
			await using receiver = await startRawReceiver();
			await using sender = openTestSender();
			await keep(sender, receiver, 1);
			notInThread("another thread may write before this one closes the connection");
			// The exchange is handed to the connection in the next turn, which lets one turn more pass before it writes.
			const sent = sender.send(receiver.url);
			setImmediate(() => receiver.sockets[0]?.[close]());
			const { connection, socket } = await receiver.next();
			socket.write(response(202));
			expect(await sent).toMatchObject({ error: null, responseCode: 202 });
			expect(connection).toBe(1);
		},
	);

	it("keeps its deadline", async () => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		await keep(sender, receiver, 1);
		using _ = stoppedTime();
		const sent = sender.send(receiver.url, { timeoutMs: 300 });
		(await receiver.next()).socket.end();
		await receiver.next();
		vi.advanceTimersByTime(299);
		expect(sender.stats().exchanges).toBe(1);
		vi.advanceTimersByTime(1);
		expect(await sent).toMatchObject({ error: "timeout", responseCode: 0 });
		expect(sender.stats().exchanges).toBe(0);
	});
});

describe("an attempt on a new connection that the receiver closes at once", () => {
	it.each(["end", "resetAndDestroy"] as const)("is a reset: %s", async (close) => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		const sent = sender.send(receiver.url);
		(await receiver.next()).socket[close]();
		expect(await sent).toMatchObject(RESET);
		expect(receiver.sockets).toHaveLength(1);
	});
});
