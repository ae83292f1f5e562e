// The contract of the queue slice: claims, due times, leases and sweeps.
import { expect, it } from "vitest";

import { shardOf } from "../../../core/cluster/shard.ts";
import { newDelivery, newHeldDelivery } from "../../../core/delivery.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import { LEAST_SHARE, type ClaimRequest } from "../../store/queue.ts";
import type { CurrentStore } from "./records/records.ts";
import { setWebhook, dueAt, fillStore, type World } from "./records/records.ts";
import { toSweep } from "./records/webhooks.ts";

export function describeQueue(current: CurrentStore): void {
	describeClaims(current);
	describeNotDue(current);
	describeDueTimes(current);
	describeLeases(current);
	describePullIn(current);
	describeShards(current);
	describeSweeps(current);
	describeWebhooksToSweep(current);
}

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const PLENTY = { limit: 100, maxBytes: 1_000_000 };

async function claim({ store, records, webhookId }: World, changes: Partial<ClaimRequest> = {}) {
	const request = { webhookId, now: records.now, ...PLENTY, leaseUntil: records.now + 60_000, ...changes };
	return (await store.claimDue(request)).deliveries;
}

function describeClaims(current: CurrentStore): void {
	it("claims due deliveries with all data that an attempt needs", async () => {
		const world = await fillStore(current());
		const { projectId, scope, webhookId, accept, records } = world;
		const [id = ""] = await accept({
			type: "a.b",
			body: Buffer.from("body"),
			state: newDelivery(records.now, null, "replay"),
			traceparent: TRACEPARENT,
		});
		const eventId = (await world.store.delivery(scope, id))?.eventId;
		const leaseUntil = records.now + 60_000;
		expect(await claim(world)).toEqual([
			{
				id,
				projectId,
				webhookId,
				eventId,
				eventType: "a.b",
				trigger: "replay",
				attemptCount: 0,
				leaseUntil,
				createDate: records.now,
				body: new Uint8Array(Buffer.from("body")),
				traceparent: TRACEPARENT,
			},
		]);
		expect(await world.state(id)).toMatchObject({ status: "Pending", leaseUntil, nextAttemptAt: records.now });
		expect(await claim(world)).toEqual([]);
		await accept();
		expect(await claim(world)).toMatchObject([{ traceparent: null }]);
	});

	it("claims the earliest due first, and no more than the limit", async () => {
		const world = await fillStore(current());
		const { accept, records } = world;
		const dueIn = [30, 10, 20].map((ms) => newDelivery(records.now + ms, null));
		const ids: string[] = [];
		for (const state of dueIn) ids.push(...(await accept({ state })));
		records.now += 100;
		expect((await claim(world, { limit: 2 })).map(({ id }) => id)).toEqual([ids[1], ids[2]]);
		expect((await claim(world, { limit: 2 })).map(({ id }) => id)).toEqual([ids[0]]);
	});

	it("claims no more body bytes than maxBytes, but always the first delivery", async () => {
		const world = await fillStore(current());
		for (const size of [50, 50, 10]) await world.accept({ body: Buffer.alloc(size) });
		expect(await claim(world, { maxBytes: 10 })).toHaveLength(1);
		expect(await claim(world, { maxBytes: 60 })).toHaveLength(2);
	});
}

function describeNotDue(current: CurrentStore): void {
	it("claims no delivery that is not due yet, leased, Held, final, or another webhook's", async () => {
		const world = await fillStore(current(), 2);
		const { accept, update, records, webhookIds } = world;
		await accept({ state: newDelivery(records.now + 1, null) });
		await accept({ state: newDelivery(records.now, records.now + 1) });
		await accept({ state: newHeldDelivery("paused") });
		await accept({ webhookIds: webhookIds.slice(1) });
		const [final = ""] = await accept();
		await update(records.outcome(final, 1));
		expect(await claim(world)).toEqual([]);
	});

	it.each([{ status: "Paused" }, { status: "Disabled" }, { deleteDate: 1 }] as const)(
		"claims nothing for a webhook with %o, and names no time for it",
		async (changes) => {
			const { store, accept, state, webhookId, records } = await fillStore(current());
			const [id = ""] = await accept();
			await setWebhook(store, webhookId, changes);
			const request = { webhookId, now: records.now, ...PLENTY, leaseUntil: records.now + 60_000 };
			expect(await store.claimDue(request)).toEqual({ deliveries: [], nextDueAt: null });
			expect(await state(id)).toEqual(newDelivery(records.now, null));
			// A deleted webhook stays deleted.
			if ("deleteDate" in changes) return;
			await setWebhook(store, webhookId, { status: "Enabled" });
			expect((await store.claimDue(request)).deliveries).toHaveLength(1);
		},
	);

	it("makes claims for several webhooks that come together as if they came one after the other", async () => {
		const world = await fillStore(current(), 25);
		const { store, records, projectId, webhookIds, accept } = world;
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
		const request = { projectId, now, ...PLENTY, leaseUntil: now + 60_000 };
		const all = await Promise.all(webhookIds.map((webhookId) => store.claimDue({ ...request, webhookId })));
		const claims = new Map(webhookIds.map((webhookId, index) => [webhookId, all[index]]));
		const idsOf = (webhookId: string) => claims.get(webhookId)?.deliveries.map(({ id }) => id);
		for (const webhookId of others) {
			expect(idsOf(webhookId)).toEqual(expected.get(webhookId));
			expect(claims.get(webhookId)?.nextDueAt).toBe(now + 1_000);
		}
		for (const webhookId of [paused, none]) expect(claims.get(webhookId)).toEqual({ deliveries: [], nextDueAt: null });
		expect(idsOf(many)?.length).toBeGreaterThanOrEqual(LEAST_SHARE);
		const rest = await claim(world, { webhookId: many });
		expect((idsOf(many)?.length ?? 0) + rest.length).toBe(LEAST_SHARE + 1);
	});

	it("gives each delivery to one of several claims for its webhook that come together", async () => {
		const world = await fillStore(current());
		const { store, records, projectId, webhookId, accept } = world;
		const { now } = records;
		for (let n = 0; n < 3; n++) await accept();
		const request = { webhookId, projectId, now, maxBytes: 1_000, limit: 2, leaseUntil: now + 60_000 };
		const claims = await Promise.all([store.claimDue(request), store.claimDue(request), store.claimDue(request)]);
		const ids = claims.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
		expect(new Set(ids).size).toBe(ids.length);
		expect(ids.length + (await claim(world)).length).toBe(3);
	});

	it("claims nothing for an unknown webhook", async () => {
		const { store, records } = await fillStore(current());
		const request = { now: records.now, ...PLENTY, leaseUntil: records.now + 60_000 };
		for (const webhookId of [records.ids.make("webhook", records.now), "none"]) {
			expect(await store.claimDue({ ...request, webhookId })).toEqual({ deliveries: [], nextDueAt: null });
		}
	});

	it("claims a delivery again when its lease has ended", async () => {
		const world = await fillStore(current());
		const [id] = await world.accept();
		await claim(world, { leaseUntil: world.records.now + 10 });
		world.records.now += 9;
		expect(await claim(world)).toEqual([]);
		world.records.now += 1;
		expect((await claim(world)).map((leased) => leased.id)).toEqual([id]);
	});
}

function describeDueTimes(current: CurrentStore): void {
	it("knows for each webhook when its earliest delivery is due", async () => {
		const { store, accept, webhookIds, records } = await fillStore(current(), 4);
		const [first = "", second = "", third = ""] = webhookIds;
		const { now } = records;
		for (const at of [now + 20, now + 10]) await accept({ webhookIds: [first], state: newDelivery(at, null) });
		await accept({ webhookIds: [second], state: newDelivery(now, now + 500) });
		await accept({ webhookIds: [third], state: newHeldDelivery("paused") });
		const due = await store.dueWebhooks(null);
		expect(due.toSorted((a, b) => a.dueAt - b.dueAt)).toEqual([
			{ webhookId: first, dueAt: now + 10 },
			{ webhookId: second, dueAt: now + 500 },
		]);
		expect(await Promise.all(webhookIds.map((id) => dueAt(store, id)))).toEqual([now + 10, now + 500, null, null]);
	});

	it("says with each claim when the webhook's next delivery is due, those of the claim included", async () => {
		const { store, accept, webhookId, records } = await fillStore(current());
		const { now } = records;
		const request = { webhookId, now, limit: 1, maxBytes: 1_000, leaseUntil: now + 60_000 };
		expect(await store.claimDue(request)).toEqual({ deliveries: [], nextDueAt: null });
		await accept({ state: newDelivery(now - 2, null) });
		await accept({ state: newDelivery(now - 1, null) });
		await accept({ state: newDelivery(now + 70_000, null) });
		expect(await store.claimDue(request)).toMatchObject({ deliveries: [{}], nextDueAt: now - 1 });
		expect(await store.claimDue(request)).toMatchObject({ deliveries: [{}], nextDueAt: now + 60_000 });
		expect(await store.claimDue(request)).toEqual({ deliveries: [], nextDueAt: now + 60_000 });
	});

	it("has no due webhook if there are no deliveries", async () => {
		const { store, webhookId } = await fillStore(current());
		expect(await store.dueWebhooks(null)).toEqual([]);
		expect(await dueAt(store, webhookId)).toBeNull();
	});

	it("has no due webhook once the last delivery is final", async () => {
		const { store, accept, update, records } = await fillStore(current());
		const [id = ""] = await accept();
		await update(records.outcome(id, 1));
		expect(await store.dueWebhooks(null)).toEqual([]);
	});

	it("knows when a delivery is due after a failed attempt", async () => {
		const { store, webhookId, accept, update, state, records } = await fillStore(current());
		const [id = ""] = await accept();
		await update(records.failure(id, 1));
		expect(await dueAt(store, webhookId)).toBe((await state(id)).nextAttemptAt);
	});
}

function describeLeases(current: CurrentStore): void {
	it("renews leases, but leases no delivery that is not leased", async () => {
		const world = await fillStore(current());
		const { store, accept, state, update, records } = world;
		const [leased = "", free = "", final = ""] = [...(await accept()), ...(await accept()), ...(await accept())];
		await claim(world, { limit: 1 });
		await update(records.outcome(final, 1));
		const until = records.now + 90_000;
		await store.renewLeases([leased, free, final, records.ids.make("dlv", records.now)], until);
		expect(await world.leased(leased)).toMatchObject({ leaseUntil: until });
		expect(await world.leased(free)).toMatchObject({ leaseUntil: null });
		expect(await state(final)).toMatchObject({ leaseUntil: null, status: "Succeeded" });
		await claim(world);
		expect(await dueAt(store, world.webhookId)).toBe(records.now + 60_000);
		// The renewed lease is not due before its new end.
		expect((await claim(world, { now: until - 1 })).map(({ id }) => id)).toEqual([free]);
	});

	it("ends every lease, so that the deliveries are due at the time of their next attempt", async () => {
		const world = await fillStore(current(), 2);
		const { store, accept, webhookIds, records, state } = world;
		const ids = await accept({ webhookIds, state: newDelivery(records.now - 7, records.now + 60_000) });
		const [waiting = ""] = await accept({ state: newDelivery(records.now + 5, null) });
		expect(await store.takeOver(null)).toBe(2);
		for (const id of ids) expect(await state(id)).toEqual(newDelivery(records.now - 7, null));
		expect(await state(waiting)).toEqual(newDelivery(records.now + 5, null));
		expect(await Promise.all(webhookIds.map((id) => dueAt(store, id)))).toEqual([records.now - 7, records.now - 7]);
		expect(await store.takeOver(null)).toBe(0);
	});
}

function describePullIn(current: CurrentStore): void {
	const waitMs = 3_600_000;

	it("makes deliveries due earlier if a clock that ran ahead has set their times", async () => {
		const { store, accept, update, state, records, webhookId, webhookIds } = await fillStore(current(), 2);
		const { now } = records;
		const [soon = "", last = "", late = ""] = (
			await Promise.all([5, waitMs, waitMs + 1].map((ms) => accept({ state: newDelivery(now + ms, null) })))
		).flat();
		records.now += 10 * waitMs;
		const dueThen = newDelivery(records.now, null);
		const [never = "", attempted = ""] = [...(await accept({ state: dueThen })), ...(await accept({ state: dueThen }))];
		await update(records.failure(attempted, 1));
		const leasedThen = newDelivery(records.now + 1, records.now + 60_000);
		const [leased = ""] = await accept({ state: leasedThen });
		const [held = ""] = await accept({ state: newHeldDelivery("paused") });
		const [others = ""] = await accept({ webhookIds: webhookIds.slice(1), state: dueThen });

		expect(await store.pullIn(now, [{ webhookId, waitMs }])).toBe(3);
		const dueAts = async (ids: readonly string[]) =>
			Promise.all(ids.map(async (id) => ((await state(id)).nextAttemptAt ?? now) - now));
		expect(await dueAts([soon, last, late, never, attempted])).toEqual([5, waitMs, waitMs, 0, waitMs]);
		expect(await state(leased)).toEqual(leasedThen);
		expect(await state(held)).toMatchObject({ status: "Held", nextAttemptAt: null });
		expect(await state(others)).toEqual(dueThen);
		expect(await dueAt(store, webhookId)).toBe(now);
		expect(await store.pullIn(now, [{ webhookId, waitMs }])).toBe(0);
	});

	it("changes nothing for webhooks without waiting deliveries, or if none is named", async () => {
		const { store, accept, records, webhookId, webhookIds } = await fillStore(current(), 2);
		await accept({ state: newDelivery(records.now + 2 * waitMs, null) });
		expect(await store.pullIn(records.now, [])).toBe(0);
		expect(await store.pullIn(records.now, [{ webhookId: webhookIds[1]!, waitMs }])).toBe(0);
		expect(await store.pullIn(records.now, [{ webhookId: records.ids.make("webhook", records.now), waitMs }])).toBe(0);
		expect(await dueAt(store, webhookId)).toBe(records.now + 2 * waitMs);
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

	it("ends only the leases of webhooks in the given shards", async () => {
		const { store, webhookIds, deliveryIds, shards, isWanted, leased, state, accept, webhookId } = await openHalf();
		const [waiting = ""] = await accept({ webhookIds: [webhookId], state: newDelivery(leased.nextAttemptAt!, null) });
		expect(await store.takeOver([])).toBe(0);
		expect(await store.takeOver(shards)).toBe(webhookIds.filter(isWanted).length);
		for (const [index, id] of deliveryIds.entries()) {
			const isReleased = isWanted(webhookIds[index] ?? "");
			expect(await state(id)).toEqual(isReleased ? { ...leased, leaseUntil: null } : leased);
		}
		expect(await state(waiting)).toMatchObject({ leaseUntil: null });
		expect(await store.takeOver(shards)).toBe(0);
		expect(await store.takeOver(null)).toBe(webhookIds.filter((id) => !isWanted(id)).length);
	});

	it("knows the leased deliveries of the given shards that were never attempted", async () => {
		const { store, webhookIds, deliveryIds, shards, isWanted, leased, accept, update, records, webhookId } =
			await openHalf();
		const projectId = (await store.webhookRecords([webhookId]))[0]?.projectId;
		await accept({ webhookIds: [webhookId], state: newDelivery(records.now, null) });
		const [tried = ""] = await accept({ webhookIds: [webhookId], state: newDelivery(records.now, null) });
		await update(records.failure(tried, 1));
		await update({
			deliveryId: tried,
			at: records.now,
			change: { type: "lease", until: records.now + 9 },
			attempt: null,
		});
		const [claimed = ""] = await accept({ webhookIds: [webhookId], state: newDelivery(records.now, null) });
		await update({
			deliveryId: claimed,
			at: records.now,
			change: { type: "lease", until: records.now + 9 },
			attempt: null,
		});
		const lease = (index: number) => ({
			id: deliveryIds[index],
			projectId,
			webhookId: webhookIds[index],
			leaseUntil: leased.leaseUntil,
		});
		const all = [
			...deliveryIds.map((_, index) => lease(index)),
			{ id: claimed, projectId, webhookId, leaseUntil: records.now + 9 },
		];
		const sorted = async (...asked: Parameters<typeof store.leasedDeliveries>) =>
			(await store.leasedDeliveries(...asked)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
		expect(await sorted(null, records.now)).toEqual(all);
		expect(await sorted(shards, records.now)).toEqual(all.filter((each) => isWanted(each.webhookId ?? "")));
		expect(await sorted([], 0)).toEqual([]);
		expect(await sorted(null, records.now + 60_000)).toEqual([]);
		const [first = ""] = deliveryIds;
		const release = async (leaseUntil: number) => {
			await update({ deliveryId: first, at: records.now, change: { type: "release", leaseUntil }, attempt: null });
		};
		await release(leased.leaseUntil! + 1);
		expect(await sorted(null, records.now)).toEqual(all);
		await release(leased.leaseUntil!);
		expect(await sorted(null, records.now)).toEqual(all.slice(1));
	});

	it("knows the due webhooks of the given shards", async () => {
		const { store, webhookIds, shards, isWanted, leased } = await openHalf();
		const due = await store.dueWebhooks(shards);
		expect(due.map(({ webhookId }) => webhookId).toSorted()).toEqual(webhookIds.filter(isWanted).toSorted());
		expect(new Set(due.map(({ dueAt }) => dueAt))).toEqual(new Set([leased.leaseUntil]));
		expect(await store.dueWebhooks([])).toEqual([]);
		const rest = Array.from({ length: 256 }, (_, shard) => shard).filter((shard) => !shards.includes(shard));
		expect((await store.dueWebhooks(rest)).map(({ webhookId }) => webhookId).toSorted()).toEqual(
			webhookIds.filter((id) => !isWanted(id)).toSorted(),
		);
	});
}

function describeSweeps(current: CurrentStore): void {
	/** A webhook with three Pending deliveries, the second of which is leased, and two Held ones. */
	const openWorld = async (changes: Partial<WebhookRecord> = {}) => {
		const world = await fillStore(current(), 2);
		const { accept, records, webhookId, store } = world;
		const ids: string[] = [];
		for (const lease of [null, records.now + 60_000, null]) {
			ids.push(...(await accept({ state: newDelivery(records.now, lease) })));
		}
		for (let n = 0; n < 2; n++) ids.push(...(await accept({ state: newHeldDelivery("earlier") })));
		await accept({ webhookIds: world.webhookIds.slice(1) });
		await setWebhook(store, webhookId, changes);
		records.now += 10;
		const statuses = async () => (await Promise.all(ids.map(world.state))).map(({ status }) => status);
		return { ...world, ids, statuses };
	};

	it.each<[string, Partial<WebhookRecord>, string]>([
		["paused", { status: "Paused" }, "the webhook is paused"],
		["disabled", { status: "Disabled", disabledReason: "it failed" }, "the webhook is disabled: it failed"],
	])("holds the Pending deliveries of a webhook that is %s, leased or not", async (_what, changes, reason) => {
		const { store, webhookId, records, ids, state, statuses, scope } = await openWorld(changes);
		const change = { type: "hold", reason };
		expect(await store.sweepWebhook(webhookId, records.now, 10)).toEqual({ change, count: 3, done: true });
		expect(await statuses()).toEqual(Array.from({ length: 5 }, () => "Held"));
		expect(await state(ids[1] ?? "")).toEqual(newHeldDelivery(reason));
		expect(await state(ids[4] ?? "")).toEqual(newHeldDelivery("earlier"));
		expect(await store.delivery(scope, ids[0] ?? "")).toMatchObject({ updateDate: records.now });
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 5 });
		expect(await store.sweepWebhook(webhookId, records.now, 10)).toEqual({ change, count: 0, done: true });
	});

	it("resumes the Held deliveries of a webhook that is Enabled, due at the time of the sweep", async () => {
		const { store, webhookId, records, ids, state, leased, statuses, scope } = await openWorld();
		const change = { type: "resume", at: records.now };
		expect(await store.sweepWebhook(webhookId, records.now, 10)).toEqual({ change, count: 2, done: true });
		expect(await statuses()).toEqual(Array.from({ length: 5 }, () => "Pending"));
		expect(await leased(ids[1] ?? "")).toMatchObject({ leaseUntil: records.now - 10 + 60_000 });
		expect(await state(ids[3] ?? "")).toEqual(newDelivery(records.now, null));
		expect(await store.delivery(scope, ids[3] ?? "")).toMatchObject({ updateDate: records.now });
		expect(await store.countOpen()).toEqual({ Pending: 6, Held: 0 });
	});

	it.each<[string, Partial<WebhookRecord>]>([
		["Enabled", { deleteDate: 1 }],
		["paused", { deleteDate: 1, status: "Paused" }],
	])("cancels the Pending and the Held deliveries of a deleted webhook that was %s", async (_what, changes) => {
		const { store, webhookId, records, ids, state, statuses } = await openWorld(changes);
		const change = { type: "cancel", reason: "the webhook was deleted" };
		expect(await store.sweepWebhook(webhookId, records.now, 10)).toEqual({ change, count: 5, done: true });
		expect(await statuses()).toEqual(Array.from({ length: 5 }, () => "Cancelled"));
		expect(await state(ids[1] ?? "")).toMatchObject({ reason: change.reason, leaseUntil: null, nextAttemptAt: null });
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
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
		const { store, accept, update, state, records, webhookId } = await fillStore(current());
		const ids = [...(await accept()), ...(await accept()), ...(await accept())];
		const [succeeded = "", failed = "", cancelled = ""] = ids;
		const cancel = { type: "cancel", reason: "by hand" } as const;
		const gone = { kind: "gone", responseCode: 410 } as const;
		await update(records.outcome(succeeded, 1), records.outcome(failed, 1, gone));
		await update({ deliveryId: cancelled, change: cancel, attempt: null, at: records.now });
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
}

function describeWebhooksToSweep(current: CurrentStore): void {
	const CONDITIONS = [{}, { status: "Paused" }, { status: "Disabled" }, { deleteDate: 1 }] as const;

	it.each([
		["Pending", newDelivery(1, null), [1, 2, 3]],
		["leased", newDelivery(1, 9_000_000_000_000), [1, 2, 3]],
		["Held", newHeldDelivery("earlier"), [0, 3]],
	])("lists the webhooks whose %s deliveries contradict them, once each", async (_what, state, expected) => {
		const { store, accept, webhookIds } = await fillStore(current(), CONDITIONS.length);
		for (let n = 0; n < 3; n++) await accept({ webhookIds, state });
		for (const [index, changes] of CONDITIONS.entries()) await setWebhook(store, webhookIds[index] ?? "", changes);
		expect((await toSweep(store)).toSorted()).toEqual(expected.map((index) => webhookIds[index]));
	});

	it("lists no webhook once each is swept, and none whose deliveries are final", async () => {
		const { store, accept, webhookIds, records } = await fillStore(current(), CONDITIONS.length);
		expect(await toSweep(store)).toEqual([]);
		await accept({ webhookIds });
		await accept({ webhookIds, state: newHeldDelivery("earlier") });
		for (const [index, changes] of CONDITIONS.entries()) await setWebhook(store, webhookIds[index] ?? "", changes);
		expect(await toSweep(store)).toHaveLength(CONDITIONS.length);
		for (const id of webhookIds) await store.sweepWebhook(id, records.now, 10);
		expect(await toSweep(store)).toEqual([]);
	});
}
