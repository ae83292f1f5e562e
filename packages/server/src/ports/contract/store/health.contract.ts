// The contract of the stats slice: the health of webhooks.
import { expect, it } from "vitest";

import { HEALTHY } from "../../../core/policies/webhook-health.ts";
import type { CurrentStore, Reopen } from "./records/records.ts";
import { changeWebhook, fillStore, POLICY, type World } from "./records/records.ts";

export function describeHealth(current: CurrentStore, reopen: Reopen): void {
	describeCourse(current);
	describeHealthChanges(current);
	describeReset(current);

	it("is the same after the store was reopened", async () => {
		const world = await fillStore(current(), 2);
		const { records, webhookIds } = world;
		const [failing = "", healthy = ""] = webhookIds;
		await exhaust(world);
		await reopen();
		expect(await current().webhookHealth(failing)).toEqual({ failingSince: records.now, exhaustedCount: 1 });
		expect(await current().webhookHealth(healthy)).toEqual(HEALTHY);
	});
}

function describeCourse(current: CurrentStore): void {
	it("is failing from the first failed attempt, counts exhausted deliveries, and recovers with a success", async () => {
		const world = await fillStore(current());
		const { store, accept, update, records, webhookId } = world;
		expect(await store.webhookHealth(webhookId)).toEqual(HEALTHY);
		const since = records.now;
		const [id = ""] = await accept();
		await update(records.failure(id, 1));
		expect(await store.webhookHealth(webhookId)).toEqual({ failingSince: since, exhaustedCount: 0 });
		records.now += 1_000;
		await exhaust(world);
		await exhaust(world);
		expect(await store.webhookHealth(webhookId)).toEqual({ failingSince: since, exhaustedCount: 2 });
		await update(records.outcome(id, 2));
		expect(await store.webhookHealth(webhookId)).toEqual(HEALTHY);
	});

	it("counts an exhausted delivery once, even if a late attempt fails too", async () => {
		const world = await fillStore(current());
		const { store, accept, update, records, webhookId } = world;
		const [id = ""] = await accept();
		await update(records.outcome(id, 1, { kind: "gone", responseCode: 410 }));
		expect((await update(records.failure(id, 1))).healthChanges).toEqual([]);
		expect(await store.webhookHealth(webhookId)).toMatchObject({ exhaustedCount: 1 });
	});

	it("follows the order of the outcomes within a batch", async () => {
		const { store, accept, update, records, webhookId } = await fillStore(current());
		const [first = "", second = ""] = [...(await accept()), ...(await accept())];
		await update(records.failure(first, 1), records.outcome(second, 1));
		expect(await store.webhookHealth(webhookId)).toEqual(HEALTHY);
		await update(records.outcome(first, 2), records.failure(second, 2));
		expect(await store.webhookHealth(webhookId)).toEqual({ failingSince: records.now, exhaustedCount: 0 });
	});

	it("is not changed by a failed commit, nor by deliveries of own events", async () => {
		const world = await fillStore(current());
		const { store, accept, update, records, projectId, webhookId } = world;
		const [id = ""] = await accept();
		const event = records.event(projectId);
		const failing = store.commit({ events: [event, event], updates: [records.failure(id, 1)] });
		await expect(failing).rejects.toMatchObject({ name: "StoreError" });
		expect(await store.webhookHealth(webhookId)).toEqual(HEALTHY);
		expect(await exhaust(world, "fanfare.webhook.failing")).toEqual([]);
		expect(await store.webhookHealth(webhookId)).toEqual(HEALTHY);
		await update(records.failure(id, 1));
		const [own = ""] = await accept({ type: "fanfare.webhook.failing" });
		await update(records.outcome(own, 1));
		expect(await store.webhookHealth(webhookId)).toMatchObject({ failingSince: records.now });
	});
}

function describeHealthChanges(current: CurrentStore): void {
	it("reports each exhausted delivery and the first success after them, in order", async () => {
		const world = await fillStore(current());
		const { store, accept, update, records, scope } = world;
		const since = records.now;
		const [id = ""] = await accept();
		expect((await update(records.failure(id, 1))).healthChanges).toEqual([]);
		const [gone = ""] = await accept();
		const { healthChanges } = await update(
			records.outcome(gone, 1, { kind: "gone", responseCode: 410 }),
			records.outcome(id, 2),
		);
		const [before, after] = [
			{ failingSince: since, exhaustedCount: 0 },
			{ failingSince: since, exhaustedCount: 1 },
		];
		expect(healthChanges).toEqual([
			{ kind: "exhausted", delivery: await store.delivery(scope, gone), at: records.now, before, after },
			{
				kind: "recovered",
				delivery: await store.delivery(scope, id),
				at: records.now,
				before: after,
				after: HEALTHY,
			},
		]);
	});

	it("reports no health change if no delivery was exhausted", async () => {
		const { accept, update, records } = await fillStore(current());
		const [id = ""] = await accept();
		expect((await update(records.failure(id, 1), records.outcome(id, 2))).healthChanges).toEqual([]);
	});
}

function describeReset(current: CurrentStore): void {
	it("is not changed by an update of the webhook, unless the update resets it", async () => {
		const world = await fillStore(current());
		const { store, records, webhookId } = world;
		await exhaust(world);
		const [record] = await store.webhookRecords();
		const other = await changeWebhook(store, record!, { name: "Other" });
		expect(await store.webhookHealth(webhookId)).toEqual({ failingSince: records.now, exhaustedCount: 1 });
		const options = { expected: other.revision, entry: null, resetHealth: true };
		expect(await store.updateWebhook({ ...other, name: "Third" }, options)).toBe(other.revision + 1);
		expect(await store.webhookHealth(webhookId)).toEqual(HEALTHY);
	});

	it("is not reset by an update that is not made", async () => {
		const world = await fillStore(current());
		const { store, webhookId } = world;
		await exhaust(world);
		const [record] = await store.webhookRecords();
		const options = { expected: record!.revision + 1, entry: null, resetHealth: true };
		expect(await store.updateWebhook(record!, options)).toBeNull();
		expect(await store.webhookHealth(webhookId)).toMatchObject({ exhaustedCount: 1 });
	});
}

/** Accepts an event whose delivery fails until its retries are used up. Returns the health changes. */
async function exhaust({ accept, update, records }: World, type = "user.created") {
	const [id = ""] = await accept({ type });
	const numbers = Array.from({ length: POLICY.maxRetries + 1 }, (_, index) => index + 1);
	return (await update(...numbers.map((number) => records.failure(id, number)))).healthChanges;
}
