// Responses that are not valid HTTP, and requests that cannot be sent.
import { answers, startReceiver, type Answer } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { attempt, raw } from "./test/attempt-at.ts";
import { openTestSender } from "./test/open-test-sender.ts";

/** An answer that is `head`, followed by `piece` for as long as the sender reads. */
function flood(head: string, piece: string): Answer {
	function* parts() {
		yield head;
		for (;;) yield piece;
	}
	return { kind: "raw", parts: parts() };
}

describe("a response that is not valid HTTP", () => {
	const protocol = { error: "protocol", responseCode: 0 };

	it.each([
		["garbage", answers.garbage()],
		["a switch of protocols", raw("HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")],
	])("is refused: %s", async (_what, answer) => {
		expect(await attempt(answer)).toMatchObject(protocol);
	});

	it.each([
		["a status below 100", "HTTP/1.1 099 X\r\n\r\n", "its status is not allowed here"],
		[
			"101 with an upgrade header",
			"HTTP/1.1 101 Go\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
			"it switched to another",
		],
		["101 without an upgrade header", "HTTP/1.1 101 Go\r\n\r\n", "its status is not allowed here"],
		["lengths in a list", "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nab", "its headers are not valid"],
		["an endless length", `HTTP/1.1 200 OK\r\ncontent-length: ${"9".repeat(30)}\r\n\r\n`, "its headers are not valid"],
		[
			"a length and chunks",
			"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
			"headers are not",
		],
	])("is refused with an explanation instead of a code: %s", async (_what, text, words) => {
		const outcome = await attempt(raw(text));
		expect(outcome).toMatchObject({ ...protocol, reason: expect.stringContaining(words) });
		expect(outcome.reason).not.toMatch(/ERR_/);
	});

	it("is refused when its headers never end", async () => {
		expect(await attempt(answers.endlessHeaders())).toMatchObject({
			...protocol,
			reason: "the response headers of HOST are longer than 16 KiB",
		});
	});

	it.each([
		["line breaks", "", "\r\n".repeat(500)],
		["reason phrases", "HTTP/1.1 200 ", "r".repeat(1_000)],
		["white space in a header", "HTTP/1.1 200 OK\r\nx-a:", " ".repeat(1_000)],
	])("is refused when its headers never arrive because of endless %s", async (_what, head, piece) => {
		expect(await attempt(flood(head, piece))).toMatchObject({
			...protocol,
			reason: "HOST sent more than 128 KiB before its response headers were complete",
		});
	});

	it("is refused after 32 informational responses, before they cost much", async () => {
		const hint = "HTTP/1.1 103 Early Hints\r\n\r\n";
		const end = "HTTP/1.1 204 No Content\r\n\r\n";
		expect(await attempt(raw(hint.repeat(32) + end))).toMatchObject({ error: null, responseCode: 204 });
		expect(await attempt(raw(hint.repeat(33) + end))).toMatchObject({
			...protocol,
			reason: "HOST sent more than 32 informational (1xx) responses before the final one",
		});
	});

	it.each([
		["a chunk's extension", "1;"],
		["a chunk's length", "0"],
	])("is dropped during its body, and the status decides: endless %s", async (_what, start) => {
		const head = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${start}`;
		const outcome = await attempt(flood(head, "0".repeat(1_000)));
		expect(outcome).toMatchObject({ responseCode: 200, error: null, response: { body: "", bodyTruncated: true } });
	});

	it("is refused during its body, with the status that had arrived", async () => {
		const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
		expect(await attempt(raw(`${head}zz\r\n`))).toMatchObject({ error: "protocol", responseCode: 200 });
		const trailers = Array.from({ length: 300 }, (_, n) => `x-${n}: ${"t".repeat(100)}\r\n`);
		expect(await attempt(raw(`${head}0\r\n`, ...trailers))).toMatchObject({ error: "protocol", responseCode: 200 });
	});
});

describe("a request that cannot be sent", () => {
	const nonsense = ["", "nonsense", "/hook", "ftp://127.0.0.1/", "https://", "http://[::1", "javascript:alert(1)"];

	it.each([...nonsense, "http://user:pw@127.0.0.1:1/"])("is an outcome: %j", async (url) => {
		await using sender = openTestSender();
		expect(await sender.send(url)).toMatchObject({ error: "protocol", responseCode: 0, response: null });
	});

	it.each([
		["a line break", { "x-a": "s3cret\r\nx-b: c" }],
		["a character outside Latin-1", { "x-a": "✓ s3cret" }],
		["a name with a space", { "x a": "s3cret" }],
		["transfer-encoding", { "transfer-encoding": "chunked" }],
		["a wrong content-length", { "content-length": "1" }],
		["another host", { host: "example.com" }],
		["another host in capitals", { HOST: "example.com" }],
		["an expectation", { expect: "100-continue" }],
	])("is an outcome: a header with %s", async (_what, headers) => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		expect(await sender.send(receiver.url, { headers })).toMatchObject({ error: "protocol", responseCode: 0 });
		expect(await sender.send(receiver.url)).toMatchObject({ error: null, responseCode: 200 });
		expect(receiver.requests).toHaveLength(1);
	});
});
