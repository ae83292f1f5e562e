// Answers that nobody asked for: whose attempts they can reach, and what becomes of their connections.
import { describe, expect, it } from "vitest";

import { openTestSender } from "./test/open-test-sender.ts";
import { response, startRawReceiver } from "./test/raw-receiver.ts";

const OUT_OF_TURN = (host: string) => ({
	error: "protocol",
	responseCode: 200,
	reason: `${host} sent more bytes after its response, which may belong to an earlier request`,
});

describe("a second answer to one request", () => {
	it("never reaches another project, although its attempts go to the same origin", async () => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		const ofA = sender.send(receiver.url, { projectId: "proj_a" });
		const first = await receiver.next();
		first.socket.write(response(200));
		expect(await ofA).toMatchObject({ error: null, responseCode: 200 });
		const ofB = sender.send(receiver.url, { projectId: "proj_b" });
		const second = await receiver.next();
		first.socket.write(response(200));
		await receiver.closed(0);
		second.socket.write(response(500));
		expect(await ofB).toMatchObject({ error: null, responseCode: 500 });
		expect(second.connection).toBe(1);
	});

	it.each([
		["an answer", response(200)],
		["garbage", "garbage"],
	])("makes the answer before it suspect on a connection that was used before: %s", async (_what, stray) => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		const first = sender.send(receiver.url);
		(await receiver.next()).socket.write(response(200));
		expect(await first).toMatchObject({ error: null, responseCode: 200 });
		const second = sender.send(receiver.url);
		const { socket, connection } = await receiver.next();
		expect(connection).toBe(0);
		socket.write(response(200) + stray);
		expect(await second).toMatchObject(OUT_OF_TURN(receiver.host));
		await receiver.closed(0);
	});

	it("does not make the only answer of a connection suspect, but the connection is closed and none is kept after it", async () => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		const first = sender.send(receiver.url);
		(await receiver.next()).socket.write(response(200, "all") + response(500));
		expect(await first).toMatchObject({ error: null, responseCode: 200, response: { body: "all" } });
		await receiver.closed(0);
		for (const connection of [1, 2]) {
			const next = sender.send(receiver.url);
			const request = await receiver.next();
			expect(request.connection).toBe(connection);
			request.socket.write(response(200));
			expect(await next).toMatchObject({ error: null, responseCode: 200 });
			await receiver.closed(connection);
		}
	});

	it("ends an idle connection, and none is kept after it", async () => {
		await using receiver = await startRawReceiver();
		await using sender = openTestSender();
		for (const connection of [0, 1, 2]) {
			const sent = sender.send(receiver.url);
			const request = await receiver.next();
			expect(request.connection).toBe(connection);
			request.socket.write(response(200));
			expect(await sent).toMatchObject({ error: null, responseCode: 200 });
			if (connection === 0) request.socket.write(response(200));
			await receiver.closed(connection);
		}
		expect(sender.stats().sockets).toBe(0);
	});
});
