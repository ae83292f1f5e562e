// The sender in several threads: what belongs to one of them, what all of them share, and how they end.
import { once } from "node:events";
import type { Worker } from "node:worker_threads";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, onTestFinished } from "vitest";

import { attemptOnce, type AttemptOutcome, type AttemptRequest } from "../../../ports/sender.ts";
import { systemClock } from "../../system/system-clock.ts";
import { createAddressGuard } from "../address-guard.ts";
import { createChangeableGuard } from "../changeable-guard.ts";
import { THREAD } from "../test/open-test-sender.ts";
import { ThreadOfOrigin } from "./thread-of-origin.ts";
import { openThreadedSender, type ThreadedSender, type ThreadedSenderOptions } from "./threaded-sender.ts";

const RULES = { allowNetworks: ["127.0.0.0/8"], allowHttp: true };
const THREADS = 2;

interface Opened extends AsyncDisposable {
	readonly sender: ThreadedSender;
	readonly workers: readonly Worker[];
	send(url: string, request?: Partial<AttemptRequest>): Promise<AttemptOutcome>;
}

async function open(options: Partial<ThreadedSenderOptions> = {}): Promise<Opened> {
	const workers: Worker[] = [];
	// Node emits this for each thread that the process starts.
	const note = (worker: Worker) => void workers.push(worker);
	process.on("worker", note);
	const guard = createAddressGuard(RULES);
	const sender = openThreadedSender({ guard, clock: systemClock, threads: THREADS, program: THREAD, ...options });
	await sender.ready;
	process.off("worker", note);
	return {
		sender,
		workers,
		send: (url, request = {}) =>
			attemptOnce(sender, {
				projectId: "proj_a",
				url,
				headers: {},
				body: Buffer.from("{}"),
				timeoutMs: DEADLINE_MS,
				...request,
			}),
		[Symbol.asyncDispose]: () => sender.close(),
	};
}

/** For each thread a project whose attempts to this receiver it makes. */
function projectsFor({ url }: Receiver): readonly [string, string] {
	const threadOf = new ThreadOfOrigin(THREADS);
	const all = Array.from({ length: 64 }, (_, n) => `proj_${n}`);
	const [first, second] = [0, 1].map((index) => all.find((id) => threadOf.indexOf(id, url) === index));
	if (first === undefined || second === undefined) throw new Error("one of the threads gets nothing");
	return [first, second];
}

describe("the thread of an attempt", () => {
	it("is the same for a project and an origin, however the endpoint is written", () => {
		const threadOf = new ThreadOfOrigin(8);
		const same = [
			"https://example.com/a",
			"https://EXAMPLE.com:443/b?c",
			"https://ex%61mple.com/",
			"https:example.com",
		];
		expect(new Set(same.map((url) => threadOf.indexOf("proj_a", url))).size).toBe(1);
		expect(new Set(same.map((url) => new ThreadOfOrigin(8).indexOf("proj_a", url))).size).toBe(1);
	});

	it.each([2, 3, 8])("is one of %i, all of which get about the same number of origins and of projects", (threads) => {
		const threadOf = new ThreadOfOrigin(threads);
		const numbers = Array.from({ length: 3_000 }, (_, n) => n);
		for (const indexes of [
			numbers.map((n) => threadOf.indexOf("proj_a", `https://h${n}.example.com/`)),
			numbers.map((n) => threadOf.indexOf(`proj_${n}`, "https://example.com/")),
		]) {
			const counts = Array.from({ length: threads }, (_, index) => indexes.filter((each) => each === index).length);
			for (const count of counts) expect(count).toBeGreaterThan((3_000 / threads) * 0.8);
		}
	});

	it("exists for a text that is no URL, whose attempt ends as without threads", async () => {
		await using opened = await open();
		expect(await opened.send("nonsense")).toMatchObject({ error: "protocol", cause: "invalid_request" });
	});
});

describe("attempts", () => {
	it("of several projects are made by several threads, each with its own connection", async () => {
		await using receiver = await startReceiver();
		await using opened = await open();
		const projects = projectsFor(receiver);
		for (const projectId of [...projects, ...projects])
			expect(await opened.send(receiver.url, { projectId })).toMatchObject({ error: null, responseCode: 200 });
		expect(receiver.requests.map(({ connection }) => connection)).toEqual([0, 1, 0, 1]);
		expect(opened.sender.stats()).toEqual({ exchanges: 0, pools: 2, sockets: 2 });
	});

	it("carry every byte of headers and bodies, also large ones", async () => {
		await using receiver = await startReceiver();
		await using opened = await open();
		const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
		const latin1 = all.subarray(0xa0).toString("latin1");
		const bodies = [all, Buffer.alloc(0), Buffer.alloc(300_000, all), Buffer.alloc(5_000, "é")];
		const sent = bodies.map((body) => opened.send(receiver.url, { body, headers: { "x-a": latin1 } }));
		for (const outcome of await Promise.all(sent)) expect(outcome).toMatchObject({ error: null, responseCode: 200 });
		const arrived = receiver.requests.map(({ rawBody }) => rawBody);
		for (const body of bodies) expect(arrived.some((each) => each.equals(body))).toBe(true);
		for (const { headers } of receiver.requests) expect(headers["x-a"]).toBe(latin1);
	});

	it("of one turn go to their thread in one message, and so do the outcomes", async () => {
		await using receiver = await startReceiver();
		await using opened = await open();
		const [projectId] = projectsFor(receiver);
		const [worker] = opened.workers as [Worker];
		const posted: { kind: string }[] = [];
		const post = worker.postMessage.bind(worker) as (message: { kind: string }, transfer: []) => void;
		Object.assign(worker, {
			postMessage: (message: { kind: string }, transfer: []) => (posted.push(message), post(message, transfer)),
		});
		await Promise.all(Array.from({ length: 50 }, () => opened.send(receiver.url, { projectId })));
		expect(posted.map(({ kind }) => kind)).toEqual(["requests"]);
	});

	it("end with their signal, and leave no listener behind", async () => {
		await using receiver = await startReceiver();
		await using opened = await open();
		receiver.script(() => ({ kind: "hang" }));
		const controller = new AbortController();
		const sent = projectsFor(receiver).map((projectId) =>
			opened.send(receiver.url, { projectId, signal: controller.signal }),
		);
		const other = opened.send(receiver.url);
		await receiver.waitFor(3);
		controller.abort();
		for (const outcome of sent) expect(await outcome).toMatchObject({ error: "aborted", responseCode: 0 });
		expect(opened.sender.stats().exchanges).toBe(1);
		opened.sender.abort();
		expect(await other).toMatchObject({ error: "aborted" });
	});

	it("are aborted in all threads by abort, those of this turn too, and later ones are made", async () => {
		await using receiver = await startReceiver();
		await using opened = await open();
		const projects = projectsFor(receiver);
		receiver.script(({ path }) => (path === "/hang" ? { kind: "hang" } : {}));
		const sent = projects.map((projectId) => opened.send(`${receiver.url}/hang`, { projectId }));
		await receiver.waitFor(2);
		sent.push(...projects.map((projectId) => opened.send(`${receiver.url}/hang`, { projectId })));
		opened.sender.abort();
		for (const outcome of sent) expect(await outcome).toMatchObject({ error: "aborted", responseCode: 0 });
		for (const projectId of projects)
			expect(await opened.send(receiver.url, { projectId })).toMatchObject({ error: null, responseCode: 200 });
	});
});

describe("what the threads share", () => {
	it("is the limit of sockets: idle connections of one are closed for those of another", async () => {
		await using receiver = await startReceiver();
		await using opened = await open({ maxSockets: 3 });
		const [first, second] = projectsFor(receiver);
		const answer = Promise.withResolvers<object>();
		receiver.script(() => answer.promise);
		const ofFirst = [1, 2, 3].map(() => opened.send(receiver.url, { projectId: first }));
		await receiver.waitFor(3);
		// Otherwise they would be kept for 30 seconds.
		answer.resolve({ headers: { "keep-alive": "timeout=60" } });
		await Promise.all(ofFirst);
		expect(receiver.openConnections).toBe(3);
		const ofSecond = [1, 2, 3].map(() => opened.send(receiver.url, { projectId: second }));
		for (const outcome of ofSecond) expect(await outcome).toMatchObject({ responseCode: 200 });
		await expect.poll(() => opened.sender.stats().sockets).toBeLessThanOrEqual(3);
	});

	it("are the process's descriptors: when one lacks them, the idle connections of all are closed", async () => {
		await using receiver = await startReceiver();
		const lookup = () => Promise.reject(Object.assign(new Error("too many open files"), { code: "EMFILE" }));
		await using opened = await open({ lookup });
		const projects = projectsFor(receiver);
		for (const projectId of projects) await opened.send(receiver.url, { projectId });
		expect(receiver.openConnections).toBe(2);
		const reason = "this process has no free file descriptor (EMFILE)";
		expect(await opened.send("http://example.test/")).toMatchObject({ error: "shortage", reason, cause: null });
		await receiver.waitForConnections(0);
	});

	it("are name look-ups: two attempts in two threads make one, and a project waits for its turn over all threads", async () => {
		await using receiver = await startReceiver();
		const asked: string[] = [];
		const looking = Promise.withResolvers<void>();
		const lookup = async (hostname: string) => {
			asked.push(hostname);
			await looking.promise;
			return [{ address: "127.0.0.1", family: 4 }];
		};
		await using opened = await open({ lookup });
		// One name, two origins: with enough of them, both threads need it.
		const send = (name: string, port: number, timeoutMs: number) =>
			opened.send(`http://${name}:${port}/`, { timeoutMs });
		const closed = Array.from({ length: 8 }, (_, n) => send("same.test", n + 1, DEADLINE_MS));
		await expect.poll(() => asked).toEqual(["same.test"]);
		// Libuv has threads for two look-ups at once here, of which a project may have one.
		expect(await send("other.test", 81, 300)).toMatchObject({
			error: "queued",
			reason: "the look-up of the name of other.test:81 could not begin within 300 ms",
		});
		expect(asked).toEqual(["same.test"]);
		looking.resolve();
		for (const outcome of await Promise.all(closed)) expect(outcome).toMatchObject({ error: "refused" });
		expect(await send("same.test", receiver.port, DEADLINE_MS)).toMatchObject({ responseCode: 200 });
	});

	it("are the rules of the guard, also after a change", async () => {
		await using receiver = await startReceiver();
		const guard = createChangeableGuard(RULES);
		await using opened = await open({ guard });
		const projects = projectsFor(receiver);
		const codes = async () => {
			const outcomes = await Promise.all(projects.map((projectId) => opened.send(receiver.url, { projectId })));
			return outcomes.map(({ error, responseCode }) => error ?? responseCode);
		};
		expect(await codes()).toEqual([200, 200]);
		guard.replace(createAddressGuard({ ...RULES, allowNetworks: [] }));
		opened.sender.recheck();
		expect(await codes()).toEqual(["blocked_address", "blocked_address"]);
		await receiver.waitForConnections(0);
		guard.replace(createAddressGuard(RULES));
		opened.sender.recheck();
		expect(await codes()).toEqual([200, 200]);
	});
});

describe("close", () => {
	it("aborts what is under way in all threads, and ends them; later attempts are aborted at once", async () => {
		await using receiver = await startReceiver();
		const opened = await open();
		receiver.script(() => ({ kind: "hang" }));
		const projects = projectsFor(receiver);
		const sent = projects.map((projectId) => opened.send(receiver.url, { projectId }));
		await receiver.waitFor(2);
		const ended = opened.workers.map((worker) => once(worker, "exit"));
		let isDead = false;
		void opened.sender.died.then(() => (isDead = true));
		await Promise.all([opened.sender.close(), opened.sender.close()]);
		await Promise.all(ended);
		await receiver.waitForConnections(0);
		for (const outcome of sent) expect(await outcome).toMatchObject({ error: "aborted" });
		expect(await opened.send(receiver.url)).toMatchObject({ error: "aborted", reason: "the sender is closed" });
		expect(opened.sender.stats()).toEqual({ exchanges: 0, pools: 0, sockets: 0 });
		opened.sender.abort();
		opened.sender.recheck();
		expect(isDead).toBe(false);
	});

	it("of a sender whose threads are still starting ends them, too", async () => {
		const guard = createAddressGuard(RULES);
		const sender = openThreadedSender({ guard, clock: systemClock, threads: THREADS, program: THREAD });
		const sent = attemptOnce(sender, {
			projectId: "a",
			url: "http://127.0.0.1:1",
			headers: {},
			body: Buffer.from(""),
			timeoutMs: DEADLINE_MS,
		});
		await sender.close();
		expect(await sent).toMatchObject({ error: expect.stringMatching(/aborted|refused/) as string });
	});
});

describe.each([
	[
		"ends without an error",
		(worker: Worker) => worker.terminate(),
		/has ended unexpectedly \(exit code 1\): start the server again/,
	],
	[
		"ends with an error",
		// No message that the thread understands: it throws outside of every attempt.
		(worker: Worker) => worker.postMessage(null, []),
		/has ended unexpectedly \(.*null.*\): start the server again/,
	],
] as const)("when a thread %s", (_title, kill, message) => {
	it("its attempts are aborted, the opener is told, and the others go on", async () => {
		await using receiver = await startReceiver();
		const opened = await open();
		onTestFinished(() => opened.sender.close());
		const [first, second] = projectsFor(receiver);
		receiver.script(({ path }) => (path === "/hang" ? { kind: "hang" } : {}));
		const hanging = opened.send(`${receiver.url}/hang`, { projectId: first });
		await receiver.waitFor(1);
		void kill(opened.workers[0]!);
		const reason = await opened.sender.died;
		expect(reason.message).toMatch(message);
		expect(await hanging).toMatchObject({ error: "aborted", reason: reason.message });
		expect(await opened.send(receiver.url, { projectId: first })).toMatchObject({ error: "aborted" });
		expect(await opened.send(receiver.url, { projectId: second })).toMatchObject({ responseCode: 200 });
		expect(opened.sender.stats().exchanges).toBe(0);
	});
});

it("a thread that ends before it takes requests is reported", async () => {
	const guard = createAddressGuard(RULES);
	const program = new URL("data:text/javascript,throw new Error('no such program')");
	const sender = openThreadedSender({ guard, clock: systemClock, threads: 1, program });
	onTestFinished(() => sender.close());
	await expect(sender.ready).rejects.toThrow("has ended unexpectedly (no such program)");
	expect((await sender.died).message).toContain("no such program");
});
