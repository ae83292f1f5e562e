// The store's contract: statistics, and how many deliveries are in each status.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { DELIVERY_STATUSES, newHeldDelivery, type DeliveryChange, type DeliveryStatus } from "../core/delivery.ts";
import { addLatencyCount, emptyLatencyCounts, latencyBucket } from "../core/latency-histogram.ts";
import { STATS_WIDTHS, STATS_WIDTHS_MS, type StatsBucket, type StatsWidth } from "../core/stats.ts";
import { ANY_DELIVERY, fillStore, NEWEST, POLICY, Samples, type World } from "./store-samples.contract.ts";
import type { CurrentStore } from "./store.contract.ts";
import type { DeliveryUpdate, Store } from "./store.ts";

const MINUTE = STATS_WIDTHS_MS.minute;
const NONE: Readonly<Record<DeliveryStatus, number>> = { Pending: 0, Succeeded: 0, Failed: 0, Held: 0, Cancelled: 0 };
const KEEP_ALL = { keepMinutesFrom: 0, keepHoursFrom: 0, limit: 1_000 };

/** `reopen` closes the store and opens it again, where data outlives the store. */
export function describeStats(current: CurrentStore, reopen: () => Promise<void>): void {
	describeFigures(current);
	describeStatusCounts(current);
	describeRollUp(current, reopen);
	describeProperty(current, reopen);
}

function describeFigures(current: CurrentStore): void {
	it("counts events, attempts by result, ends and latencies in the minute in which they came", async () => {
		const world = await fillStore(current(), 2);
		const { accept, update, samples, webhookIds } = world;
		const [first = "", second = ""] = [...(await accept({ webhookIds })), ...(await accept())];
		samples.now += MINUTE;
		await update(samples.outcome(first, 1), samples.failure(second, 1), samples.failure(second, 2));
		const minute = floorTo(samples.now, MINUTE);
		expect(await buckets(world, webhookIds[0] ?? "", "minute")).toMatchObject([
			{ start: minute - MINUTE, accepted: 2, attemptsSucceeded: 0, attemptsFailed: 0, succeeded: 0, exhausted: 0 },
			{ start: minute, accepted: 0, attemptsSucceeded: 1, attemptsFailed: 0, succeeded: 1, exhausted: 0 },
		]);
		const [, ofSecond] = await buckets(world, webhookIds[1] ?? "", "minute");
		expect(ofSecond).toMatchObject({ attemptsFailed: 2, succeeded: 0, latency: latencyOf(12, 12) });
	});

	it("gives the buckets of the range alone, its end left out", async () => {
		const { store, accept, samples, projectId, webhookId } = await fillStore(current());
		const first = floorTo(samples.now, MINUTE);
		for (let count = 0; count < 3; count++) {
			await accept();
			samples.now += MINUTE;
		}
		const query = { projectId, webhookId, width: "minute", from: first + MINUTE, to: first + 2 * MINUTE } as const;
		for (let round = 0; round < 2; round++) {
			expect((await store.stats(query)).map(({ start }) => start)).toEqual([first + MINUTE]);
			expect(await store.stats({ ...query, to: query.from })).toEqual([]);
			while ((await store.rollUpStats(KEEP_ALL)) > 0);
		}
	});

	it("counts an event of a project once, however many webhooks want it", async () => {
		const world = await fillStore(current(), 2);
		const { accept, webhookIds } = world;
		await accept({ webhookIds });
		await accept({ webhookIds: [] });
		expect(await buckets(world, null, "hour")).toMatchObject([{ accepted: 2 }]);
	});

	it("counts no duplicate, no refused send and nothing of a batch that failed", async () => {
		const world = await fillStore(current());
		const { accept, samples, projectId, store } = world;
		await accept({ key: "k" });
		await accept({ key: "k" });
		await accept({ key: "k", fingerprint: Buffer.alloc(32, 8) });
		const lost = samples.event(projectId);
		const update = samples.outcome("dlv_nothing", 1);
		await expect(store.commit({ events: [lost, lost], updates: [update] })).rejects.toMatchObject({
			name: "StoreError",
		});
		expect(await buckets(world, null, "minute")).toMatchObject([{ accepted: 1, attemptsSucceeded: 0 }]);
		expect(await store.statusCounts(projectId, null)).toEqual({ ...NONE, Pending: 1 });
	});

	it("counts a delivery as exhausted when it becomes Failed, whatever the reason", async () => {
		const world = await fillStore(current());
		const { accept, update, samples, webhookId } = world;
		const [gone = "", worn = ""] = [...(await accept()), ...(await accept())];
		await update(samples.outcome(gone, 1, { kind: "gone", responseCode: 410 }));
		for (let number = 1; number <= POLICY.maxRetries + 1; number++) await update(samples.failure(worn, number));
		// Thought lost, it comes in after all: an attempt more, and no other end.
		await update(samples.failure(worn, 5));
		expect(await buckets(world, webhookId, "day")).toMatchObject([{ attemptsFailed: 6, succeeded: 0, exhausted: 2 }]);
	});

	it("takes latencies of attempts that got an answer or timed out, and of no others", async () => {
		const world = await fillStore(current());
		const { accept, update, samples, webhookId } = world;
		const [id = ""] = await accept();
		const ended = (number: number, error: string | null, durationMs: number): DeliveryUpdate => {
			const responseCode = error === null ? 500 : 0;
			return {
				...samples.failure(id, number, responseCode),
				attempt: samples.attempt(number, { error, durationMs, responseCode }),
			};
		};
		await update(ended(1, "refused", 1), ended(2, "timeout", 15_000), ended(3, "dns", 2), ended(4, null, 40));
		const [bucket] = await buckets(world, webhookId, "minute");
		expect(bucket).toMatchObject({ attemptsFailed: 4, latency: latencyOf(15_000, 40) });
	});
}

function describeStatusCounts(current: CurrentStore): void {
	it("knows how many deliveries are in each status, of a webhook and of the project", async () => {
		const { store, accept, update, samples, projectId, webhookIds } = await fillStore(current(), 2);
		const [first = "", second = ""] = webhookIds;
		const [id = ""] = await accept({ webhookIds });
		await accept({ webhookIds: [second], state: newHeldDelivery("paused") });
		await update(samples.outcome(id, 1));
		expect(await store.statusCounts(projectId, first)).toEqual({ ...NONE, Succeeded: 1 });
		expect(await store.statusCounts(projectId, second)).toEqual({ ...NONE, Pending: 1, Held: 1 });
		expect(await store.statusCounts(projectId, null)).toEqual({ ...NONE, Succeeded: 1, Pending: 1, Held: 1 });
		await store.sweepWebhook(second, "Held", { type: "cancel", reason: "by hand" }, samples.now, 10);
		expect(await store.statusCounts(projectId, second)).toEqual({ ...NONE, Pending: 1, Cancelled: 1 });
	});

	it("is zero for what has no deliveries", async () => {
		const { store, projectId, webhookId, samples } = await fillStore(current());
		expect(await store.statusCounts(projectId, webhookId)).toEqual(NONE);
		expect(await store.statusCounts(samples.project().id, null)).toEqual(NONE);
	});
}

function describeRollUp(current: CurrentStore, reopen: () => Promise<void>): void {
	it("reads the same before, in the middle of and after adding up", async () => {
		const world = await fillStore(current(), 5);
		const { accept, samples, store, webhookIds } = world;
		for (let count = 0; count < 10; count++) {
			for (const id of await accept({ webhookIds }))
				await store.commit({ events: [], updates: [samples.outcome(id, 1)] });
			samples.now += MINUTE / 4;
		}
		const before = await everything(world);
		let steps = 0;
		while ((await store.rollUpStats({ ...KEEP_ALL, limit: 1 })) > 0) {
			expect(await everything(world)).toEqual(before);
			steps++;
		}
		expect(steps).toBeGreaterThan(10);
		expect(await everything(world)).toEqual(before);
		expect(await store.rollUpStats(KEEP_ALL)).toBe(0);
	});

	it("goes on to count what comes while it adds up, once", async () => {
		const world = await fillStore(current(), 3);
		const { accept, store, webhookIds } = world;
		await accept({ webhookIds });
		await store.rollUpStats({ ...KEEP_ALL, limit: 1 });
		await accept({ webhookIds });
		for (let round = 0; round < 2; round++) {
			while ((await store.rollUpStats({ ...KEEP_ALL, limit: 1 })) > 0);
			expect(await buckets(world, null, "day")).toMatchObject([{ accepted: 2 }]);
		}
	});

	it("goes on to count after all was added up and the store was opened again", async () => {
		const world = await fillStore(current());
		for (let count = 1; count <= 3; count++) {
			await current().commit({ events: [world.samples.event(world.projectId)], updates: [] });
			while ((await current().rollUpStats(KEEP_ALL)) > 0);
			await reopen();
			await current().commit({ events: [world.samples.event(world.projectId)], updates: [] });
			await reopen();
			const [bucket] = await buckets({ ...world, store: current() }, null, "day");
			expect(bucket?.accepted).toBe(2 * count);
		}
	});

	it("drops minutes and hours that are too old, and keeps days", async () => {
		const world = await fillStore(current());
		const { accept, samples, store, webhookId } = world;
		await accept();
		await store.rollUpStats(KEEP_ALL);
		while ((await store.rollUpStats({ ...KEEP_ALL, keepMinutesFrom: samples.now + 1 })) > 0);
		expect(await buckets(world, webhookId, "minute")).toEqual([]);
		expect(await buckets(world, webhookId, "hour")).toMatchObject([{ accepted: 1 }]);
		while ((await store.rollUpStats({ ...KEEP_ALL, keepHoursFrom: samples.now + 1 })) > 0);
		expect(await buckets(world, webhookId, "hour")).toEqual([]);
		expect(await buckets(world, webhookId, "day")).toMatchObject([{ accepted: 1 }]);
	});
}

type Step =
	| { readonly kind: "accept"; readonly webhooks: readonly number[] }
	| { readonly kind: "changes"; readonly changes: readonly (readonly [which: number, change: Change])[] }
	| { readonly kind: "later"; readonly ms: number }
	| { readonly kind: "roll up"; readonly limit: number }
	| { readonly kind: "sweep"; readonly webhook: number; readonly from: DeliveryStatus }
	| { readonly kind: "reopen" };
type Change = "success" | "failure" | "gone" | "refused" | "hold" | "resume" | "cancel" | "retry";

const change = fc.constantFrom<Change>(
	"success",
	"failure",
	"failure",
	"gone",
	"refused",
	"hold",
	"resume",
	"cancel",
	"retry",
);
const steps = fc.array(
	fc.oneof(
		fc.record({ kind: fc.constant("accept" as const), webhooks: fc.subarray([0, 1, 2]) }),
		fc.record({
			kind: fc.constant("changes" as const),
			changes: fc.array(fc.tuple(fc.nat({ max: 5 }), change), { minLength: 1, maxLength: 6 }),
		}),
		fc.record({ kind: fc.constant("later" as const), ms: fc.constantFrom(1_000, 40_000, 3_000_000, -90_000) }),
		fc.record({ kind: fc.constant("roll up" as const), limit: fc.constantFrom(1, 60, 1_000) }),
		fc.record({
			kind: fc.constant("sweep" as const),
			webhook: fc.nat({ max: 2 }),
			from: fc.constantFrom(...DELIVERY_STATUSES),
		}),
		fc.constant({ kind: "reopen" as const }),
	),
	{ minLength: 1, maxLength: 30 },
);

function describeProperty(current: CurrentStore, reopen: () => Promise<void>): void {
	it("equals what the log says after any commits, sweeps, rounds of adding up and new openings", async () => {
		const world = await fillStore(current(), 3);
		await fc.assert(
			fc.asyncProperty(steps, async (sequence) => {
				const book = new Book({ ...world, store: current() });
				for (const step of sequence) await book.take(step, current, reopen);
				await book.check(current());
			}),
			{ numRuns: 40 },
		);
	});
}

/** Ends as the answers to commits tell them; everything else is read from the log at the end. */
class Book {
	readonly #world: World;
	readonly #ids: string[] = [];
	static readonly ends = new WeakMap<World["samples"], Map<string, { succeeded: number; exhausted: number }>>();

	constructor(world: World) {
		this.#world = world;
		if (!Book.ends.has(world.samples)) Book.ends.set(world.samples, new Map());
	}

	async take(step: Step, current: CurrentStore, reopen: () => Promise<void>): Promise<void> {
		const { samples, projectId, webhookIds } = this.#world;
		switch (step.kind) {
			case "accept": {
				const event = samples.event(projectId, { webhookIds: step.webhooks.map((index) => webhookIds[index] ?? "") });
				await current().commit({ events: [event], updates: [] });
				this.#ids.push(...event.deliveries.map(({ id }) => id));
				return;
			}
			case "changes":
				return this.#change(current(), step.changes);
			case "later":
				samples.now += step.ms;
				return;
			case "roll up":
				await current().rollUpStats({ ...KEEP_ALL, limit: step.limit });
				return;
			case "sweep": {
				const cancel = { type: "cancel", reason: "by hand" } as const;
				await current().sweepWebhook(webhookIds[step.webhook] ?? "", step.from, cancel, samples.now, 3);
				return;
			}
			case "reopen":
				await reopen();
		}
	}

	async #change(store: Store, changes: readonly (readonly [which: number, change: Change])[]): Promise<void> {
		const { samples, projectId } = this.#world;
		for (const [which, change] of changes) {
			const id = this.#ids[which % Math.max(1, this.#ids.length)];
			if (id === undefined) return;
			const before = await store.delivery(projectId, id);
			const { updates } = await store.commit({ events: [], updates: [this.#update(id, change)] });
			const [after] = updates;
			if (before === null || after === null || after === undefined || before.status === after.status) continue;
			const minute = floorTo(samples.now, MINUTE);
			if (after.status === "Succeeded") this.#endsOf(before.webhookId, minute).succeeded++;
			if (after.status === "Failed") this.#endsOf(before.webhookId, minute).exhausted++;
		}
	}

	#update(deliveryId: string, change: Change): DeliveryUpdate {
		const { samples } = this.#world;
		const by = (change: DeliveryChange): DeliveryUpdate => ({ deliveryId, change, attempt: null, at: samples.now });
		switch (change) {
			case "success":
				return samples.outcome(deliveryId, 1);
			case "failure":
				return samples.failure(deliveryId, 1);
			case "gone":
				return samples.outcome(deliveryId, 1, { kind: "gone", responseCode: 410 });
			case "refused": {
				const attempt = samples.attempt(1, { responseCode: 0, error: "refused" });
				return { ...samples.failure(deliveryId, 1, 0), attempt };
			}
			case "hold":
				return by({ type: "hold", reason: "paused" });
			case "resume":
				return by({ type: "resume", at: samples.now });
			case "cancel":
				return by({ type: "cancel", reason: "by hand" });
			case "retry":
				return by({ type: "retry", at: samples.now });
		}
	}

	#endsOf(webhookId: string, minute: number): { succeeded: number; exhausted: number } {
		const ends = Book.ends.get(this.#world.samples) ?? new Map<string, { succeeded: number; exhausted: number }>();
		const known = ends.get(`${webhookId} ${minute}`) ?? { succeeded: 0, exhausted: 0 };
		ends.set(`${webhookId} ${minute}`, known);
		return known;
	}

	async check(store: Store): Promise<void> {
		const world = { ...this.#world, store };
		const { projectId, webhookIds } = world;
		const expected = new Map<string | null, Map<number, MutableBucket>>();
		const at = (owner: string | null, minute: number) => bucketAt(expected, owner, minute);
		const counts = new Map<string | null, Record<DeliveryStatus, number>>();
		const filter = { type: null, after: null, before: null };
		for (const event of (await store.events(projectId, filter, NEWEST)).rows) {
			at(null, floorTo(event.createDate, MINUTE)).accepted++;
		}
		for (const delivery of (await store.deliveries(projectId, ANY_DELIVERY, NEWEST)).rows) {
			at(delivery.webhookId, floorTo(createDateOf(await store.event(projectId, delivery.eventId)), MINUTE)).accepted++;
			for (const attempt of await store.attempts(delivery.id)) {
				for (const owner of [delivery.webhookId, null])
					addAttempt(at(owner, floorTo(attempt.startDate, MINUTE)), attempt);
			}
			for (const owner of [delivery.webhookId, null]) {
				counts.set(owner, countOne(counts.get(owner) ?? NONE, delivery.status));
			}
		}
		for (const [key, { succeeded, exhausted }] of Book.ends.get(world.samples) ?? []) {
			const [webhookId = "", minute = ""] = key.split(" ");
			for (const owner of [webhookId, null]) {
				const bucket = at(owner, Number(minute));
				bucket.succeeded += succeeded;
				bucket.exhausted += exhausted;
			}
		}
		for (const owner of [...webhookIds, null]) {
			expect(await store.statusCounts(projectId, owner)).toEqual(counts.get(owner) ?? NONE);
			const minutes = [...(expected.get(owner)?.values() ?? [])];
			for (const width of STATS_WIDTHS) expect(await buckets(world, owner, width)).toEqual(addUp(minutes, width));
		}
		const { Pending, Held } = counts.get(null) ?? NONE;
		expect(await store.countOpen()).toEqual({ Pending, Held });
	}
}

type MutableBucket = { -readonly [Name in keyof StatsBucket]: StatsBucket[Name] };

function bucketAt(all: Map<string | null, Map<number, MutableBucket>>, owner: string | null, start: number) {
	const minutes = all.get(owner) ?? new Map<number, MutableBucket>();
	all.set(owner, minutes);
	const bucket = minutes.get(start) ?? emptyBucket(start);
	minutes.set(start, bucket);
	return bucket;
}

function emptyBucket(start: number): MutableBucket {
	const latency = emptyLatencyCounts();
	return { start, accepted: 0, attemptsSucceeded: 0, attemptsFailed: 0, succeeded: 0, exhausted: 0, latency };
}

function addAttempt(
	bucket: MutableBucket,
	attempt: { responseCode: number; error: string | null; durationMs: number },
) {
	if (attempt.responseCode >= 200 && attempt.responseCode <= 299) bucket.attemptsSucceeded++;
	else bucket.attemptsFailed++;
	if (attempt.error === null) addLatencyCount(bucket.latency, latencyBucket(attempt.durationMs), 1);
}

function addUp(minutes: readonly StatsBucket[], width: StatsWidth): StatsBucket[] {
	const sums = new Map<number, MutableBucket>();
	for (const minute of minutes) {
		const start = floorTo(minute.start, STATS_WIDTHS_MS[width]);
		const sum = sums.get(start) ?? emptyBucket(start);
		sums.set(start, sum);
		for (const name of ["accepted", "attemptsSucceeded", "attemptsFailed", "succeeded", "exhausted"] as const) {
			sum[name] += minute[name];
		}
		for (const [bucket, count] of minute.latency.entries()) addLatencyCount(sum.latency, bucket, count);
	}
	return [...sums.values()].sort((a, b) => a.start - b.start);
}

function countOne(counts: Readonly<Record<DeliveryStatus, number>>, status: DeliveryStatus) {
	return { ...counts, [status]: counts[status] + 1 };
}

function createDateOf(event: { readonly createDate: number } | null): number {
	if (event === null) throw new Error("a delivery without its event");
	return event.createDate;
}

/** All buckets since two days before the samples' first. */
async function buckets({ store, projectId, samples }: World, webhookId: string | null, width: StatsWidth) {
	const day = STATS_WIDTHS_MS.day;
	const from = floorTo(new Samples().now, day) - 2 * day;
	return store.stats({ projectId, webhookId, width, from, to: floorTo(samples.now, day) + day });
}

async function everything(world: World) {
	const owners = [...world.webhookIds, null];
	const figures = owners.flatMap((owner) => STATS_WIDTHS.map((width) => buckets(world, owner, width)));
	const counts = owners.map((owner) => world.store.statusCounts(world.projectId, owner));
	return {
		figures: await Promise.all(figures),
		counts: await Promise.all(counts),
		open: await world.store.countOpen(),
	};
}

function latencyOf(...latenciesMs: readonly number[]) {
	const counts = emptyLatencyCounts();
	for (const ms of latenciesMs) addLatencyCount(counts, latencyBucket(ms), 1);
	return counts;
}

function floorTo(time: number, width: number): number {
	return Math.floor(time / width) * width;
}
