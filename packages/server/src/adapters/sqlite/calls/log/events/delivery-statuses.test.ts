// The counts beside events: a page counts a bounded number of deliveries, and says nothing rather than too little.
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { customerScope } from "../../../../../core/access/principal.ts";
import { addWebhook, ANY_EVENT, fillStore, NEWEST } from "../../../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../../../sqlite-store.ts";

const MANY = 6_000;

it("counts about 10,000 deliveries for a page, and those of small events beside large ones", async () => {
	using dir = new TemporaryDir(fastParent());
	const store = await openSqliteStore({ path: dir.join("fanfare.db") });
	try {
		const { projectId, scope, webhookId, records } = await fillStore(store);
		const own = await addWebhook(store, records.webhook(projectId, { customerId: "acme" }));
		const many = Array.from({ length: MANY }, () => webhookId);
		const sends = [[], many, [webhookId], [...many, own.id]].map((webhookIds) =>
			records.event(projectId, { webhookIds, customers: "acme" }),
		);
		await store.commit({ events: sends, updates: [] });
		const none = { Pending: 0, Succeeded: 0, Failed: 0, Held: 0, Cancelled: 0 };
		const expected = [{ ...none, Pending: MANY + 1 }, { ...none, Pending: 1 }, null, none];
		const { rows } = await store.events(scope, ANY_EVENT, NEWEST);
		expect(rows.map(({ deliveries }) => deliveries)).toEqual(expected);
		// One event alone is counted.
		const page = { limit: 1, cursor: { direction: "older", id: rows[1]?.id ?? "" } } as const;
		expect((await store.events(scope, ANY_EVENT, page)).rows[0]?.deliveries).toEqual({ ...none, Pending: MANY });
		const seen = await store.events(customerScope(projectId, "acme"), ANY_EVENT, NEWEST);
		expect(seen.rows.map(({ deliveries }) => deliveries)).toEqual([{ ...none, Pending: 1 }]);
	} finally {
		await store.close();
	}
});

it("finds the deliveries of an event to many webhooks, whether they are in an index yet or not", async () => {
	using dir = new TemporaryDir(fastParent());
	const store = await openSqliteStore({ path: dir.join("fanfare.db") });
	try {
		const { projectId, scope, webhookId, records } = await fillStore(store);
		const [first, last] = [
			await addWebhook(store, records.webhook(projectId)),
			await addWebhook(store, records.webhook(projectId)),
		];
		const webhookIds = [first.id, ...Array.from({ length: MANY }, () => webhookId), last.id];
		const event = records.event(projectId, { webhookIds });
		await store.commit({ events: [event], updates: [] });
		const ids = [event.deliveries[0]?.id, event.deliveries.at(-1)?.id];
		const find = () => store.eventDeliveries(scope, event.event.id, [last.id, first.id]);
		const found = ids.map((deliveryId, index) => ({
			webhookId: index === 0 ? first.id : last.id,
			deliveryId,
			status: "Pending",
			isReplayed: false,
		}));
		expect(await find()).toEqual(expect.arrayContaining(found));
		// Later events have these listed.
		for (let n = 0; n < 3; n++) {
			records.now += 2_000;
			await store.commit({ events: [records.event(projectId, { webhookIds: [webhookId] })], updates: [] });
		}
		await store.commit({ events: [], updates: [records.outcome(ids[1] ?? "", 1)] });
		const [one, two] = found;
		expect(new Set(await find())).toEqual(new Set([one, { ...two, status: "Succeeded" }]));
		expect(await find()).toHaveLength(2);
	} finally {
		await store.close();
	}
});
