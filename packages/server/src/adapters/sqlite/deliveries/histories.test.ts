// Random histories of calls on the embedded store, with COMMITs that fail and crashes. Whatever happens in whatever order, no claim passes over a
// delivery (each open one is leased, was returned, or lies above the cursor of its webhook), and the kept sums of stored bytes are those of the rows.
import { cpSync } from "node:fs";

import { runs } from "@fanfare/testkit/runs";
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import fc from "fast-check";
import { expect, it } from "vitest";

import { newDelivery, type DeliveryChange } from "../../../core/delivery.ts";
import { addWebhook, fillStore, setWebhook } from "../../../ports/contract/store/records/records.ts";
import { KEEP_ALL } from "../../../ports/contract/store/records/stats.ts";
import type { DeliveryUpdate } from "../../../ports/store/accept.ts";
import { openSqliteStore, type StoreInside } from "../sqlite-store.ts";
import { STORED_SQL } from "../stats/stored-totals.ts";
import { StoreInvariants } from "../test/store-invariants.ts";

const WEBHOOKS = 3;
const LEASE_MS = 1_000;

const webhook = fc.integer({ min: 0, max: WEBHOOKS - 1 });
const place = fc.nat({ max: 1_000 });
const limit = fc.constantFrom(1, 50);
const step = fc.oneof(
	{
		weight: 4,
		/** Deliveries to some webhooks, each leased at once or not. */
		arbitrary: fc.record({
			do: fc.constant("accept" as const),
			leased: fc.array(fc.tuple(webhook, fc.boolean()), { maxLength: 6 }),
			bytes: fc.nat({ max: 9_000 }),
			isKeyed: fc.boolean(),
			customers: fc.constantFrom(null, "*", "acme", ["acme", "globex"]),
		}),
	},
	{
		weight: 5,
		arbitrary: fc.record({
			do: fc.constant("claim" as const),
			webhook,
			limit: fc.integer({ min: 1, max: 4 }),
			maxBytes: fc.nat({ max: 30_000 }),
		}),
	},
	{
		weight: 6,
		arbitrary: fc.record({
			do: fc.constantFrom(...(["success", "failure", "release", "cancel", "renew", "erase"] as const)),
			place,
		}),
	},
	fc.record({ do: fc.constantFrom(...(["pause", "resume", "sweep"] as const)), webhook }),
	fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, LEASE_MS / 2, 2 * LEASE_MS) }),
	fc.record({ do: fc.constantFrom(...(["purgeEvents", "purgePayloads", "roll up"] as const)), limit }),
	fc.record({ do: fc.constantFrom(...(["take over", "crash"] as const)) }),
);
/** Steps, and whether the COMMIT of each fails. */
const history = fc.array(
	fc.tuple(
		step,
		fc.nat(3).map((n) => n === 0),
	),
	{ maxLength: 50 },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Histories = Awaited<ReturnType<typeof openHistories>>;

/** A store, which can crash, with what the histories on it need. */
async function openHistories(dir: TemporaryDir, listAfterMs: number) {
	const commits = { fails: false };
	const beforeCommit = () => {
		if (!commits.fails) return;
		commits.fails = false;
		throw new Error("the COMMIT fails");
	};
	let files = 0;
	let path = dir.join("0.db");
	const open = async () => {
		const inside: StoreInside[] = [];
		const onOpened = (opened: StoreInside) => void inside.push(opened);
		const store = await openSqliteStore({ path, listAfterMs, beforeCommit, onOpened });
		const [opened] = inside as [StoreInside];
		return { store, db: opened.db, invariants: new StoreInvariants(opened) };
	};
	let now = await open();
	const { records, projectId, scope } = await fillStore(now.store);
	return {
		records,
		projectId,
		scope,
		commits,
		store: () => now.store,
		async crash() {
			// What is on the disk, without the end of the process that wrote it.
			const copy = dir.join(`${++files}.db`);
			for (const suffix of ["", "-wal"]) cpSync(`${path}${suffix}`, `${copy}${suffix}`);
			await now.store.close();
			path = copy;
			now = await open();
		},
		async check(where: string) {
			expect(now.invariants.broken(), where).toEqual([]);
			const scanned = now.db.prepare(STORED_SQL).get()?.["bytes"] ?? 0;
			expect((await now.store.usage([projectId])).projects, where).toEqual([Number(scanned)]);
		},
		countOpen: () => now.db.prepare("SELECT count(*) AS count FROM open").get()?.["count"],
	};
}

/** Plays a history with new webhooks. In the end, everything that still waits is claimed and delivered. */
async function play(steps: readonly (readonly [Step, boolean])[], histories: Histories): Promise<void> {
	const { records, projectId, scope, commits, store } = histories;
	const webhookIds: string[] = [];
	for (let n = 0; n < WEBHOOKS; n++) webhookIds.push((await addWebhook(store(), records.webhook(projectId))).id);
	const deliveryIds: string[] = [];
	const eventIds: string[] = [];
	const webhookAt = (index: number) => webhookIds[index] ?? "";
	const at = (ids: readonly string[], index: number) => ids[index % Math.max(1, ids.length)];
	const update = (...updates: readonly DeliveryUpdate[]) => store().commit({ events: [], updates });
	const claim = (index: number, atMost: number, maxBytes: number) => {
		const { now } = records;
		return store().claimDue({ webhookId: webhookAt(index), now, limit: atMost, maxBytes, leaseUntil: now + LEASE_MS });
	};
	/** The deliveries of the last claim. */
	let claimed: readonly string[] = [];
	/** Changes one of the last claim, or any one. */
	const changed = async (index: number, updateOf: (id: string) => DeliveryUpdate) => {
		const id = index % 2 === 0 && claimed.length > 0 ? at(claimed, index / 2) : at(deliveryIds, index);
		if (id !== undefined) await update(updateOf(id));
	};
	const byHand = (index: number, change: DeliveryChange) => changed(index, (id) => records.change(id, change));
	const purging = (rows: number) => ({
		projectId,
		at: records.now,
		before: records.now - 50,
		after: null,
		limit: rows,
	});

	const calls: { readonly [Name in Step["do"]]: (made: Step & { readonly do: Name }) => Promise<unknown> } = {
		accept({ leased, bytes, isKeyed, customers }) {
			const event = records.event(projectId, {
				webhookIds: leased.map(([index]) => webhookAt(index)),
				body: Buffer.alloc(bytes + 1, "b"),
				customers,
				...(isKeyed && { key: `ключ-${eventIds.length}-${webhookAt(0)}` }),
			});
			const deliveries = event.deliveries.map((delivery, index) => ({
				...delivery,
				state: newDelivery(records.now, leased[index]?.[1] === true ? records.now + LEASE_MS : null),
			}));
			deliveryIds.push(...deliveries.map(({ id }) => id));
			eventIds.push(event.event.id);
			return store().commit({ events: [{ ...event, deliveries }], updates: [] });
		},
		async claim({ webhook: index, limit: atMost, maxBytes }) {
			const { deliveries } = await claim(index, atMost, maxBytes);
			claimed = deliveries.map(({ id }) => id);
		},
		success: ({ place: index }) => changed(index, (id) => records.outcome(id, 1)),
		failure: ({ place: index }) =>
			changed(index, (id) => {
				const response = { headers: { a: "é" }, body: "€".repeat(index % 30), bodyTruncated: false };
				return { ...records.failure(id, 1), attempt: records.attempt(1, { response }) };
			}),
		release: ({ place: index }) => byHand(index, { type: "release" }),
		cancel: ({ place: index }) => byHand(index, { type: "cancel", reason: "by hand" }),
		async renew({ place: index }) {
			const id = at(deliveryIds, index);
			if (id !== undefined) await store().renewLeases([id], records.now + 2 * LEASE_MS);
		},
		async erase({ place: index }) {
			const eventId = at(eventIds, index);
			const options = { reason: "erased", at: records.now, limit: 1, entry: null };
			if (eventId !== undefined) await store().erasePayload(scope, eventId, options);
		},
		pause: ({ webhook: index }) => setWebhook(store(), webhookAt(index), { status: "Paused" }),
		resume: ({ webhook: index }) => setWebhook(store(), webhookAt(index), { status: "Enabled" }),
		sweep: ({ webhook: index }) => store().sweepWebhook(webhookAt(index), records.now, 2),
		async wait({ ms }) {
			records.now += ms;
		},
		purgeEvents: ({ limit: rows }) => store().purgeEvents(purging(rows)),
		purgePayloads: ({ limit: rows }) => store().purgePayloads(purging(rows)),
		"roll up": ({ limit: rows }) => store().rollUpStats({ ...KEEP_ALL, limit: rows }),
		"take over": () => store().takeOver(null),
		crash: () => histories.crash(),
	};

	for (const [made, failsAtCommit] of steps) {
		const call = calls[made.do] as (made: Step) => Promise<unknown>;
		commits.fails = failsAtCommit && made.do !== "crash";
		await (commits.fails ? call(made).catch(() => {}) : call(made));
		commits.fails = false;
		await histories.check(`after ${made.do}`);
	}
	// Whatever still waits is found, once no lease lasts any more.
	for (let index = 0; index < WEBHOOKS; index++) {
		await setWebhook(store(), webhookAt(index), { status: "Enabled" });
		while (!(await store().sweepWebhook(webhookAt(index), records.now, 100)).done);
	}
	records.now += 60_000;
	for (let index = 0; index < WEBHOOKS; index++) {
		// A claim may only have cancelled those whose payload was erased.
		for (let dueAt: number | null = records.now; dueAt !== null && dueAt <= records.now;) {
			const { deliveries, nextDueAt } = await claim(index, 3, Infinity);
			await update(...deliveries.map(({ id, attemptCount }) => records.outcome(id, attemptCount + 1)));
			dueAt = nextDueAt;
		}
	}
	await histories.check("in the end");
	expect(histories.countOpen()).toBe(0);
}

it.each([0, 1, Infinity])("hold in any order of calls, with rows listed after %d ms", async (listAfterMs) => {
	using dir = new TemporaryDir(fastParent());
	const histories = await openHistories(dir, listAfterMs);
	await fc.assert(
		fc.asyncProperty(history, (steps) => play(steps, histories)),
		// The histories share the store, so that one that failed is not made shorter.
		{ numRuns: runs(20), endOnFailure: true },
	);
	await histories.store().close();
});
