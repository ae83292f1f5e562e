// The contract of the queue slice: claims, due times, leases and sweeps.
import { expect, it } from "vitest";

import { shardOf } from "../../../core/cluster/shard.ts";
import { newDelivery, newHeldDelivery } from "../../../core/delivery.ts";
import type { ClaimRequest } from "../../store/queue.ts";
import type { CurrentStore } from "./records/records.ts";
import { dueAt, fillStore, type World } from "./records/records.ts";

export function describeQueue(current: CurrentStore): void {
	describeClaims(current);
	describeNotDue(current);
	describeDueTimes(current);
	describeLeases(current);
	describeShards(current);
	describeSweeps(current);
}

const PLENTY = { limit: 100, maxBytes: 1_000_000 };

async function claim({ store, records, webhookId }: World, changes: Partial<ClaimRequest> = {}) {
	const request = { webhookId, now: records.now, ...PLENTY, leaseUntil: records.now + 60_000, ...changes };
	return (await store.claimDue(request)).deliveries;
}

function describeClaims(current: CurrentStore): void {
	it("claims due deliveries with all data that an attempt needs", async () => {
		const world = await fillStore(current());
		const { projectId, webhookId, accept, records } = world;
		const [id = ""] = await accept({
			type: "a.b",
			body: Buffer.from("body"),
			state: newDelivery(records.now, null, "replay"),
		});
		const eventId = (await world.store.delivery(projectId, id))?.eventId;
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
			},
		]);
		expect(await world.state(id)).toMatchObject({ status: "Pending", leaseUntil, nextAttemptAt: records.now });
		expect(await claim(world)).toEqual([]);
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
		expect(await state(leased)).toMatchObject({ leaseUntil: until });
		expect(await state(free)).toMatchObject({ leaseUntil: null });
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
	it("sweeps a webhook's deliveries of one status, up to the limit at a time, until none is left", async () => {
		const world = await fillStore(current(), 2);
		const { store, webhookId, webhookIds, accept, records } = world;
		for (let n = 0; n < 5; n++) await accept();
		await accept({ webhookIds: webhookIds.slice(1) });
		const hold = { type: "hold", reason: "paused" } as const;
		const counts: number[] = [];
		for (let n = 0; n < 3; n++) counts.push(await store.sweepWebhook(webhookId, "Pending", hold, records.now, 2));
		expect(counts).toEqual([2, 2, 1]);
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 5 });
		expect(await claim(world)).toEqual([]);
	});

	it("sweeps the oldest deliveries first", async () => {
		const { store, webhookId, accept, state, records } = await fillStore(current());
		const ids: string[] = [];
		for (let n = 0; n < 3; n++) ids.push(...(await accept({ state: newHeldDelivery("paused") })));
		const resume = { type: "resume", at: records.now } as const;
		expect(await store.sweepWebhook(webhookId, "Held", resume, records.now + 5, 2)).toBe(2);
		const states = await Promise.all(ids.map(state));
		expect(states.map(({ status }) => status)).toEqual(["Pending", "Pending", "Held"]);
		expect(states[0]).toEqual(newDelivery(records.now, null));
	});

	it("sweeps deliveries of every status, and sets their updateDate", async () => {
		const { store, projectId, webhookId, accept, update, records } = await fillStore(current());
		const [id = ""] = await accept();
		for (let number = 1; number <= 4; number++) await update(records.failure(id, number));
		records.now += 10;
		const retry = { type: "retry", at: records.now } as const;
		expect(await store.sweepWebhook(webhookId, "Succeeded", retry, records.now, 10)).toBe(0);
		expect(await store.sweepWebhook(webhookId, "Failed", retry, records.now, 10)).toBe(1);
		expect(await store.delivery(projectId, id)).toMatchObject({
			status: "Pending",
			trigger: "manual",
			updateDate: records.now,
		});
		const cancel = { type: "cancel", reason: "The webhook was deleted." } as const;
		expect(await store.sweepWebhook(webhookId, "Pending", cancel, records.now, 10)).toBe(1);
		expect(await store.sweepWebhook(webhookId, "Cancelled", retry, records.now, 10)).toBe(1);
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
	});
}
