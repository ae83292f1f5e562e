import { execFile } from "node:child_process";
import { getEventListeners } from "node:events";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

import { answers, startReceiver, type Answer } from "../../../test/receiver.ts";
import { openTestSender } from "./testing/open-test-sender.ts";

const run = promisify(execFile);

/** Sends one attempt to a receiver that answers so. */
async function attempt(answer: Answer, timeoutMs = 5_000) {
	await using receiver = await startReceiver();
	await using sender = openTestSender();
	receiver.script(() => answer);
	const outcome = await sender.send(receiver.url, { timeoutMs });
	return { ...outcome, reason: outcome.reason?.replace(receiver.host, "HOST") ?? null };
}

const raw = (...parts: string[]): Answer => ({ kind: "raw", parts });

describe("an attempt", () => {
	it("posts exactly the headers and bytes that it was given", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		const body = Buffer.from('{"a":1.0,\t"ü":"\\u00fc"}');
		await sender.send(`${receiver.url}/a%20b/?c=d&e`, {
			headers: { "content-type": "application/json", "webhook-id": "evt_1", "user-agent": "Fanfare/0" },
			body,
		});
		const [request] = await receiver.waitFor(1);
		expect(request).toMatchObject({ method: "POST", path: "/a%20b/?c=d&e", rawBody: body });
		expect(request?.headers).toEqual({
			"content-type": "application/json",
			"webhook-id": "evt_1",
			"user-agent": "Fanfare/0",
			host: receiver.host,
			connection: "keep-alive",
			"content-length": String(body.length),
		});
	});

	it("posts an empty body as such", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		await sender.send(receiver.url, { body: new Uint8Array() });
		const [request] = await receiver.waitFor(1);
		expect(request?.rawBody).toHaveLength(0);
		expect(request?.headers["content-length"]).toBe("0");
	});

	it.each([200, 201, 299, 301, 400, 404, 410, 429, 500, 503])(
		"reports the status %i without judging it",
		async (status) => {
			expect(await attempt({ status, body: "hello" })).toMatchObject({
				responseCode: status,
				error: null,
				reason: null,
				response: { body: "hello", bodyTruncated: false },
			});
		},
	);

	it("takes 204 and 304 without a body, even with a content-length that counts one", async () => {
		for (const status of [204, 304]) {
			const head = `HTTP/1.1 ${status} X\r\n`;
			expect(await attempt(raw(`${head}\r\n`))).toMatchObject({ responseCode: status, error: null });
			expect(await attempt(raw(`${head}content-length: 5\r\n\r\n`))).toMatchObject({
				responseCode: status,
				error: null,
			});
		}
	});

	it("follows no redirect", async () => {
		await using elsewhere = await startReceiver();
		const outcome = await attempt(answers.redirect(`${elsewhere.url}/`, 307));
		expect(outcome).toMatchObject({
			responseCode: 307,
			error: null,
			response: { headers: { location: `${elsewhere.url}/` } },
		});
		expect(elsewhere.connectionCount).toBe(0);
	});

	it("takes an answer that ends with its connection", async () => {
		const outcome = await attempt({ kind: "raw", parts: ["HTTP/1.0 200 OK\r\n\r\nall of it"], after: "end" });
		expect(outcome).toMatchObject({
			responseCode: 200,
			error: null,
			response: { body: "all of it", bodyTruncated: false },
		});
	});

	it("waits for the answer behind informational ones", async () => {
		const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
		const outcome = await attempt(raw(hints, "HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok"));
		expect(outcome).toMatchObject({
			responseCode: 202,
			error: null,
			response: { headers: { "content-length": "2" }, body: "ok" },
		});
	});

	it("measures how long it took", async () => {
		const { durationMs } = await attempt({ delayMs: 100 });
		expect(durationMs).toBeGreaterThanOrEqual(95);
		expect(durationMs).toBeLessThan(3_000);
	});

	it("uses a connection again", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.script(() => ({ status: 500, body: "x".repeat(60_000) }));
		for (let n = 0; n < 5; n += 1) await sender.send(receiver.url);
		expect(receiver.connectionCount).toBe(1);
	});
});

describe("what is kept of an answer", () => {
	it("joins the values of a header, in lower case", async () => {
		const outcome = await attempt({ headers: { "X-Many": ["a", "b", "c"] } });
		expect(outcome.response?.headers).toMatchObject({ "x-many": "a, b, c" });
	});

	it("has the headers that fit into 8 KiB, and retry-after in any case", async () => {
		const big = "b".repeat(3_000);
		const outcome = await attempt({ status: 503, headers: { "x-a": big, "x-b": big, "x-c": big, "retry-after": "7" } });
		const headers = outcome.response?.headers ?? {};
		expect(Object.keys(headers)).toEqual(expect.arrayContaining(["x-a", "x-b", "retry-after"]));
		expect(headers).not.toHaveProperty("x-c");
	});

	it("is not fooled by a header named __proto__", async () => {
		const outcome = await attempt({ headers: { ["__proto__"]: ["a", "b"], "x-a": "1" } });
		expect(outcome).toMatchObject({ responseCode: 200, response: { headers: { "x-a": "1" } } });
	});

	it("drops an endless body and counts its status", async () => {
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

	it("counts what came on a connection for each attempt anew", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		const large = { body: "x".repeat(60_000) };
		receiver.respond([large, large, large, { body: "in parts", dripMs: 5 }]);
		for (let n = 0; n < 3; n += 1) await sender.send(receiver.url);
		const outcome = await sender.send(receiver.url);
		expect(outcome).toMatchObject({ responseCode: 200, response: { body: "in parts", bodyTruncated: false } });
		expect(receiver.connectionCount).toBe(1);
	});

	it("does not expand a compressed body, nor ask for one", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.script(answers.gzipBomb);
		const outcome = await sender.send(receiver.url);
		expect(outcome.response?.body).toMatch(/^\[binary, [\d,]+ bytes\]$/);
		expect(receiver.requests[0]?.headers).not.toHaveProperty("accept-encoding");
	});
});

describe("the deadline", () => {
	const late = { error: "timeout", responseCode: 0, response: null };

	it("covers a receiver that accepts and never answers", async () => {
		const outcome = await attempt({ kind: "hang" }, 300);
		expect(outcome).toMatchObject({ ...late, reason: "no answer from HOST within 300 ms" });
		expect(outcome.durationMs).toBeGreaterThanOrEqual(295);
		expect(outcome.durationMs).toBeLessThan(3_000);
	});

	it("covers a receiver that does not even read", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.greeting = "ignore";
		const outcome = await sender.send(receiver.url, { timeoutMs: 200, body: new Uint8Array(8_000_000) });
		expect(outcome).toMatchObject(late);
	});

	it("covers half a status line", async () => {
		expect(await attempt(answers.halfStatusLine(), 200)).toMatchObject({
			...late,
			reason: "the headers of HOST's answer were not complete within 200 ms",
		});
	});

	it("is not moved by headers that drip", async () => {
		expect(await attempt(answers.endlessHeaders(20), 300)).toMatchObject(late);
	});

	it("is not moved by informational answers", async () => {
		const parts = Array.from({ length: 100 }, () => "HTTP/1.1 102 Processing\r\n\r\n");
		expect(await attempt({ kind: "raw", parts, everyMs: 20 }, 300)).toMatchObject(late);
	});

	it("is not moved by a body that drips, whose status is told all the same", async () => {
		const outcome = await attempt({ body: "abcdefghijklmnopqrstuvwxyz", dripMs: 30 }, 300);
		expect(outcome).toMatchObject({
			error: "timeout",
			responseCode: 200,
			reason: "the body of HOST's answer was not complete within 300 ms",
			response: { bodyTruncated: true },
		});
		expect(outcome.response?.body).toMatch(/^abc/);
		expect(outcome.durationMs).toBeLessThan(3_000);
	});

	it("includes the wait for a free connection", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ connectionsPerPool: 1 });
		receiver.respond([{ kind: "hang" }]);
		const first = sender.send(receiver.url, { timeoutMs: 400 });
		const second = await sender.send(receiver.url, { timeoutMs: 150 });
		expect(second).toMatchObject({ ...late, reason: `no connection to ${receiver.host} became free within 150 ms` });
		expect(await first).toMatchObject(late);
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200 });
		expect(receiver.requests).toHaveLength(2);
	});

	it("drops the connection, so that a late answer is nobody else's", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		const { promise: answer, resolve: answerIt } = Promise.withResolvers<Answer>();
		receiver.script((_request, index) => (index === 0 ? answer : {}));
		expect(await sender.send(receiver.url, { timeoutMs: 150 })).toMatchObject(late);
		await receiver.waitForConnections(0);
		answerIt({ body: "late" });
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200, response: { body: "" } });
	});
});

describe("a connection that breaks", () => {
	it("is a reset before the answer", async () => {
		const reset = { error: "reset", responseCode: 0, reason: "HOST closed the connection before it answered" };
		expect(await attempt({ kind: "reset" })).toMatchObject(reset);
		expect(await attempt({ kind: "raw", parts: [], after: "end" })).toMatchObject(reset);
		expect(await attempt({ kind: "raw", parts: ["HTTP/1.1 20"], after: "end" })).toMatchObject(reset);
	});

	it("is a reset with a status inside the answer", async () => {
		const reset = {
			error: "reset",
			responseCode: 200,
			reason: "HOST closed the connection before its answer was complete",
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

	it("is nothing to see when it was idle", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		for (const how of ["end", "reset"] as const) {
			await sender.send(receiver.url);
			receiver.closeConnections(how);
			await receiver.waitForConnections(0);
			expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200, error: null });
		}
	});

	it("is never hidden by sending twice", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.respond([{}, { kind: "reset" }]);
		await sender.send(receiver.url);
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 0, error: "reset" });
		expect(receiver.requests.map(({ connection }) => connection)).toEqual([0, 0]);
	});

	it("is avoided by heeding how long the receiver keeps it", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.script(() => ({ headers: { "keep-alive": "timeout=1" } }));
		await sender.send(receiver.url);
		await sender.send(receiver.url);
		expect(receiver.connectionCount).toBe(2);
	});

	it("is avoided when the receiver says that it will close", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.script(() => ({ close: true }));
		for (let n = 0; n < 3; n += 1) expect(await sender.send(receiver.url)).toMatchObject({ error: null });
		expect(receiver.connectionCount).toBe(3);
	});
});

describe("ending early", () => {
	const aborted = { error: "aborted", responseCode: 0 };

	it("follows the caller's signal at once", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		const controller = new AbortController();
		receiver.script(() => ({ kind: "hang" }));
		const outcome = sender.send(receiver.url, { signal: controller.signal });
		await receiver.waitFor(1);
		controller.abort();
		expect(await outcome).toMatchObject(aborted);
		await receiver.waitForConnections(0);
		expect(await sender.send(receiver.url, { signal: controller.signal })).toMatchObject(aborted);
		expect(receiver.requests).toHaveLength(1);
	});

	it("sends nothing for a signal that comes before the attempt has a connection", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ maxPools: 0 });
		const controller = new AbortController();
		const outcome = sender.send(receiver.url, { signal: controller.signal });
		controller.abort();
		expect(await outcome).toMatchObject(aborted);
		await expect.poll(() => sender.stats()).toEqual({ attempts: 0, pools: 0, sockets: 0 });
		expect(receiver.connectionCount).toBe(0);
	});

	it("knows which attempts are under way, in whatever order they end", async () => {
		await using receiver = await startReceiver();
		const sender = openTestSender();
		const answer = ["/a", "/b", "/c", "/d"].map(() => Promise.withResolvers<object>());
		receiver.script(({ path }) => answer["abcd".indexOf(path[1]!)]!.promise);
		const outcomes = ["/a", "/b", "/c", "/d"].map((path) => sender.send(`${receiver.url}${path}`));
		await receiver.waitFor(4);
		for (const [n, left] of [
			[0, 3],
			[3, 2],
			[1, 1],
		] as const) {
			answer[n]!.resolve({});
			expect(await outcomes[n]).toMatchObject({ responseCode: 200 });
			expect(sender.stats().attempts).toBe(left);
		}
		await sender.close();
		expect(await outcomes[2]).toMatchObject(aborted);
		expect(sender.stats().attempts).toBe(0);
	});

	it("is over when close says so: no socket is left, not an idle one either", async () => {
		await using receiver = await startReceiver();
		const sender = openTestSender();
		await sender.send(receiver.url);
		expect(sender.stats().sockets).toBe(1);
		await sender.close();
		expect(sender.stats().sockets).toBe(0);
	});

	it("lets a signal be used for many attempts without gathering listeners", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		const { signal } = new AbortController();
		await Promise.all(Array.from({ length: 5 }, () => sender.send(receiver.url, { signal })));
		expect(getEventListeners(signal, "abort")).toEqual([]);
	});

	it("comes with close, for what is under way, waiting or new", async () => {
		await using receiver = await startReceiver();
		const sender = openTestSender({ connectionsPerPool: 1 });
		receiver.script(() => ({ kind: "hang" }));
		const outcomes = [sender.send(receiver.url), sender.send(receiver.url)];
		await receiver.waitFor(1);
		await Promise.all([sender.close(), sender.close()]);
		outcomes.push(sender.send(receiver.url));
		for (const outcome of outcomes) expect(await outcome).toMatchObject(aborted);
		await sender.close();
		await receiver.waitForConnections(0);
		expect(sender.stats()).toEqual({ attempts: 0, pools: 0, sockets: 0 });
	});

	it.each([true, false])(
		"lets the process end: closed with an attempt under way, or idle and not closed",
		async (close) => {
			await using receiver = await startReceiver();
			receiver.script((_request, index) => (index === 0 ? {} : { kind: "hang" }));
			const program = `
			import { openTestSender } from ${JSON.stringify(new URL("./testing/open-test-sender.ts", import.meta.url))};
			const sender = openTestSender();
			await sender.send(${JSON.stringify(receiver.url)});
			const hanging = ${close} ? sender.send(${JSON.stringify(receiver.url)}) : null;
			setTimeout(() => ${close} && sender.close(), 50);
			process.stdout.write(String((await hanging)?.error));
		`;
			const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { timeout: 3_500 });
			expect(stdout).toBe(close ? "aborted" : "undefined");
		},
	);
});
