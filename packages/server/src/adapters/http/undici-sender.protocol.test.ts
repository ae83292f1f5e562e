import { describe, expect, it } from "vitest";

import { answers, startReceiver, type Answer } from "../../../test/receiver.ts";
import { openTestSender } from "./testing/open-test-sender.ts";

/** Sends one attempt to a receiver that answers so. */
async function attempt(answer: Answer) {
	await using receiver = await startReceiver();
	await using sender = openTestSender();
	receiver.script(() => answer);
	const outcome = await sender.send(receiver.url);
	return { ...outcome, reason: outcome.reason?.replace(receiver.host, "HOST") ?? null };
}

const raw = (...parts: string[]): Answer => ({ kind: "raw", parts });

describe("an answer that is not HTTP", () => {
	const protocol = { error: "protocol", responseCode: 0 };

	it.each([
		["garbage", answers.garbage()],
		["a greeting of another protocol", answers.garbage("220 smtp.example.com ESMTP\r\n")],
		["binary", answers.garbage(Buffer.from([0x16, 3, 1, 0, 0]))],
		["a status that is no number", raw("HTTP/1.1 abc\r\n\r\n")],
		["a header without a name", raw("HTTP/1.1 200 OK\r\n: x\r\n\r\n")],
		["a header with a NUL", raw("HTTP/1.1 200 OK\r\na: \u0000\r\n\r\n")],
		["two lengths", raw("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab")],
		["100 Continue that nobody asked for", raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")],
		["a switch of protocols", raw("HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")],
	])("is refused: %s", async (_what, answer) => {
		expect(await attempt(answer)).toMatchObject(protocol);
	});

	it("is refused when its headers never end", async () => {
		expect(await attempt(answers.endlessHeaders())).toMatchObject({
			...protocol,
			reason: "the headers of HOST's answer are longer than 16 KiB",
		});
	});

	it("is refused inside the body, with the status that came", async () => {
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
