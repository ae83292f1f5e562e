// Which part of a response is kept, and the outcome when the connection breaks.
import { answers, startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { attempt } from "./test/attempt-at.ts";
import { openTestSender } from "./test/open-test-sender.ts";

describe("the part of a response that is kept", () => {
	it("has each header once, and those that fit into 8 KiB, retry-after in any case", async () => {
		const big = "b".repeat(3_000);
		const headers = { "X-Many": ["a", "b", "c"], "x-a": big, "x-b": big, "x-c": big, "retry-after": "7" };
		const kept = (await attempt({ status: 503, headers })).response?.headers;
		expect(kept).toMatchObject({ "x-many": "a, b, c", "x-a": big, "x-b": big, "retry-after": "7" });
		expect(kept).not.toHaveProperty("x-c");
	});

	it("drops an endless body, and the status decides", async () => {
		const outcome = await attempt(answers.endlessBody());
		expect(outcome).toMatchObject({ responseCode: 200, error: null, reason: null, response: { bodyTruncated: true } });
		expect(outcome.response?.body).toHaveLength(4_096);
	});

	it("reads 64 KiB and no more", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		for (const [size, connections] of [
			[65_536, 1],
			[65_537, 2],
		] as const) {
			receiver.respond([{ body: "x".repeat(size) }]);
			expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200, error: null });
			await sender.send(receiver.url);
			expect(receiver.connectionCount).toBe(connections);
		}
	});

	it("counts the received bytes of each attempt separately, on one connection", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		const large = { body: "x".repeat(60_000) };
		receiver.respond([large, large, large, { body: "in parts", dripMs: 5 }]);
		for (let n = 0; n < 3; n += 1) await sender.send(receiver.url);
		const outcome = await sender.send(receiver.url);
		expect(outcome).toMatchObject({ responseCode: 200, response: { body: "in parts", bodyTruncated: false } });
		expect(receiver.connectionCount).toBe(1);
	});

	it("neither asks for a compressed body nor expands one", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.script(answers.gzipBomb);
		const outcome = await sender.send(receiver.url);
		expect(outcome.response?.body).toMatch(/^\[binary, [\d,]+ bytes\]$/);
		expect(receiver.requests[0]?.headers).not.toHaveProperty("accept-encoding");
	});
});

describe("a connection that breaks", () => {
	it("is a reset before the response", async () => {
		const reset = { error: "reset", responseCode: 0, reason: "HOST closed the connection before it responded" };
		expect(await attempt({ kind: "reset" })).toMatchObject(reset);
		expect(await attempt({ kind: "raw", parts: [], after: "end" })).toMatchObject(reset);
		expect(await attempt({ kind: "raw", parts: ["HTTP/1.1 20"], after: "end" })).toMatchObject(reset);
	});

	it("is a reset with a status during the response", async () => {
		const reset = {
			error: "reset",
			responseCode: 200,
			reason: "HOST closed the connection before its response was complete",
			response: { body: "half", bodyTruncated: true },
		};
		const parts = ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"];
		const close = ["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\nhalf"];
		const chunked = ["HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"];
		expect(await attempt({ kind: "raw", parts, after: "end" })).toMatchObject(reset);
		expect(await attempt({ kind: "raw", parts: close, after: "end" })).toMatchObject(reset);
		expect(await attempt({ kind: "raw", parts: chunked, after: "end" })).toMatchObject(reset);
		expect(await attempt(answers.resetMidBody())).toMatchObject(reset);
	});

	it("has no effect if the connection was idle", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		for (const how of ["end", "reset"] as const) {
			await sender.send(receiver.url);
			receiver.closeConnections(how);
			await receiver.waitForConnections(0);
			expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200, error: null });
		}
	});
});
