// The sender: requests as they are sent, outcomes, the deadline, and ending early.
import { execFile } from "node:child_process";
import { getEventListeners } from "node:events";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { answers, startReceiver, type Answer } from "@fanfare/testkit/receiver";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it, vi } from "vitest";

import { attempt } from "./test/attempt-at.ts";
import { openTestSender } from "./test/open-test-sender.ts";
import { stoppedTime } from "./test/reading.ts";

const run = promisify(execFile);

describe("an attempt", () => {
	it("posts exactly the given headers and bytes", async () => {
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

	it("posts an empty body", async () => {
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

	it("measures how long it took", async () => {
		const startedAt = performance.now();
		const { durationMs } = await attempt({ delayMs: 100 });
		expect(durationMs).toBeGreaterThanOrEqual(95);
		expect(durationMs).toBeLessThan(performance.now() - startedAt);
	});

	it("reuses a connection", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.script(() => ({ status: 500, body: "x".repeat(60_000) }));
		for (let n = 0; n < 5; n += 1) await sender.send(receiver.url);
		expect(receiver.connectionCount).toBe(1);
	});
});

describe("the deadline", () => {
	const late = { error: "timeout", responseCode: 0, response: null };

	it.each<[string, Answer]>([
		["headers", answers.endlessHeaders(20)],
		[
			"informational responses",
			{ kind: "raw", parts: Array.from({ length: 100 }, () => "HTTP/1.1 102 Processing\r\n\r\n"), everyMs: 20 },
		],
		["a body", { body: "abc".repeat(1_000), dripMs: 30 }],
	])("is not extended by %s that come bit by bit", async (_what, answer) => {
		expect(await attempt(answer, 300)).toMatchObject({ error: "timeout" });
	});

	it("covers a receiver that does not even read", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.greeting = "ignore";
		const outcome = await sender.send(receiver.url, { timeoutMs: 200, body: new Uint8Array(8_000_000) });
		expect(outcome).toMatchObject(late);
	});

	it("covers the wait for a free connection, which is no failure of the receiver", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ connectionsPerPool: 1 });
		using _ = stoppedTime();
		receiver.respond([{ kind: "hang" }]);
		const first = sender.send(receiver.url, { timeoutMs: 400 });
		const second = sender.send(receiver.url, { timeoutMs: 150 });
		await receiver.waitFor(1);
		vi.advanceTimersByTime(150);
		const reason = `no connection to ${receiver.host} became free within 150 ms`;
		expect(await second).toMatchObject({ ...late, error: "queued", reason });
		vi.advanceTimersByTime(250);
		expect(await first).toMatchObject(late);
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200 });
		expect(receiver.requests).toHaveLength(2);
	});

	it("drops the connection, so that a late response is not taken for another attempt's", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		const { promise: answer, resolve: answerIt } = Promise.withResolvers<Answer>();
		receiver.script((_request, index) => (index === 0 ? answer : {}));
		using _ = stoppedTime();
		const first = sender.send(receiver.url, { timeoutMs: 150 });
		await receiver.waitFor(1);
		vi.advanceTimersByTime(150);
		expect(await first).toMatchObject(late);
		await receiver.waitForConnections(0);
		answerIt({ body: "late" });
		expect(await sender.send(receiver.url)).toMatchObject({ responseCode: 200, response: { body: "" } });
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

	it("sends nothing if the signal is aborted before the attempt has a connection", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ maxPools: 0 });
		const controller = new AbortController();
		const outcome = sender.send(receiver.url, { signal: controller.signal });
		controller.abort();
		expect(await outcome).toMatchObject(aborted);
		await expect.poll(() => sender.stats()).toEqual({ exchanges: 0, pools: 0, sockets: 0 });
		expect(receiver.connectionCount).toBe(0);
	});

	it("keeps track of the exchanges under way, in whatever order they end", async () => {
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
			expect(sender.stats().exchanges).toBe(left);
		}
		await sender.close();
		expect(await outcomes[2]).toMatchObject(aborted);
		expect(sender.stats().exchanges).toBe(0);
	});

	it("lets a signal be reused for many attempts without accumulating listeners", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		const { signal } = new AbortController();
		await Promise.all(Array.from({ length: 5 }, () => sender.send(receiver.url, { signal })));
		expect(getEventListeners(signal, "abort")).toEqual([]);
	});

	it("happens by abort to attempts under way or waiting, and the next attempt is sent", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender({ connectionsPerPool: 1 });
		receiver.script((_request, index) => (index === 0 ? { kind: "hang" } : {}));
		const outcomes = [sender.send(receiver.url), sender.send(receiver.url)];
		await receiver.waitFor(1);
		sender.abort();
		sender.abort();
		for (const outcome of outcomes) expect(await outcome).toMatchObject(aborted);
		expect(sender.stats().exchanges).toBe(0);
		expect(await sender.send(receiver.url)).toMatchObject({ error: null, responseCode: 200 });
		expect(receiver.requests).toHaveLength(2);
	});

	it("happens on close for attempts under way, waiting or new", async () => {
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
		expect(sender.stats()).toEqual({ exchanges: 0, pools: 0, sockets: 0 });
	});

	it.each([true, false])(
		"lets the process end (closed with an attempt under way, or idle and not closed; closed: %s)",
		async (close) => {
			await using receiver = await startReceiver();
			receiver.script((_request, index) => (index === 0 ? {} : { kind: "hang" }));
			const program = `
			import { openTestSender } from ${JSON.stringify(new URL("./test/open-test-sender.ts", import.meta.url))};
			const sender = openTestSender();
			await sender.send(${JSON.stringify(receiver.url)});
			const hanging = ${close} ? sender.send(${JSON.stringify(receiver.url)}) : null;
			if (${close}) setImmediate(() => sender.close());
			const error = (await hanging)?.error ?? null;
			for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
			// What still keeps the process alive. An idle connection is open for four seconds.
			process.stdout.write(JSON.stringify({ error, resources: process.getActiveResourcesInfo() }));
		`;
			using dir = new TemporaryDir();
			writeFileSync(dir.join("program.mjs"), program);
			const { stdout } = await run(process.execPath, [dir.join("program.mjs")], { timeout: DEADLINE_MS });
			const { error, resources } = JSON.parse(stdout) as { error: string | null; resources: string[] };
			expect(error).toBe(close ? "aborted" : null);
			expect(resources.filter((name) => /TCP|Timeout/.test(name))).toEqual([]);
		},
	);
});
