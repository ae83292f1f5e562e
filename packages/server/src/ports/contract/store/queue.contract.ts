// The contract of the queue slice: claims, due times, leases and sweeps.
import { expect, it } from "vitest";

import { shardOf, SHARDS } from "../../../core/cluster/shard.ts";
import { newDelivery, newHeldDelivery, type DeliveryStatus } from "../../../core/delivery.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import { LEAST_SHARE, type Claim } from "../../store/queue.ts";
import type { CurrentStore } from "./records/records.ts";
import { dueAt, fillStore, GONE, setWebhook } from "./records/records.ts";
import { toSweep } from "./records/webhooks.ts";

export function describeQueue(current: CurrentStore): void {
	describeClaims(current);
	describeClaimsTogether(current);
	describeDueTimes(current);
	describeLeases(current);
	describeShards(current);
	describeSweeps(current);
}

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOTHING: Claim = { deliveries: [], nextDueAt: null };

function idsIn({ deliveries }: Claim): string[] {
	return deliveries.map(({ id }) => id);
}

function describeClaims(current: CurrentStore): void {
	it("claims due deliveries with all data that an attempt needs, and again when their lease has ended", async () => {
		const { store, projectId, scope, webhookId, accept, claim, state, records } = await fillStore(current());
		const { now } = records;
		const body = Buffer.from("body");
		const replayed = newDelivery(now, null, "replay");
		const [id = ""] = await accept({ type: "a.b", body, state: replayed, traceparent: TRACEPARENT });
		const eventId = (await store.delivery(scope, id))?.eventId;
		const leaseUntil = now + 10;
		const expected = { id, projectId, webhookId, eventId, eventType: "a.b", trigger: "replay", attemptCount: 0 };
		const rest = { leaseUntil, createDate: now, body: new Uint8Array(body), traceparent: TRACEPARENT };
		expect((await claim({ leaseUntil })).deliveries).toEqual([{ ...expected, ...rest }]);
		expect(await state(id)).toMatchObject({ status: "Pending", leaseUntil, nextAttemptAt: now });
		records.now += 9;
		expect(idsIn(await claim())).toEqual([]);
		await accept();
		expect((await claim()).deliveries).toMatchObject([{ traceparent: null }]);
		records.now += 1;
		expect(idsIn(await claim())).toEqual([id]);
		for (const unknown of [records.ids.make("webhook", now), "none"]) {
			expect(await claim({ webhookId: unknown })).toEqual(NOTHING);
		}
	});

	it("claims the earliest due first, no more than the limit, and no more bytes than maxBytes, but always one", async () => {
		const { accept, claim, records } = await fillStore(current());
		const ids: string[] = [];
		for (const ms of [30, 10, 20]) ids.push(...(await accept({ state: newDelivery(records.now + ms, null) })));
		records.now += 100;
		expect(idsIn(await claim({ limit: 2 }))).toEqual([ids[1], ids[2]]);
		expect(idsIn(await claim({ limit: 2 }))).toEqual([ids[0]]);
		for (const size of [50, 50, 10]) await accept({ body: Buffer.alloc(size) });
		expect(idsIn(await claim({ maxBytes: 10 }))).toHaveLength(1);
		expect(idsIn(await claim({ maxBytes: 60 }))).toHaveLength(2);
	});

	it("claims no delivery that is not due yet, leased, Held, final, another webhook's, or of a stopped webhook", async () => {
		const { store, accept, claim, update, state, records, webhookIds } = await fillStore(current(), 5);
		const { now } = records;
		await accept({ state: newDelivery(now + 1, null) });
		await accept({ state: newDelivery(now, now + 1) });
		await accept({ state: newHeldDelivery("paused") });
		const [final = ""] = await accept();
		await update(records.outcome(final, 1));
		const [, , ...stopped] = webhookIds;
		const waiting = await accept({ webhookIds: webhookIds.slice(1) });
		expect(idsIn(await claim())).toEqual([]);
		const ways = [{ status: "Paused" }, { status: "Disabled" }, { deleteDate: 1 }] as const;
		for (const [index, changes] of ways.entries()) {
			const webhookId = stopped[index] ?? "";
			await setWebhook(store, webhookId, changes);
			expect(await claim({ webhookId })).toEqual(NOTHING);
			expect(await state(waiting[index + 1] ?? "")).toEqual(newDelivery(now, null));
			// A deleted webhook stays deleted.
			if ("deleteDate" in changes) continue;
			await setWebhook(store, webhookId, { status: "Enabled" });
			expect(idsIn(await claim({ webhookId }))).toHaveLength(1);
		}
	});
}

function describeClaimsTogether(current: CurrentStore): void {
	it("makes claims for several webhooks that come together as if they came one after the other", async () => {
		const { store, records, projectId, webhookIds, accept, claim } = await fillStore(current(), 25);
		const { now } = records;
		const [many = "", paused = "", none = "", ...others] = webhookIds;
		const due = async (webhookId: string, at: number) => {
			const [id = ""] = await accept({ webhookIds: [webhookId], state: newDelivery(at, null) });
			return id;
		};
		for (let n = 0; n < LEAST_SHARE + 1; n++) await due(many, now - n);
		await due(paused, now);
		await setWebhook(store, paused, { status: "Paused" });
		const expected = new Map<string, string[]>();
		for (const webhookId of others) {
			const later = await due(webhookId, now);
			expected.set(webhookId, [await due(webhookId, now - 1), later]);
			await due(webhookId, now + 1_000);
		}
		const all = await Promise.all(webhookIds.map((webhookId) => claim({ projectId, webhookId })));
		const claims = new Map(webhookIds.map((webhookId, index) => [webhookId, all[index] ?? NOTHING]));
		for (const webhookId of others) {
			expect(idsIn(claims.get(webhookId)!)).toEqual(expected.get(webhookId));
			expect(claims.get(webhookId)?.nextDueAt).toBe(now + 1_000);
		}
		for (const webhookId of [paused, none]) expect(claims.get(webhookId)).toEqual(NOTHING);
		const claimed = idsIn(claims.get(many)!);
		expect(claimed.length).toBeGreaterThanOrEqual(LEAST_SHARE);
		expect(claimed.length + idsIn(await claim({ webhookId: many })).length).toBe(LEAST_SHARE + 1);
	});

	it("gives each delivery to one of several claims for its webhook that come together", async () => {
		const { projectId, acceptMany, claim } = await fillStore(current());
		await acceptMany(3);
		const claims = await Promise.all([0, 1, 2].map(() => claim({ projectId, limit: 2 })));
		const ids = claims.flatMap(idsIn);
		expect(new Set(ids).size).toBe(ids.length);
		expect(ids.length + idsIn(await claim()).length).toBe(3);
	});
}

function describeDueTimes(current: CurrentStore): void {
	it("knows for each webhook when its earliest delivery is due", async () => {
		const { store, accept, update, state, webhookIds, records } = await fillStore(current(), 6);
		const [first = "", second = "", third = "", fourth = "", fifth = ""] = webhookIds;
		const { now } = records;
		expect(await store.dueWebhooks(null)).toEqual([]);
		for (const at of [now + 20, now + 10]) await accept({ webhookIds: [first], state: newDelivery(at, null) });
		await accept({ webhookIds: [second], state: newDelivery(now, now + 500) });
		await accept({ webhookIds: [third], state: newHeldDelivery("paused") });
		const [failed = "", final = ""] = await accept({ webhookIds: [fourth, fifth] });
		await update(records.failure(failed, 1), records.outcome(final, 1));
		const retried = (await state(failed)).nextAttemptAt;
		expect(await Promise.all(webhookIds.map((id) => dueAt(store, id)))).toEqual([
			now + 10,
			now + 500,
			null,
			retried,
			null,
			null,
		]);
		expect(await store.dueWebhooks(null)).toHaveLength(3);
	});

	it("says with each claim when the webhook's next delivery is due, those of the claim included", async () => {
		const { accept, claim, records } = await fillStore(current());
		const { now } = records;
		expect(await claim()).toEqual(NOTHING);
		for (const at of [now - 2, now - 1, now + 70_000]) await accept({ state: newDelivery(at, null) });
		expect(await claim({ limit: 1 })).toMatchObject({ deliveries: [{}], nextDueAt: now - 1 });
		expect(await claim({ limit: 1 })).toMatchObject({ deliveries: [{}], nextDueAt: now + 60_000 });
		expect(await claim({ limit: 1 })).toEqual({ deliveries: [], nextDueAt: now + 60_000 });
	});

	it("makes deliveries due earlier if a clock that ran ahead has set their times", async () => {
		const { store, accept, acceptMany, update, state, records, webhookId, webhookIds } = await fillStore(current(), 3);
		const waitMs = 3_600_000;
		const { now } = records;
		const [soon = "", last = "", late = ""] = (
			await Promise.all([5, waitMs, waitMs + 1].map((ms) => accept({ state: newDelivery(now + ms, null) })))
		).flat();
		records.now += 10 * waitMs;
		const dueThen = newDelivery(records.now, null);
		const [never = "", attempted = ""] = await acceptMany(2, { state: dueThen });
		await update(records.failure(attempted, 1));
		const leasedThen = newDelivery(records.now + 1, records.now + 60_000);
		const [leased = ""] = await accept({ state: leasedThen });
		const [held = ""] = await accept({ state: newHeldDelivery("paused") });
		const [others = ""] = await accept({ webhookIds: webhookIds.slice(1, 2), state: dueThen });
		// Nothing is done for webhooks without waiting deliveries, unknown ones, or none.
		for (const ids of [[], [webhookIds[2]!], [records.ids.make("webhook", now)]]) {
			expect(
				await store.pullIn(
					now,
					ids.map((id) => ({ webhookId: id, waitMs })),
				),
			).toBe(0);
		}
		expect(await store.pullIn(now, [{ webhookId, waitMs }])).toBe(3);
		const pulled = await Promise.all([soon, last, late, never, attempted].map(state));
		const dueIn = pulled.map(({ nextAttemptAt }) => (nextAttemptAt ?? now) - now);
		expect(dueIn).toEqual([5, waitMs, waitMs, 0, waitMs]);
		expect(await state(leased)).toEqual(leasedThen);
		expect(await state(held)).toMatchObject({ status: "Held", nextAttemptAt: null });
		expect(await state(others)).toEqual(dueThen);
		expect(await dueAt(store, webhookId)).toBe(now);
		expect(await store.pullIn(now, [{ webhookId, waitMs }])).toBe(0);
	});
}

function describeLeases(current: CurrentStore): void {
	it("renews leases, but leases no delivery that is not leased", async () => {
		const { store, acceptMany, claim, state, leased, update, records, webhookId } = await fillStore(current());
		const [taken = "", free = "", final = ""] = await acceptMany(3);
		await claim({ limit: 1 });
		await update(records.outcome(final, 1));
		const until = records.now + 90_000;
		await store.renewLeases([taken, free, final, records.ids.make("dlv", records.now)], until);
		expect(await leased(taken)).toMatchObject({ leaseUntil: until });
		expect(await leased(free)).toMatchObject({ leaseUntil: null });
		expect(await state(final)).toMatchObject({ leaseUntil: null, status: "Succeeded" });
		await claim();
		expect(await dueAt(store, webhookId)).toBe(records.now + 60_000);
		// The renewed lease is not due before its new end.
		expect(idsIn(await claim({ now: until - 1 }))).toEqual([free]);
	});

	it("claims a delivery again that was given back, also the last one of a claim while others are leased", async () => {
		const { acceptMany, claim, update, records } = await fillStore(current());
		const [first = "", second = "", third = ""] = await acceptMany(3);
		expect(idsIn(await claim({ limit: 2 }))).toEqual([first, second]);
		await update(records.change(second, { type: "release" }));
		expect(idsIn(await claim())).toEqual([second, third]);
	});
}

function describeShards(current: CurrentStore): void {
	/** Webhooks with a leased delivery each, and the shards of about half of them. */
	const openHalf = async () => {
		const world = await fillStore(current(), 12);
		const { accept, webhookIds, records } = world;
		const state = newDelivery(records.now - 7, records.now + 60_000);
		const deliveryIds = await accept({ webhookIds, state });
		const shards = webhookIds.slice(0, 6).map(shardOf);
		const isWanted = (webhookId: string) => shards.includes(shardOf(webhookId));
		return { ...world, deliveryIds, shards, isWanted, leased: state };
	};

	it("ends the leases of the given shards or of all, so that the deliveries are due at their next attempt", async () => {
		const { store, webhookIds, deliveryIds, shards, isWanted, leased, state, accept } = await openHalf();
		const free = newDelivery(leased.nextAttemptAt! + 1, null);
		const [waiting = ""] = await accept({ state: free });
		const wanted = webhookIds.filter(isWanted).length;
		expect(await store.takeOver([])).toBe(0);
		expect(await store.takeOver(shards)).toBe(wanted);
		for (const [index, id] of deliveryIds.entries()) {
			const isReleased = isWanted(webhookIds[index] ?? "");
			expect(await state(id)).toEqual(isReleased ? { ...leased, leaseUntil: null } : leased);
			expect(await dueAt(store, webhookIds[index] ?? "")).toBe(isReleased ? leased.nextAttemptAt : leased.leaseUntil);
		}
		expect(await state(waiting)).toEqual(free);
		expect(await store.takeOver(shards)).toBe(0);
		expect(await store.takeOver(null)).toBe(12 - wanted);
		for (const id of deliveryIds) expect(await state(id)).toEqual({ ...leased, leaseUntil: null });
		expect(await store.takeOver(null)).toBe(0);
	});

	it("knows the due webhooks of the given shards, and their leased deliveries that were never attempted", async () => {
		const { store, projectId, webhookIds, deliveryIds, shards, isWanted, leased, ...world } = await openHalf();
		const { acceptMany, update, records, webhookId } = world;
		const { now } = records;
		const due = async (of: readonly number[]) =>
			(await store.dueWebhooks(of)).map((each) => `${each.webhookId} ${each.dueAt}`).toSorted();
		const expected = (ids: readonly string[]) => ids.map((id) => `${id} ${leased.leaseUntil}`).toSorted();
		const rest = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => !shards.includes(shard));
		expect(await due(shards)).toEqual(expected(webhookIds.filter(isWanted)));
		expect(await due(rest)).toEqual(expected(webhookIds.filter((id) => !isWanted(id))));
		expect(await due([])).toEqual([]);

		const [, tried = "", claimed = ""] = await acceptMany(3);
		await update(records.failure(tried, 1));
		await update(...[tried, claimed].map((id) => records.change(id, { type: "lease", until: now + 9 })));
		const all = [
			...deliveryIds.map((id, index) => ({
				id,
				projectId,
				webhookId: webhookIds[index] ?? "",
				...until(leased.leaseUntil),
			})),
			{ id: claimed, projectId, webhookId, ...until(now + 9) },
		];
		const sorted = async (of: readonly number[] | null, at: number) =>
			(await store.leasedDeliveries(of, at)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
		expect(await sorted(null, now)).toEqual(all);
		expect(await sorted(shards, now)).toEqual(all.filter((each) => isWanted(each.webhookId)));
		expect(await sorted([], 0)).toEqual([]);
		expect(await sorted(null, now + 60_000)).toEqual([]);
		// Only who names the lease can give it back.
		for (const [leaseUntil, left] of [
			[leased.leaseUntil! + 1, all] as const,
			[leased.leaseUntil!, all.slice(1)] as const,
		]) {
			await update(records.change(deliveryIds[0] ?? "", { type: "release", leaseUntil }));
			expect(await sorted(null, now)).toEqual(left);
		}
	});
}

function until(leaseUntil: number | null) {
	return { leaseUntil };
}

function describeSweeps(current: CurrentStore): void {
	/** A webhook with three Pending deliveries, the second of which is leased, and two Held ones. */
	const openWorld = async (changes: Partial<WebhookRecord>) => {
		const world = await fillStore(current(), 2);
		const { accept, records, webhookId, store } = world;
		const ids: string[] = [];
		for (const lease of [null, records.now + 60_000, null]) {
			ids.push(...(await accept({ state: newDelivery(records.now, lease) })));
		}
		ids.push(...(await world.acceptMany(2, { state: newHeldDelivery("earlier") })));
		await accept({ webhookIds: world.webhookIds.slice(1) });
		await setWebhook(store, webhookId, changes);
		records.now += 10;
		const statuses = async () => (await Promise.all(ids.map(world.state))).map(({ status }) => status);
		return { ...world, ids, statuses };
	};

	it.each<[Partial<WebhookRecord>, DeliveryStatus, string, number, { Pending: number; Held: number }]>([
		[{ status: "Paused" }, "Held", "the webhook is paused", 3, { Pending: 1, Held: 5 }],
		[{ status: "Disabled", disabledReason: "x" }, "Held", "the webhook is disabled: x", 3, { Pending: 1, Held: 5 }],
		[{ deleteDate: 1 }, "Cancelled", "the webhook was deleted", 5, { Pending: 1, Held: 0 }],
		[{ deleteDate: 1, status: "Paused" }, "Cancelled", "the webhook was deleted", 5, { Pending: 1, Held: 0 }],
	])(
		"of a webhook with %o, waiting deliveries become %s, leased or not",
		async (changes, status, reason, count, open) => {
			const { store, webhookId, records, ids, state, statuses, scope } = await openWorld(changes);
			const change = { type: status === "Held" ? "hold" : "cancel", reason };
			expect(await store.sweepWebhook(webhookId, records.now, 10)).toEqual({ change, count, done: true });
			expect(await statuses()).toEqual(Array.from({ length: 5 }, () => status));
			expect(await state(ids[1] ?? "")).toEqual({ ...newHeldDelivery(reason), status });
			if (status === "Held") expect(await state(ids[4] ?? "")).toEqual(newHeldDelivery("earlier"));
			expect(await store.delivery(scope, ids[0] ?? "")).toMatchObject({ updateDate: records.now });
			expect(await store.countOpen()).toEqual(open);
			expect(await store.sweepWebhook(webhookId, records.now, 10)).toEqual({ change, count: 0, done: true });
		},
	);

	it("resumes the Held deliveries of a webhook that is Enabled, due at the time of the sweep", async () => {
		const { store, webhookId, records, ids, state, leased, statuses, scope } = await openWorld({});
		const change = { type: "resume", at: records.now };
		expect(await store.sweepWebhook(webhookId, records.now, 10)).toEqual({ change, count: 2, done: true });
		expect(await statuses()).toEqual(Array.from({ length: 5 }, () => "Pending"));
		expect(await leased(ids[1] ?? "")).toMatchObject({ leaseUntil: records.now - 10 + 60_000 });
		expect(await state(ids[3] ?? "")).toEqual(newDelivery(records.now, null));
		expect(await store.delivery(scope, ids[3] ?? "")).toMatchObject({ updateDate: records.now });
		expect(await store.countOpen()).toEqual({ Pending: 6, Held: 0 });
	});

	it("changes no more deliveries than the limit in a step, Pending ones first", async () => {
		const { store, webhookId, records, statuses } = await openWorld({ deleteDate: 1 });
		const steps: unknown[] = [];
		for (let n = 0; n < 3; n++) {
			const { count, done } = await store.sweepWebhook(webhookId, records.now, 2);
			steps.push([count, done, (await statuses()).toSorted()]);
		}
		expect(steps).toEqual([
			[2, false, ["Cancelled", "Cancelled", "Held", "Held", "Pending"]],
			[2, false, ["Cancelled", "Cancelled", "Cancelled", "Cancelled", "Held"]],
			[1, true, ["Cancelled", "Cancelled", "Cancelled", "Cancelled", "Cancelled"]],
		]);
	});

	it("leaves final deliveries as they are, and finds nothing to do for an unknown webhook", async () => {
		const { store, acceptMany, update, state, records, webhookId } = await fillStore(current());
		const ids = await acceptMany(3);
		const [succeeded = "", failed = "", cancelled = ""] = ids;
		await update(records.outcome(succeeded, 1), records.outcome(failed, 1, GONE), records.cancel(cancelled));
		const before = await Promise.all(ids.map(state));
		for (const changes of [{}, { status: "Paused" }] as const) {
			await setWebhook(store, webhookId, changes);
			expect(await store.sweepWebhook(webhookId, records.now, 10)).toMatchObject({ count: 0, done: true });
		}
		for (const unknown of [records.ids.make("webhook", records.now), "none"]) {
			const step = { change: { type: "cancel" }, count: 0, done: true };
			expect(await store.sweepWebhook(unknown, records.now, 10)).toMatchObject(step);
		}
		expect(await Promise.all(ids.map(state))).toEqual(before);
	});

	it("lists the webhooks whose deliveries contradict them, once each, until they are swept", async () => {
		const conditions = [{}, { status: "Paused" }, { status: "Disabled" }, { deleteDate: 1 }] as const;
		const { store, accept, webhookIds, records } = await fillStore(current(), 3 * conditions.length);
		expect(await toSweep(store)).toEqual([]);
		const expected: string[] = [];
		for (const [row, state, contradicting] of [
			[0, newDelivery(1, null), [1, 2, 3]],
			[1, newDelivery(1, 9_000_000_000_000), [1, 2, 3]],
			[2, newHeldDelivery("earlier"), [0, 3]],
		] as const) {
			const own = webhookIds.slice(row * conditions.length, (row + 1) * conditions.length);
			for (let n = 0; n < 3; n++) await accept({ webhookIds: own, state });
			for (const [index, changes] of conditions.entries()) await setWebhook(store, own[index] ?? "", changes);
			expected.push(...contradicting.map((index) => own[index] ?? ""));
		}
		expect((await toSweep(store)).toSorted()).toEqual(expected.toSorted());
		for (const id of webhookIds) await store.sweepWebhook(id, records.now, 10);
		expect(await toSweep(store)).toEqual([]);
	});
}
