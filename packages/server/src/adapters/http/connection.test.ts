// One connection: how long it is kept, answers that come early, and what else comes in.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { openTestSender, type TestSender } from "./test/open-test-sender.ts";
import { response, startRawReceiver, type RawReceiver } from "./test/raw-receiver.ts";
import { reading } from "./test/reading.ts";

const SUCCESS = { error: null, responseCode: 200 };

/** Sends one attempt, to which the receiver gives this answer. Returns the number of its connection. */
async function exchange(sender: TestSender, receiver: RawReceiver, answer: string): Promise<number> {
	const sent = sender.send(receiver.url);
	const { connection, socket } = await receiver.next();
	socket.write(answer);
	expect(await sent).toMatchObject(SUCCESS);
	return connection;
}

const withHeader = (header: string) => `HTTP/1.1 200 OK\r\n${header}\r\ncontent-length: 0\r\n\r\n`;

describe("a free connection", () => {
	it.each([
		["without a hint", response(200), 4_000],
		["by the receiver's hint", withHeader("keep-alive: timeout=12"), 10_000],
		["at most", withHeader("keep-alive: timeout=3600"), 30_000],
	])("is kept for a time since it was used last: %s", async (_what, answer, keptMs) => {
		await using receiver = await startRawReceiver();
		const clock = new ManualClock();
		await using sender = openTestSender({ clock, poolIdleMs: 600_000 });
		for (let n = 0; n < 3; n += 1) {
			expect(await exchange(sender, receiver, answer)).toBe(0);
			await reading();
			clock.advance(keptMs - 1);
		}
		expect(sender.stats().sockets).toBe(1);
		clock.advance(1);
		await receiver.closed(0);
		expect(await exchange(sender, receiver, answer)).toBe(1);
	});

	it("is kept for a shorter time as soon as the receiver says so", async () => {
		await using receiver = await startRawReceiver();
		const clock = new ManualClock();
		await using sender = openTestSender({ clock, poolIdleMs: 600_000 });
		await exchange(sender, receiver, withHeader("keep-alive: timeout=30"));
		await exchange(sender, receiver, withHeader("keep-alive: timeout=3"));
		await reading();
		clock.advance(999);
		expect(sender.stats().sockets).toBe(1);
		clock.advance(1);
		await receiver.closed(0);
	});

	it("that has carried nothing is not kept for longer", async () => {
		await using receiver = await startRawReceiver();
		const clock = new ManualClock();
		await using sender = openTestSender({ clock, poolIdleMs: 600_000 });
		const sent = [sender.send(receiver.url), sender.send(receiver.url)];
		const first = await receiver.next();
		const second = await receiver.next();
		// While the second request waits for its answer, its connection outlives the timer of a free one.
		first.socket.write(response(200));
		await sent[0];
		await reading();
		clock.advance(4_000);
		await receiver.closed(first.connection);
		second.socket.write(response(200));
		expect(await sent[1]).toMatchObject(SUCCESS);
		await reading();
		clock.advance(4_000);
		await receiver.closed(second.connection);
	});

	it("is kept after an answer of HTTP/1.0 only if that says so", async () => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		const head = "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n";
		expect(await exchange(sender, receiver, `${head}connection: keep-alive\r\n\r\n`)).toBe(0);
		expect(await exchange(sender, receiver, `${head}\r\n`)).toBe(0);
		await receiver.closed(0);
		expect(await exchange(sender, receiver, `${head}\r\n`)).toBe(1);
	});

	it("outlives a line break too much, with the answer or after it, but not many", async () => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		expect(await exchange(sender, receiver, response(200))).toBe(0);
		expect(await exchange(sender, receiver, `${response(200)}\r\n`)).toBe(0);
		receiver.sockets[0]?.write("\r\n");
		await reading();
		expect(await exchange(sender, receiver, response(200))).toBe(0);
		receiver.sockets[0]?.write("\r\n".repeat(3));
		await receiver.closed(0);
	});
});

describe("an answer that comes before the request is sent whole", () => {
	it("counts, and its connection is not used again", async () => {
		await using receiver = await startRawReceiver();
		// On a clock that stands still, no connection is closed because it is free.
		await using sender = openTestSender({ clock: new ManualClock() });
		receiver.answerAtHead(response(413, "too large"));
		const body = new Uint8Array(20_000_000);
		expect(await sender.send(receiver.url, { body })).toMatchObject({
			error: null,
			responseCode: 413,
			response: { body: "too large" },
		});
		await expect.poll(() => sender.stats().sockets).toBe(0);
	});

	it("counts once the request is sent, and its connection is kept", async () => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		expect(await exchange(sender, receiver, response(200))).toBe(0);
		expect(await exchange(sender, receiver, response(200))).toBe(0);
	});
});

describe("an answer whose end is that of the connection", () => {
	it.each(["end", "resetAndDestroy"] as const)("is complete, however the receiver ends it: %s", async (how) => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		const sent = sender.send(receiver.url);
		const { socket } = await receiver.next();
		socket.write("HTTP/1.0 200 OK\r\n\r\nall of it");
		// The reset must not overtake the answer.
		await expect.poll(() => sender.stats().exchanges).toBe(1);
		await reading();
		socket[how]();
		expect(await sent).toMatchObject({ ...SUCCESS, response: { body: "all of it", bodyTruncated: false } });
	});
});
