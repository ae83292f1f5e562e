// What an outcome tells beside success or failure: the connection, the timings, and the cause of a failure.
import { X509Certificate } from "node:crypto";
import type { LookupAddress } from "node:dns";

import { answers, startReceiver, type Answer } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { createAddressGuard } from "./address-guard.ts";
import { attempt, lateAttempt, raw } from "./test/attempt-at.ts";
import { notInThread, openTestSender } from "./test/open-test-sender.ts";
import { startRawReceiver } from "./test/raw-receiver.ts";
import { reading } from "./test/reading.ts";

const LOCAL: LookupAddress[] = [{ address: "127.0.0.1", family: 4 }];
const lookup = () => Promise.resolve(LOCAL);
const ms = expect.any(Number);

describe("the connection of an attempt", () => {
	it("is told with the steps of its opening by the first attempt that uses it, and without them by the others", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ ca: receiver.ca, lookup });
		const url = `https://example.test:${receiver.port}`;
		const { connection, firstByteMs, durationMs } = await sender.send(url);
		const certificateExpireDate = new X509Certificate(receiver.ca).validToDate.getTime();
		const known = { remoteAddress: null, certificateExpireDate };
		expect(connection).toEqual({ ...known, opening: { lookupMs: ms, connectMs: ms, tlsMs: ms } });
		expect(firstByteMs).toBeGreaterThanOrEqual(0);
		expect(firstByteMs).toBeLessThanOrEqual(durationMs);
		for (let n = 0; n < 2; n++) expect((await sender.send(url)).connection).toEqual({ ...known, opening: null });
		expect(sender.stats().sockets).toBe(1);
	});

	it("has only the steps that were needed", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		expect((await sender.send(receiver.url)).connection).toEqual({
			remoteAddress: "127.0.0.1",
			certificateExpireDate: null,
			opening: { lookupMs: null, connectMs: ms, tlsMs: null },
		});
	});

	it("measures each step by itself", async () => {
		await using receiver = await startReceiver();
		const clock = new ManualClock();
		const looking = Promise.withResolvers<readonly LookupAddress[]>();
		await using sender = openTestSender({ clock, lookup: () => looking.promise });
		const sent = sender.send(`http://example.test:${receiver.port}`);
		await reading();
		clock.advance(120);
		looking.resolve(LOCAL);
		expect((await sent).connection?.opening).toEqual({ lookupMs: 120, connectMs: 0, tlsMs: null });
	});

	it("shows an address that is public or was asked for, and no other", async () => {
		notInThread("a thread makes a guard of its own");
		await using receiver = await startReceiver();
		const guard = createAddressGuard({ allowNetworks: ["127.0.0.0/8"], allowHttp: true });
		const { url: literal, port } = receiver;
		const url = `http://example.test:${port}`;
		const shown = async (isPublic: boolean, at = url) => {
			await using sender = openTestSender({ lookup, guard: { ...guard, isPublic: () => isPublic } });
			return (await sender.send(at)).connection?.remoteAddress;
		};
		expect([await shown(true), await shown(false), await shown(false, literal)]).toEqual([
			"127.0.0.1",
			null,
			"127.0.0.1",
		]);
		await receiver.close();
		expect([await shown(true), await shown(false), await shown(false, literal)]).toEqual([
			"127.0.0.1",
			null,
			"127.0.0.1",
		]);
	});

	it("is told as far as it came if it could not be opened", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ lookup });
		const outcome = await sender.send(`https://example.test:${receiver.port}`);
		const opening = { lookupMs: ms, connectMs: ms, tlsMs: null };
		expect(outcome.connection).toEqual({ remoteAddress: null, certificateExpireDate: null, opening });
		expect(outcome.firstByteMs).toBeNull();
	});
});

it("an informational response is not the first byte of an attempt's response", async () => {
	await using receiver = await startRawReceiver();
	await using sender = openTestSender();
	const sent = sender.send(receiver.url);
	(await receiver.next()).socket.end("HTTP/1.1 103 Early Hints\r\n\r\n");
	expect(await sent).toMatchObject({ cause: "closed_before_response", responseCode: 0, firstByteMs: null });
});

it("success and failure have outcomes of one shape: the same properties in the same order", async () => {
	await using receiver = await startReceiver();
	await using sender = openTestSender();
	const answer = async (given: Answer) => {
		receiver.script(() => given);
		return sender.send(receiver.url);
	};
	const closed = await startReceiver();
	const { url: refusing } = closed;
	await closed.close();
	const outcomes = [
		await answer({ status: 200 }),
		await answer({ status: 500 }),
		await answer(raw("nonsense\r\n\r\n")),
		await answer({ kind: "reset" }),
		await sender.send(refusing),
		await sender.send("https://10.0.0.1/"),
		await sender.send("ftp://example.com/"),
	];
	const errors = [null, null, "protocol", "reset", "refused", "blocked_address", "protocol"];
	expect(outcomes.map(({ error }) => error)).toEqual(errors);
	expect(new Set(outcomes.map((outcome) => Object.keys(outcome).join(" "))).size).toBe(1);
});

describe("the cause of a failure", () => {
	it.each<[string, Answer]>([
		["closed_before_response", { kind: "reset" }],
		["closed_during_response", { kind: "reset", head: "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab" }],
		["invalid_response", raw("nonsense\r\n\r\n")],
		["response_headers_too_large", answers.endlessHeaders()],
	])("is %s", async (cause, answer) => {
		expect(await attempt(answer)).toMatchObject({ cause });
	});

	it.each<[string, Answer, number, string]>([
		["response_timeout", { kind: "hang" }, 0, "no response from HOST within 1,000 ms"],
		["headers_timeout", answers.halfStatusLine(), 0, "the response headers of HOST were not complete within 1,000 ms"],
		["headers_timeout", raw("HTTP/1.1 200 OK\r\nx-a: b"), 0, "the response headers of HOST were not complete"],
		[
			"body_timeout",
			raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"),
			200,
			"the response body of HOST was not complete within 1,000 ms",
		],
	])("is %s", async (cause, answer, responseCode, reason) => {
		const outcome = await lateAttempt(answer, 1_000);
		expect(outcome).toMatchObject({ error: "timeout", cause, responseCode });
		expect(outcome.reason).toContain(reason);
		expect(outcome.response).toEqual(
			responseCode === 0 ? null : expect.objectContaining({ body: "ab", bodyTruncated: true }),
		);
	});

	it("names the step of the opening that took too long", async () => {
		await using receiver = await startReceiver({ tls: true });
		const clock = new ManualClock();
		await using sender = openTestSender({ clock, connectTimeoutMs: 1_500, lookup: () => new Promise(() => {}) });
		receiver.greeting = "silent";
		const shaking = sender.send(receiver.url);
		const looking = sender.send("https://slow.test");
		await receiver.waitForConnections(1);
		await reading();
		clock.advance(1_500);
		expect([await shaking, await looking]).toMatchObject([{ cause: "tls_timeout" }, { cause: "lookup_timeout" }]);
	});

	it("names what is wrong with a certificate or a name", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using plain = await startReceiver();
		await using trusting = openTestSender({ ca: receiver.ca, lookup });
		await using wary = openTestSender();
		const missing = () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" }));
		await using lost = openTestSender({ lookup: missing });
		expect([
			await trusting.send(`https://elsewhere.test:${receiver.port}`),
			await wary.send(receiver.url),
			await wary.send(`https://${plain.host}`),
			await lost.send("https://example.test"),
		]).toMatchObject([
			{ cause: "certificate_name_mismatch" },
			{ cause: "certificate_self_signed" },
			{ cause: "not_tls" },
			{ cause: "name_not_found" },
		]);
	});

	it("is null for a complete response, and the error where there is no more to say", async () => {
		expect(await attempt({ status: 500 })).toMatchObject({ responseCode: 500, error: null, cause: null });
		const receiver = await startReceiver();
		const { url } = receiver;
		await receiver.close();
		await using sender = openTestSender();
		expect(await sender.send(url)).toMatchObject({ error: "refused", cause: "refused" });
	});
});
