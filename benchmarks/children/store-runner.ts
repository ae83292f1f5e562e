// A process that runs a checkout's store in its main thread, without the engine, and measures the CPU time of the store's calls.
import { readFileSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";

import { serveCalls } from "../harness/process/serve-calls.ts";
import { BenchStore, type DeliveryUpdate, type NewEvent } from "../harness/store/bench-store.ts";
import { bodyTemplate } from "../wire/bench-event.ts";

export interface StoreLoad {
	/**
	 * `one-event`: each commit has `eventsPerCommit` events with one delivery each, and the outcomes of the commit before.
	 * `fan-out`: the same, but each event has a delivery to every webhook.
	 * `overflow`: the events find no room in the ready queue. When all are accepted, their deliveries are claimed and served as the
	 * engine does it, in turns by webhook, and their outcomes are committed.
	 */
	readonly kind: "one-event" | "fan-out" | "overflow";
	readonly webhooks: number;
	readonly eventsPerCommit: number;
	/** Events before the measurement, and in it. */
	readonly warmUpEvents: number;
	readonly events: number;
}

export type StoreFloorLoad = Pick<StoreLoad, "eventsPerCommit" | "warmUpEvents" | "events">;

export interface StoreReading {
	/** The deliveries of the measurement, and how many more of them the store counts as Succeeded after it than before. */
	readonly deliveries: number;
	readonly succeeded: number;
	/** CPU time of the calling thread in the calls of the store, and the part of it that the kernel took. */
	readonly cpuUs: number;
	readonly systemUs: number;
	/** Bytes given to write calls, of the database and its WAL. NaN where the system does not count them. */
	readonly writtenBytes: number;
	/** By which the closed file has grown for a delivery, warm-up included. */
	readonly fileBytesPerDelivery: number;
	/** CPU time for a delivery of adding the stats to their tables, which the engine does in the background. */
	readonly rollUpUsPerDelivery: number;
}

export interface StoreRunnerCalls {
	/** Measures a load on a new store in the file `path`, with the code of a checkout. */
	measure(options: StoreLoad & { readonly codeDir: string; readonly path: string }): Promise<StoreReading>;
	/**
	 * CPU time for an event of what no store on SQLite can do without: the bodies of the events in a table without an index, with as
	 * many in a synced commit. It tells how fast the machine is at the moment.
	 */
	measureFloor(options: StoreFloorLoad & { readonly path: string }): number;
}

/** The time between two commits, as under full load. */
const COMMIT_EVERY_MS = 5;
const OUTCOMES_PER_COMMIT = 64;
const TYPE = "order.line.shipped";
const BODY = bodyTemplate(0).bytes;

async function measure(options: Parameters<StoreRunnerCalls["measure"]>[0]): Promise<StoreReading> {
	const { codeDir, path, webhooks, warmUpEvents, events } = options;
	const store = await BenchStore.create(codeDir, path, webhooks);
	store.now = Date.now();
	const emptyBytes = statSync(path).size;
	const warmUp = await run(store, options, warmUpEvents);
	const before = await store.countByStatus();
	const writtenBefore = writtenBytes();
	const { deliveries, cpuUs, systemUs } = await run(store, options, events);
	const written = writtenBytes() - writtenBefore;
	const after = await store.countByStatus();
	const meter = new CallMeter();
	await meter.measure(() => store.rollUp(store.now));
	await store.close();
	const all = warmUp.deliveries + deliveries;
	return {
		deliveries,
		succeeded: after.Succeeded - before.Succeeded,
		cpuUs,
		systemUs,
		writtenBytes: written,
		fileBytesPerDelivery: (statSync(path).size - emptyBytes) / all,
		rollUpUsPerDelivery: meter.cpuUs / all,
	};
}

/** Measures only the calls of the store, not the making of what they write. */
class CallMeter {
	cpuUs = 0;
	systemUs = 0;

	/** The store works until its call returns a promise, so that nothing else is measured. */
	async measure<T>(call: () => Promise<T>): Promise<T> {
		const before = process.threadCpuUsage();
		const result = await call();
		const { user, system } = process.threadCpuUsage(before);
		this.cpuUs += user + system;
		this.systemUs += system;
		return result;
	}
}

async function run(store: BenchStore, load: StoreLoad, events: number) {
	const meter = new CallMeter();
	const commit = async (accepted: readonly NewEvent[], outcomes: readonly DeliveryUpdate[]) => {
		await meter.measure(() => store.commit(accepted, outcomes));
		store.now += COMMIT_EVERY_MS;
		// Here the process notices that its parent has ended.
		await nextTurn();
	};
	const deliveries = await (load.kind === "overflow"
		? overflow(store, load, events, meter, commit)
		: withRoom(store, load, events, commit));
	return { deliveries, cpuUs: meter.cpuUs, systemUs: meter.systemUs };
}

type Commit = (accepted: readonly NewEvent[], outcomes: readonly DeliveryUpdate[]) => Promise<void>;

async function withRoom(store: BenchStore, load: StoreLoad, events: number, commit: Commit): Promise<number> {
	let deliveries = 0;
	let outcomes: DeliveryUpdate[] = [];
	for (let first = 0; first < events; first += load.eventsPerCommit) {
		const accepted = newEvents(store, load, first, events);
		await commit(accepted, outcomes);
		outcomes = accepted.flatMap((event) => store.deliveriesOf(event).map((id) => store.success(id)));
		deliveries += outcomes.length;
	}
	await commit([], outcomes);
	return deliveries;
}

async function overflow(store: BenchStore, load: StoreLoad, events: number, meter: CallMeter, commit: Commit) {
	const waiting = new Map<string, number>();
	for (let first = 0; first < events; first += load.eventsPerCommit) {
		const accepted = newEvents(store, load, first, events);
		await commit(accepted, []);
		for (const webhookId of accepted.flatMap((event) => store.webhooksOf(event))) {
			waiting.set(webhookId, (waiting.get(webhookId) ?? 0) + 1);
		}
	}
	// As the engine does it: a lane that is empty claims, the lanes take turns, and each attempt succeeds at once.
	const lanes = new Map<string, string[]>();
	const outcomes: DeliveryUpdate[] = [];
	const limit = store.claimLimit(waiting.size);
	while (waiting.size > 0) {
		for (const [webhookId, count] of waiting) {
			const lane = lanes.get(webhookId) ?? [];
			if (lane.length === 0) lane.push(...(await meter.measure(() => store.claim(webhookId, limit))));
			const id = lane.shift();
			if (id === undefined) throw new Error(`a claim found nothing, but ${count} deliveries of its webhook are due`);
			lanes.set(webhookId, lane);
			outcomes.push(store.success(id));
			if (count === 1) waiting.delete(webhookId);
			else waiting.set(webhookId, count - 1);
			if (outcomes.length >= OUTCOMES_PER_COMMIT) await commit([], outcomes.splice(0, OUTCOMES_PER_COMMIT));
		}
	}
	await commit([], outcomes);
	return events;
}

/** The events of one commit: number `first` and those after it, of `events` in all. Each has the next webhook, or in a fan-out all. */
function newEvents(store: BenchStore, load: StoreLoad, first: number, events: number): NewEvent[] {
	const { webhookIds } = store.project;
	return Array.from({ length: Math.min(load.eventsPerCommit, events - first) }, (_, index) => {
		const number = (first + index) % webhookIds.length;
		return store.newEvent({
			type: TYPE,
			body: BODY,
			webhookIds: load.kind === "fan-out" ? webhookIds : webhookIds.slice(number, number + 1),
			hasRoom: load.kind !== "overflow",
		});
	});
}

function measureFloor({
	path,
	eventsPerCommit,
	warmUpEvents,
	events,
}: Parameters<StoreRunnerCalls["measureFloor"]>[0]): number {
	using db = new DatabaseSync(path);
	db.exec(
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bodies (seq INTEGER PRIMARY KEY, body BLOB)",
	);
	const insert = db.prepare("INSERT INTO bodies (body) VALUES (?)");
	const write = (count: number) => {
		for (let written = 0; written < count; written += eventsPerCommit) {
			db.exec("BEGIN IMMEDIATE");
			for (let index = written; index < Math.min(count, written + eventsPerCommit); index++) insert.run(BODY);
			db.exec("COMMIT");
		}
	};
	write(warmUpEvents);
	const before = process.threadCpuUsage();
	write(events);
	const { user, system } = process.threadCpuUsage(before);
	return (user + system) / events;
}

/** Bytes that this process has given to write calls. */
function writtenBytes(): number {
	try {
		return Number(/^wchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
	} catch {
		return Number.NaN;
	}
}

serveCalls<StoreRunnerCalls>({ measure, measureFloor });
