// The contract of the retention slice: what removes deleted webhooks and projects.
import { expect, it } from "vitest";

import { customerScope, projectScope } from "../../../core/access/principal.ts";
import { ANY_DELIVERY, changeWebhook, fillStore, idsOf, NEWEST } from "./records/records.ts";
import type { CurrentStore, Flush, World } from "./records/records.ts";
import { ANY_NUMBER, EVERYTHING } from "./records/replays.ts";
import { LATE, twoDays } from "./records/two-days.ts";
import { allWebhooks } from "./records/webhooks.ts";

export function describeDeleted(current: CurrentStore, flush: Flush): void {
	/** Rolls up all stats so far. The stats of a minute can be rolled up once a later minute has begun. */
	const finishStats = async ({ store, accept, records }: World): Promise<void> => {
		records.now += 120_000;
		await accept({ webhookIds: [] });
		const step = { keepMinutesFrom: 0, keepHoursFrom: 0, limit: 10_000 };
		while ((await store.rollUpStats(step)) > 0);
		await flush();
	};

	it("removes a deleted webhook when its last delivery is gone, and not before", async () => {
		const world = await fillStore(current());
		const { store, projectId, webhookId, records } = world;
		const { between } = await twoDays(world);
		const [record] = await allWebhooks(store);
		if (record === undefined) throw new Error("the webhook is missing");
		await changeWebhook(store, record, { deleteDate: records.now });
		await finishStats(world);
		const isThere = () =>
			store.insertWebhook(record, null).then(
				() => false,
				() => true,
			);
		await store.purgeEvents({ projectId, at: LATE, before: between, after: null, limit: 100 });
		await finishStats(world);
		expect(await store.purgeDeletedWebhooks(null, 100, Infinity)).toBeNull();
		expect(await isThere()).toBe(true);
		await store.purgeEvents({ projectId, at: LATE, before: records.now, after: null, limit: 100 });
		await finishStats(world);
		await store.purgeDeletedWebhooks(null, 100, Infinity);
		expect(await isThere()).toBe(false);
		expect((await allWebhooks(store)).map(({ id }) => id)).toEqual([webhookId]);
	});

	it("keeps the record of a deleted webhook until the time that is named, so that changes name it, but not its secrets", async () => {
		const world = await fillStore(current());
		const { store, records } = world;
		const [record] = await allWebhooks(store);
		if (record === undefined) throw new Error("the webhook is missing");
		const deleteDate = records.now;
		await changeWebhook(store, record, { deleteDate });
		await finishStats(world);
		const known = async () => (await store.webhookRecords([record.id])).map(({ secrets }) => secrets.length);
		for (const deletedBefore of [0, deleteDate]) {
			await store.purgeDeletedWebhooks(null, 100, deletedBefore);
			expect(await known()).toEqual([0]);
		}
		await store.purgeDeletedWebhooks(null, 100, deleteDate + 1);
		expect(await known()).toEqual([]);
	});

	it("keeps nothing but the deletion of a webhook without deliveries, and all of one that has some, or replays of a customer", async () => {
		const world = await fillStore(current(), 3);
		const { store, projectId, webhookIds, accept, records } = world;
		const [used = "", unused = "", replayed = ""] = webhookIds;
		const id = records.ids.make("replay", records.now);
		const range = { ...EVERYTHING, since: 0, until: records.now + 1 };
		const counts = { chosenCount: null, scannedCount: 0, deliveryCount: 0, firstEventDate: null, lastEventDate: null };
		const dates = { createDate: records.now, updateDate: records.now, endDate: null };
		const progress = { status: "Running", position: null, ...counts, ...dates } as const;
		const replay = { id, projectId, webhookId: replayed, customerId: "acme", filter: range, ...progress };
		await store.insertReplays([{ replay, ...ANY_NUMBER }]);
		await accept({ webhookIds: [used] });
		const deleteDate = records.now;
		for (const record of await allWebhooks(store)) {
			await changeWebhook(store, record, { deleteDate, metadata: { a: "b" }, description: "d" });
		}
		await finishStats(world);
		for (let pass = 0; pass < 2; pass++) {
			await store.purgeDeletedWebhooks(null, 100, deleteDate);
			const [left, erased, found] = await store.webhookRecords([used, unused, replayed]);
			expect(left).toMatchObject({ id: used, deleteDate, description: "d", metadata: { a: "b" } });
			// By it, the deletion of the customer finds the replay.
			expect(found).toMatchObject({ id: replayed, deleteDate, description: "d", metadata: { a: "b" } });
			expect(erased).toMatchObject({
				id: unused,
				deleteDate,
				customerId: null,
				name: "",
				endpoint: "",
				description: null,
			});
			expect(erased).toMatchObject({ secrets: [], metadata: {} });
		}
	});

	it("looks at webhooks in steps, and keeps those that are not deleted or have waiting deliveries", async () => {
		const world = await fillStore(current(), 5);
		const { store, webhookIds, accept, records } = world;
		await accept({ webhookIds: [webhookIds[1] ?? ""] });
		for (const record of (await allWebhooks(store)).slice(1, 3)) {
			await changeWebhook(store, record, { deleteDate: records.now });
		}
		await finishStats(world);
		const first = await store.purgeDeletedWebhooks(null, 3, Infinity);
		expect(first).toBe(webhookIds[2]);
		expect(await store.purgeDeletedWebhooks(first, 3, Infinity)).toBeNull();
		const left = await allWebhooks(store);
		expect(left.map(({ id }) => id)).toEqual([webhookIds[0], webhookIds[1], webhookIds[3], webhookIds[4]]);
		expect(left.every(({ secrets }) => secrets.length === 1)).toBe(true);
	});

	it("removes a deleted project with all its rows, in steps, when none of its deliveries waits", async () => {
		const world = await fillStore(current());
		const { store, records } = world;
		const other = records.project();
		await store.insertProject(other, null);
		const webhook = records.webhook(other.id);
		await store.insertWebhook(webhook, null);
		const ids: string[] = [];
		for (let n = 0; n < 30; n++) {
			ids.push(...(await world.accept({ projectId: other.id, webhookIds: [webhook.id], key: `k${n}` })));
		}
		await world.accept();
		const customer = customerScope(other.id, "acme");
		await store.updateCustomer(customer, { name: "Acme" }, { at: records.now, entry: null });
		await store.beginCustomerDeletion(customer, { at: records.now, draft: null, entry: null });
		expect(await store.purgeDeletedProjects(null, 10)).toMatchObject({ done: true, left: false });
		await store.deleteProject(other.id, records.now, null);
		expect(await store.purgeDeletedProjects(null, 100)).toMatchObject({
			done: true,
			left: true,
			purged: { events: 0 },
		});
		await store.sweepWebhook(webhook.id, records.now, 100);
		let [events, steps] = [0, 0];
		for (let done = false; !done; steps++) {
			const step = await store.purgeDeletedProjects(null, 10);
			events += step.purged.events;
			({ done } = step);
			expect(step.left).toBe(!done);
			await finishStats(world);
		}
		expect(events).toBe(30);
		expect(steps).toBeGreaterThan(5);
		expect(await store.delivery(projectScope(other.id), ids[0] ?? "")).toBeNull();
		await store.insertProject(other, null);
		expect(await store.deletingCustomers(null)).toEqual([]);
		expect(await store.customer(customer)).toBeNull();
		expect(await store.statusCounts(projectScope(other.id), null)).toMatchObject({ Pending: 0, Cancelled: 0 });
		expect(idsOf(await store.deliveries(world.scope, ANY_DELIVERY, NEWEST))).toHaveLength(1);
	});
}
