// Reads in threads of their own: what they see, whom they wait for, and what happens when they are in somebody's way. The threads and
// the files are real.
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { BroadcastChannel, type Worker } from "node:worker_threads";

import { eventually } from "@fanfare/testkit/eventually";
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { customerScope, projectOf, projectScope, type Scope } from "../../../core/access/principal.ts";
import { ANY_DELIVERY, ANY_ENTRY, fillStore, idsOf, NEWEST } from "../../../ports/contract/store/records/records.ts";
import type { Store } from "../../../ports/store/store.ts";
import { systemClock } from "../../system/system-clock.ts";
import { PATIENT_READER_PROGRAM, READER_PROGRAM, READER_STARTS } from "../test/reader-program.ts";
import { ReadQueue } from "./read-queue.ts";
import { Readers } from "./readers.ts";
import { ThreadLink } from "./thread-link.ts";
import { openThreadedSqliteStore } from "./threaded-store.ts";

const ANY_EVENT = { types: null, after: null, before: null };
const FIRST = { limit: 1, cursor: null };
const IDLE_WRITER = { read: () => Promise.resolve(), emptyWal: () => Promise.resolve() };
const ownerOf = (project: string) => ({ project, customer: undefined });
/** As many reads of one project as may wait. */
const MAX_WAITING = 256;

/** A store in its threads, with a project and a webhook. */
async function open() {
	const dir = new TemporaryDir(fastParent());
	onTestFinished(() => dir[Symbol.dispose]());
	const path = dir.join("fanfare.db");
	const started = once(process, "worker") as Promise<[Worker]>;
	const { store, died } = await openThreadedSqliteStore({ path, clock: systemClock, readerProgram: READER_PROGRAM });
	const [worker] = await started;
	onTestFinished(() => store.close());
	const world = await fillStore(store);
	return { ...world, died, worker, path, wal: `${path}-wal` };
}

/** The thread that the next read starts. */
async function readerOf(store: Store): Promise<Worker> {
	// Node emits this for each thread that the process starts.
	const started = once(process, "worker") as Promise<[Worker]>;
	await store.auditEntries(ANY_ENTRY, FIRST);
	return (await started)[0];
}

/**
 * Expects a call to be answered before as many reads as may wait, which were asked for earlier. In the order of the calls, it would always be
 * the last one. In threads of their own, it is only if the machine stops its thread for as long as all reads take: then it is tried again.
 */
async function passesReads(read: () => Promise<unknown>, call: () => Promise<unknown>): Promise<void> {
	await eventually("the call to pass the reads", async () => {
		let answered = 0;
		const reads = Array.from({ length: MAX_WAITING }, async () => {
			await read();
			answered++;
		});
		await call();
		const hasPassed = answered < MAX_WAITING;
		await Promise.all(reads);
		return hasPassed;
	});
}

function sizeOf(path: string): number {
	return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

describe("a read beside commits", () => {
	it("sees an event type as soon as it is created, and is none of the thread that writes", async () => {
		const { store, worker, records, projectId } = await open();
		const sent: string[] = [];
		const post = worker.postMessage.bind(worker);
		worker.postMessage = (message: { readonly name: string }, transferred) => (
			sent.push(message.name),
			post(message, transferred)
		);
		for (let n = 0; n < 30; n++) {
			const type = records.eventType(projectId, `t${n}`);
			await store.putEventType(type, { expected: null, limit: 1_000, entry: null });
			const [one, several] = await Promise.all([
				store.eventType(projectId, type.name),
				store.eventTypesByName(projectId, ["none", type.name]),
			]);
			expect([one?.name, ...several.map((found) => found?.name)]).toEqual([type.name, undefined, type.name]);
		}
		expect(new Set(sent)).toEqual(new Set(["putEventType"]));
	});

	it("that a send waits for comes before the lists of all projects, which are not forgotten over many of them", async () => {
		const { path, records, projectId } = await open();
		const paused = Promise.withResolvers<void>();
		// All of them take the same time.
		const readers = new Readers({
			path,
			program: READER_PROGRAM,
			writer: IDLE_WRITER,
			clock: { monotonicMs: () => 0 },
		});
		const list = (id: string) => readers.read(ownerOf(id), "events", [projectScope(id), ANY_EVENT, FIRST]);
		const send = (id: string) => readers.read(ownerOf(id), "eventTypesByName", [id, ["a"]]);
		const others = Array.from({ length: 100 }, () => records.project().id);
		// Both threads have started then.
		await Promise.all(others.map(list));
		// What the threads are given, in order: which of two threads answers first says nothing.
		using given = vi.spyOn(ThreadLink.prototype, "call");
		const names = () => given.mock.calls.splice(0).map(([name]) => name);
		const pause = readers.pause(() => paused.promise);
		const reads = [...others.map(list), send(projectId)];
		paused.resolve();
		await Promise.all([pause, ...reads]);
		expect(names().indexOf("eventTypesByName")).toBe(0);
		await Promise.all([list(projectId), ...others.map(list), ...others.flatMap((id) => [send(id), send(id)])]);
		const calls = given.mock.calls.map(([name], index) => ({ name, link: given.mock.contexts[index] }));
		// How many reads the thread for sends alone makes meanwhile says nothing.
		const links = new Set(calls.filter(({ name }) => name === "events").map(({ link }) => link));
		const shared = calls.filter(({ link }) => links.has(link)).slice(0, 100);
		expect(shared.filter(({ name }) => name === "events").length).toBeGreaterThan(20);
		await readers.close();
	});

	it("that a send waits for has a thread that no list holds up, also of its own project", async () => {
		const { path, projectId, scope, records } = await open();
		const other = records.project().id;
		const gate = Promise.withResolvers<void>();
		const call = Object.getOwnPropertyDescriptor(ThreadLink.prototype, "call")?.value as ThreadLink["call"];
		const given: string[] = [];
		using _ = vi.spyOn(ThreadLink.prototype, "call").mockImplementation(async function (
			this: ThreadLink,
			...parameters
		) {
			const [name] = parameters;
			given.push(name);
			// The thread is at work for as long as the test says.
			if (name === "events") await gate.promise;
			return call.apply(this, parameters);
		});
		const readers = new Readers({ path, program: READER_PROGRAM, writer: IDLE_WRITER, clock: systemClock });
		const list = (id: string) => readers.read(ownerOf(id), "events", [scope, ANY_EVENT, FIRST]);
		const send = (id: string) => readers.read(ownerOf(id), "eventTypesByName", [id, ["a"]]);
		const lists = [
			list(projectId),
			list(projectId),
			list(other),
			...Array.from({ length: 5 }, () => list(records.project().id)),
		];
		await eventually("both threads of lists to be at work", () => given.length === 2);
		let made = 0;
		const ids = [projectId, other, records.project().id];
		const sends = [...ids, ...ids, ...ids].map((id) => send(id).then(() => made++));
		await eventually("the reads of sends to be made", () => made === sends.length).finally(() => gate.resolve());
		expect(given.toSorted().slice(0, 11)).toEqual([...Array<string>(9).fill("eventTypesByName"), "events", "events"]);
		await Promise.all(lists);
		await readers.close();
	});

	it("that a send waits for is made by another thread while its own one starts", async () => {
		const { path, projectId, scope } = await open();
		const readers = new Readers({ path, program: READER_PROGRAM, writer: IDLE_WRITER, clock: systemClock });
		await readers.read(ownerOf(projectId), "events", [scope, ANY_EVENT, FIRST]);
		const given: ThreadLink[] = [];
		const call = Object.getOwnPropertyDescriptor(ThreadLink.prototype, "call")?.value as ThreadLink["call"];
		using _ = vi.spyOn(ThreadLink.prototype, "call").mockImplementation(function (this: ThreadLink, ...parameters) {
			given.push(this);
			return call.apply(this, parameters);
		});
		const send = () => readers.read(ownerOf(projectId), "eventTypesByName", [projectId, ["a"]]);
		await send();
		// A pause waits for the start.
		await readers.pause(() => Promise.resolve());
		await send();
		await readers.read(ownerOf(projectId), "events", [scope, ANY_EVENT, FIRST]);
		const [first, second, third] = given;
		expect(given).toHaveLength(3);
		expect(second).not.toBe(first);
		expect(third).toBe(first);
		await readers.close();
	});

	it("waits for no start of a thread while another one makes such reads", async () => {
		const { path, projectId, scope, records } = await open();
		const starts = new BroadcastChannel(READER_STARTS);
		const program = PATIENT_READER_PROGRAM;
		const readers = new Readers({ path, program, writer: IDLE_WRITER, clock: systemClock });
		const list = (id: string) => readers.read(ownerOf(id), "events", [scope, ANY_EVENT, FIRST]);
		/** Lets threads start until something has happened. */
		const startUntil = async (what: string, work: Promise<unknown>) => {
			let isDone = false;
			void work.finally(() => (isDone = true));
			await eventually(what, () => {
				// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel between threads has no origins
				starts.postMessage(null);
				return isDone;
			});
		};
		onTestFinished(async () => {
			await startUntil("the threads to end", readers.close());
			starts.close();
		});
		await startUntil("the first read", list(projectId));

		const other = records.project().id;
		const second = once(process, "worker");
		let made = 0;
		for (const id of [projectId, other, projectId, other]) void list(id).then(() => made++);
		await second;
		await eventually("the reads to be made by the first thread", () => made === 4);
	});

	it("counts for its project as long as it has taken", async () => {
		const { path, projectId, scope } = await open();
		let now = 0;
		const readers = new Readers({
			path,
			program: READER_PROGRAM,
			writer: IDLE_WRITER,
			clock: { monotonicMs: () => (now += 7) },
		});
		using ended = vi.spyOn(ReadQueue.prototype, "ended");
		await readers.read(ownerOf(projectId), "events", [scope, ANY_EVENT, FIRST]);
		await expect(readers.read(ownerOf(projectId), "events", [])).rejects.toThrow("Cannot read");
		await readers.close();
		expect(ended.mock.calls.map(([{ owner }, ms]) => [owner, ms])).toEqual([
			[projectId, 7],
			[projectId, 7],
		]);
	});

	it("of single rows comes before its owner's lists, which are not forgotten over many of them", async () => {
		const { path, projectId, scope } = await open();
		const paused = Promise.withResolvers<void>();
		const made: string[] = [];
		const readers = new Readers({ path, program: READER_PROGRAM, writer: IDLE_WRITER, clock: systemClock });
		const pause = readers.pause(() => paused.promise);
		const list = () =>
			readers.read(ownerOf(projectId), "events", [scope, ANY_EVENT, FIRST]).then(() => made.push("list"));
		const row = () => readers.read(ownerOf(projectId), "eventType", [projectId, "a"]).then(() => made.push("row"));
		const reads = [list(), list(), ...Array.from({ length: 40 }, row)];
		paused.resolve();
		await Promise.all([pause, ...reads]);
		expect(made.flatMap((kind, index) => (kind === "list" ? [index] : []))).toEqual([16, 33]);
		await readers.close();
	});

	it("sees every commit that was acknowledged before it, and every part of it", async () => {
		const { store, scope, projectId, webhookId, records } = await open();
		const sender = async () => {
			for (let n = 0; n < 40; n++) {
				const sent = records.event(projectId, { webhookIds: [webhookId] });
				const [delivery] = sent.deliveries;
				await store.commit({ events: [sent], updates: [] });
				const [page, found, counts] = await Promise.all([
					store.deliveries(scope, { ...ANY_DELIVERY, eventId: sent.event.id }, NEWEST),
					store.delivery(scope, delivery?.id ?? ""),
					store.statusCounts(scope, webhookId),
				]);
				expect(idsOf(page)).toEqual([delivery?.id]);
				expect(found).toMatchObject({ status: "Pending" });
				expect(counts.Pending).toBeGreaterThan(0);
				await store.commit({ events: [], updates: [records.outcome(delivery?.id ?? "", 1)] });
				const after = await store.deliveries(scope, { ...ANY_DELIVERY, webhookId, statuses: ["Succeeded"] }, NEWEST);
				expect(idsOf(after)).toContain(delivery?.id);
				expect(await store.attempts(scope, delivery?.id ?? "", NEWEST)).toMatchObject({ rows: [{ number: 1 }] });
			}
		};
		await Promise.all([sender(), sender(), sender()]);
		expect(await store.statusCounts(scope, null)).toMatchObject({ Pending: 0, Succeeded: 120 });
	});

	it("finds a delivery in one of the two tables, never in both or in none", async () => {
		const { store, scope, accept, records } = await open();
		const traffic = { moving: true };
		const ids = (await Promise.all(Array.from({ length: 50 }, () => accept()))).flat().toSorted();
		const move = async () => {
			for (const id of ids) await store.commit({ events: [], updates: [records.outcome(id, 1)] });
			traffic.moving = false;
		};
		const list = async () => {
			while (traffic.moving) {
				expect(idsOf(await store.deliveries(scope, ANY_DELIVERY, NEWEST)).toSorted()).toEqual(ids);
			}
		};
		await Promise.all([move(), list()]);
	});

	it.each([
		["a list of deliveries", (store: Store, scope: Scope) => store.deliveries(scope, ANY_DELIVERY, NEWEST)],
		["a list of customers", (store: Store, scope: Scope) => store.customers(scope, null, NEWEST)],
		["a customer", (store: Store, scope: Scope) => store.customer(customerScope(projectOf(scope), "acme"))],
	] as const)("delays no commit, however many wait: %s", async (_, read) => {
		const { store, scope, accept } = await open();
		await passesReads(
			() => read(store, scope),
			() => accept(),
		);
	});
});

describe("many reads of a project", () => {
	it("let another project's read pass", async () => {
		const { store, scope, records } = await open();
		const other = projectScope(records.project().id);
		const list = (of: Scope) => store.deliveries(of, ANY_DELIVERY, NEWEST);
		// Starts both threads.
		await Promise.all([list(scope), list(other)]);
		await passesReads(
			() => list(scope),
			() => list(other),
		);
	});

	it("for one of its customers leave places to the others and to itself", async () => {
		const { store, scope } = await open();
		const read = (of: Scope) => store.events(of, ANY_EVENT, FIRST);
		const greedy = customerScope(projectOf(scope), "greedy");
		// One of them is under way.
		const reads: Promise<unknown>[] = Array.from({ length: 1 + MAX_WAITING * 0.75 }, () => read(greedy));
		await expect(read(greedy)).rejects.toMatchObject({ name: "StoreError", code: "store_overloaded" });
		reads.push(read(scope), read(customerScope(projectOf(scope), "other")));
		expect(await Promise.all(reads)).toHaveLength(195);
	});

	it("are refused as store_overloaded when too many wait, and those of other projects are not", async () => {
		const { store, scope, records } = await open();
		const other = projectScope(records.project().id);
		const read = () => store.events(scope, ANY_EVENT, FIRST);
		// One of them is under way.
		const reads: Promise<unknown>[] = Array.from({ length: MAX_WAITING + 1 }, read);
		await expect(read()).rejects.toMatchObject({ name: "StoreError", code: "store_overloaded" });
		// A change needs single rows.
		reads.push(store.event(scope, "evt_unknown"));
		await expect(store.events(other, ANY_EVENT, FIRST)).resolves.toMatchObject({ rows: [] });
		await store.auditEntries(ANY_ENTRY, FIRST);
		expect(await Promise.all(reads)).toHaveLength(MAX_WAITING + 2);
		await expect(read()).resolves.toMatchObject({ rows: [] });
	});
});

describe("the write-ahead log beside reads", () => {
	it("can be emptied while a project reads without a pause", async () => {
		const { store, scope, projectId, webhookId, records, accept, wal } = await open();
		const events = Array.from({ length: 5_000 }, () => records.event(projectId, { webhookIds: [webhookId] }));
		await store.commit({ events, updates: [] });
		const until = records.now + 1;
		const filter = { since: 0, until, outcomes: ["Failed"], eventTypes: null, missedEventTypes: null } as const;
		// It reads one snapshot for a long time.
		const count = () => store.countReplay({ scope, webhookId, filter, afterEventId: null, scanLimit: 10_000 });
		await count();
		for (let n = 0; n < 5; n++) {
			const counting = [count(), count()];
			const accepted = accept({ body: Buffer.alloc(100_000, 1) });
			while ((await store.releaseSpace(0)) > 0);
			await accepted;
			expect(sizeOf(wal)).toBe(0);
			await Promise.all(counting);
		}
	});

	it("is emptied by itself when it became long under a snapshot", async () => {
		const { store, scope, accept, path, wal } = await open();
		await accept();
		using backup = new DatabaseSync(path, { readOnly: true });
		backup.exec("BEGIN");
		backup.prepare("SELECT count(*) FROM events").get();
		for (let n = 0; n < 20; n++) await accept({ body: Buffer.alloc(1_000_000, 1) });
		expect(sizeOf(wal)).toBeGreaterThan(16 * 1_024 * 1_024);
		backup.exec("COMMIT");
		await store.events(scope, ANY_EVENT, FIRST);
		await eventually("the write-ahead log to be emptied", () => sizeOf(wal) === 0);
		expect((await store.events(scope, ANY_EVENT, NEWEST)).rows).toHaveLength(21);
	});
});

describe("the end", () => {
	it("of a thread that reads rejects its read, and nothing else: the next read starts another thread", async () => {
		const { store, scope, accept, died, wal } = await open();
		const [id = ""] = await accept();
		let isDead = false;
		void died.then(() => (isDead = true));
		const reader = await readerOf(store);
		const ended = once(reader, "exit");
		void reader.terminate();
		await expect(store.delivery(scope, id)).rejects.toMatchObject({
			name: "StoreError",
			code: "store_unavailable",
			message: expect.stringContaining("the next read starts another") as string,
		});
		await ended;
		await accept();
		expect(await store.delivery(scope, id)).toMatchObject({ id });
		// Its snapshot ended with it.
		await store.releaseSpace(0);
		expect(sizeOf(wal)).toBe(0);
		expect(isDead).toBe(false);
	});

	it("of an idle thread that reads is not noticed", async () => {
		const { store, scope, accept } = await open();
		const [id = ""] = await accept();
		const reader = await readerOf(store);
		const ended = once(reader, "exit");
		void reader.terminate();
		await ended;
		expect(await store.delivery(scope, id)).toMatchObject({ id });
	});

	it("of the store comes after the reads that wait, and leaves one file", async () => {
		const { store, scope, accept, path, wal } = await open();
		await accept();
		const reads = Array.from({ length: 50 }, () => store.deliveries(scope, ANY_DELIVERY, NEWEST));
		const closed = store.close();
		await expect(store.events(scope, ANY_EVENT, FIRST)).rejects.toMatchObject({
			code: "store_unavailable",
			message: "the store is closed",
		});
		for (const page of await Promise.all(reads)) expect(page.rows).toHaveLength(1);
		await closed;
		expect([existsSync(path), existsSync(wal), existsSync(`${path}-shm`)]).toEqual([true, false, false]);
	});

	it("of the store closes the file also if a thread that reads ends by itself meanwhile", async () => {
		const { store, accept, path, wal } = await open();
		await accept();
		const reader = await readerOf(store);
		void reader.terminate();
		await store.close();
		expect([existsSync(path), existsSync(wal)]).toEqual([true, false]);
	});

	it("of the store comes after a pause, and after the reads that wait for its end", async () => {
		let endPause = () => {};
		const paused = new Promise<void>((resolve) => (endPause = resolve));
		// No thread can open this file: the one that writes makes the reads.
		const writer = { read: (name: string) => Promise.resolve(name), emptyWal: () => Promise.resolve() };
		const readers = new Readers({ path: "/no/such/file", program: READER_PROGRAM, writer, clock: systemClock });
		const pause = readers.pause(() => paused);
		const read = readers.read(ownerOf("proj"), "events", []);
		const closed = readers.close();
		// The work of a pause ends with a message from a thread, which comes only in a later turn.
		setImmediate(endPause);
		expect(await Promise.all([pause, read, closed])).toEqual([undefined, "events", undefined]);
	});

	it("of the store comes after bodies for which no thread can be started: their pages are read by the one that writes", async () => {
		const writer = { read: (name: string) => Promise.resolve(`page of ${name}`), emptyWal: () => Promise.resolve() };
		const readers = new Readers({ path: "/no/such/file", program: READER_PROGRAM, writer, clock: systemClock });
		const body = readers.readBody(ownerOf("proj"), "events", []);
		await readers.close();
		expect(await body).toEqual({ page: "page of events" });
	});

	it("of the thread that writes rejects the reads, too", async () => {
		using dir = new TemporaryDir(fastParent());
		const started = once(process, "worker") as Promise<[Worker]>;
		const { store, died } = await openThreadedSqliteStore({
			path: dir.join("fanfare.db"),
			clock: systemClock,
			readerProgram: READER_PROGRAM,
		});
		const [writer] = await started;
		const { scope, accept } = await fillStore(store);
		await accept();
		await store.deliveries(scope, ANY_DELIVERY, NEWEST);
		void writer.terminate();
		const list = () => store.deliveries(scope, ANY_DELIVERY, NEWEST);
		const settled = Promise.allSettled(Array.from({ length: 200 }, list));
		const reason = await died;
		await expect(list()).rejects.toBe(reason);
		const refused = (await settled).filter(({ status }) => status === "rejected");
		for (const read of refused) expect(read).toMatchObject({ reason });
		await store.close();
	});
});
