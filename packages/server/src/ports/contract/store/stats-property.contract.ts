// The contract of the stats slice: stats equal what the log says after any sequence of writes.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import type { Attempt, DeliveryStatus } from "../../../core/delivery.ts";
import { causeOf, type AttemptCause } from "../../../core/log/attempt-cause.ts";
import { addLatencyCount, emptyLatencyCounts, latencyBucket } from "../../../core/stats/latency-histogram.ts";
import {
	STATS_WIDTHS,
	STATS_WIDTHS_MS,
	type CauseCounts,
	type StatsBucket,
	type StatsWidth,
} from "../../../core/stats/stats.ts";
import { WEBHOOK_STATUSES, type WebhookStatus } from "../../../core/webhook.ts";
import type { DeliveryUpdate } from "../../store/accept.ts";
import type { Store } from "../../store/store.ts";
import type { CurrentStore, Reopen } from "./records/records.ts";
import {
	ANY_DELIVERY,
	ANY_EVENT,
	attemptsOf,
	fillStore,
	GONE,
	NEWEST,
	setWebhook,
	type World,
} from "./records/records.ts";
import { buckets, floorTo, KEEP_ALL, MINUTE, ZERO_COUNTS } from "./records/stats.ts";

type Step =
	| { readonly kind: "accept"; readonly webhooks: readonly number[] }
	| { readonly kind: "changes"; readonly changes: readonly (readonly [which: number, change: Change])[] }
	| { readonly kind: "later"; readonly ms: number }
	| { readonly kind: "roll up"; readonly limit: number }
	| { readonly kind: "status"; readonly webhook: number; readonly status: WebhookStatus }
	| { readonly kind: "sweep"; readonly webhook: number }
	| { readonly kind: "reopen" };
type Change = "success" | "failure" | "gone" | "refused" | "hold" | "resume" | "cancel" | "retry";

const CHANGES: readonly Change[] = ["success", "failure", "gone", "refused", "hold", "resume", "cancel", "retry"];
const change = fc.constantFrom(...CHANGES, "failure" as const);
const webhook = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
	fc.record({ kind: fc.constant("accept" as const), webhooks: fc.subarray([0, 1, 2]) }),
	fc.record({
		kind: fc.constant("changes" as const),
		changes: fc.array(fc.tuple(fc.nat({ max: 5 }), change), { minLength: 1, maxLength: 6 }),
	}),
	fc.record({ kind: fc.constant("later" as const), ms: fc.constantFrom(1_000, 40_000, 3_000_000, -90_000) }),
	fc.record({ kind: fc.constant("roll up" as const), limit: fc.constantFrom(1, 60, 1_000) }),
	fc.record({ kind: fc.constant("status" as const), webhook, status: fc.constantFrom(...WEBHOOK_STATUSES) }),
	fc.record({ kind: fc.constant("sweep" as const), webhook }),
	fc.constant({ kind: "reopen" as const }),
);
const steps = fc.array(step, { minLength: 1, maxLength: 30 });

export function describeStatsProperty(current: CurrentStore, reopen: Reopen, effort: number): void {
	it("equals what the log says after any sequence of commits, sweeps, roll-ups and reopenings", async () => {
		const world = await fillStore(current(), 3);
		await fc.assert(
			fc.asyncProperty(steps, async (sequence) => {
				const book = new Book({ ...world, store: current() });
				for (const step of sequence) await book.take(step, current, reopen);
				await book.check(current());
			}),
			{ numRuns: Math.ceil(runs(20) * effort) },
		);
	});
}

/**
 * Performs the steps and computes the expected stats. It notes when deliveries become final, as the results of commits
 * say; it reads everything else from the log at the end.
 */
class Book {
	readonly #world: World;
	readonly #ids: string[] = [];
	static readonly ends = new WeakMap<World["records"], Map<string, { succeeded: number; exhausted: number }>>();

	constructor(world: World) {
		this.#world = world;
		if (!Book.ends.has(world.records)) Book.ends.set(world.records, new Map());
	}

	async take(step: Step, current: CurrentStore, reopen: Reopen): Promise<void> {
		const { records, projectId, webhookIds } = this.#world;
		switch (step.kind) {
			case "accept": {
				const event = records.event(projectId, { webhookIds: step.webhooks.map((index) => webhookIds[index] ?? "") });
				await current().commit({ events: [event], updates: [] });
				this.#ids.push(...event.deliveries.map(({ id }) => id));
				return;
			}
			case "changes":
				return this.#change(current(), step.changes);
			case "later":
				records.now += step.ms;
				return;
			case "roll up":
				await current().rollUpStats({ ...KEEP_ALL, limit: step.limit });
				return;
			case "status":
				return setWebhook(current(), webhookIds[step.webhook] ?? "", { status: step.status });
			case "sweep":
				await current().sweepWebhook(webhookIds[step.webhook] ?? "", records.now, 3);
				return;
			case "reopen":
				await reopen();
		}
	}

	async #change(store: Store, changes: readonly (readonly [which: number, change: Change])[]): Promise<void> {
		const { records, scope } = this.#world;
		for (const [which, change] of changes) {
			const id = this.#ids[which % Math.max(1, this.#ids.length)];
			if (id === undefined) return;
			const before = await store.delivery(scope, id);
			const { updates } = await store.commit({ events: [], updates: [this.#update(id, change)] });
			const after = updates[0]?.state;
			if (before === null || after === undefined || before.status === after.status) continue;
			const minute = floorTo(records.now, MINUTE);
			if (after.status === "Succeeded") this.#endsOf(before.webhookId, minute).succeeded++;
			if (after.status === "Failed") this.#endsOf(before.webhookId, minute).exhausted++;
		}
	}

	#update(id: string, change: Change): DeliveryUpdate {
		const { records } = this.#world;
		const updates: Readonly<Record<Change, () => DeliveryUpdate>> = {
			success: () => records.outcome(id, 1),
			failure: () => records.failure(id, 1),
			gone: () => records.outcome(id, 1, GONE),
			refused: () => {
				const attempt = records.attempt(1, { responseCode: 0, error: "refused" });
				return { ...records.failure(id, 1, 0), attempt };
			},
			hold: () => records.change(id, { type: "hold", reason: "paused" }),
			resume: () => records.change(id, { type: "resume", at: records.now }),
			cancel: () => records.cancel(id),
			retry: () => records.retry(id),
		};
		return updates[change]();
	}

	#endsOf(webhookId: string, minute: number): { succeeded: number; exhausted: number } {
		const ends = Book.ends.get(this.#world.records) ?? new Map<string, { succeeded: number; exhausted: number }>();
		const known = ends.get(`${webhookId} ${minute}`) ?? { succeeded: 0, exhausted: 0 };
		ends.set(`${webhookId} ${minute}`, known);
		return known;
	}

	async check(store: Store): Promise<void> {
		const world = { ...this.#world, store };
		const { scope, webhookIds } = world;
		const expected = new Map<string | null, Map<number, MutableBucket>>();
		const at = (owner: string | null, minute: number) => bucketAt(expected, owner, minute);
		const counts = new Map<string | null, Record<DeliveryStatus, number>>();
		const accepted = new Map<string, number>();
		for (const { id, createDate } of (await store.events(scope, ANY_EVENT, NEWEST)).rows) {
			accepted.set(id, floorTo(createDate, MINUTE));
			at(null, floorTo(createDate, MINUTE)).accepted++;
		}
		for (const delivery of (await store.deliveries(scope, ANY_DELIVERY, NEWEST)).rows) {
			at(delivery.webhookId, accepted.get(delivery.eventId)!).accepted++;
			for (const attempt of await attemptsOf({ store, scope }, delivery.id)) {
				for (const owner of [delivery.webhookId, null])
					addAttempt(at(owner, floorTo(attempt.startDate, MINUTE)), attempt);
			}
			for (const owner of [delivery.webhookId, null]) {
				counts.set(owner, countOne(counts.get(owner) ?? ZERO_COUNTS, delivery.status));
			}
		}
		for (const [key, { succeeded, exhausted }] of Book.ends.get(world.records) ?? []) {
			const [webhookId = "", minute = ""] = key.split(" ");
			for (const owner of [webhookId, null]) {
				const bucket = at(owner, Number(minute));
				bucket.succeeded += succeeded;
				bucket.exhausted += exhausted;
			}
		}
		for (const owner of [...webhookIds, null]) {
			expect(await store.statusCounts(scope, owner)).toEqual(counts.get(owner) ?? ZERO_COUNTS);
			const minutes = [...(expected.get(owner)?.values() ?? [])];
			for (const width of STATS_WIDTHS) expect(await buckets(world, owner, width)).toEqual(addUp(minutes, width));
		}
		const { Pending, Held } = counts.get(null) ?? ZERO_COUNTS;
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
	const failures = new Map();
	return { start, accepted: 0, attemptsSucceeded: 0, attemptsFailed: 0, succeeded: 0, exhausted: 0, latency, failures };
}

function addAttempt(bucket: MutableBucket, attempt: Pick<Attempt, "responseCode" | "error" | "cause" | "durationMs">) {
	if (attempt.responseCode >= 200 && attempt.responseCode <= 299) bucket.attemptsSucceeded++;
	else bucket.attemptsFailed++;
	bucket.failures = plus(bucket.failures, causeOf(attempt), 1);
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
		for (const [cause, count] of minute.failures) sum.failures = plus(sum.failures, cause, count);
	}
	return [...sums.values()].sort((a, b) => a.start - b.start);
}

function plus(counts: CauseCounts, cause: AttemptCause | null, by: number): CauseCounts {
	return cause === null ? counts : new Map(counts).set(cause, (counts.get(cause) ?? 0) + by);
}

function countOne(counts: Readonly<Record<DeliveryStatus, number>>, status: DeliveryStatus) {
	return { ...counts, [status]: counts[status] + 1 };
}
