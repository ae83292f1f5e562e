// The contract of webhooks' keys: each is unique in its project, whoever is faster.
import { expect, it } from "vitest";

import { customerScope, projectScope } from "../../../core/access/principal.ts";
import { HEALTHY } from "../../../core/policies/webhook-health.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import { contents } from "./records/calls.ts";
import {
	addWebhook,
	changeWebhook,
	fillStore,
	idsOf,
	NEWEST,
	type CurrentStore,
	type World,
} from "./records/records.ts";
import { ANY_WEBHOOK } from "./records/webhooks.ts";

/** A project with the webhooks `a`, whose key is "a", and `b`, which has none. */
async function openKeys(current: CurrentStore) {
	const world = await fillStore(current(), 0);
	const { store, records, projectId } = world;
	const a = await addWebhook(store, records.webhook(projectId, { key: "a" }));
	const b = await addWebhook(store, records.webhook(projectId));
	return { ...world, webhookId: b.id, a, b };
}

/** Writes a record with changes, as a caller who does not know of other webhooks. */
function update({ store, records, projectId }: World, record: WebhookRecord, changes: Partial<WebhookRecord>) {
	const entry = records.entry({ projectId });
	return store.updateWebhook({ ...record, ...changes }, { expected: record.revision, entry, resetHealth: true });
}

export function describeWebhookKeys(current: CurrentStore): void {
	it("a new webhook and a change are refused if another webhook has the key, and leave nothing", async () => {
		const world = await openKeys(current);
		const { store, records, projectId, a, b } = world;
		const [id = ""] = await world.accept({ webhookIds: [b.id] });
		await world.update(records.failure(id, 1));
		const before = await contents(world);
		const taken = { kind: "key_taken", webhookId: a.id };
		const entry = records.entry({ projectId });
		expect(await store.insertWebhook(records.webhook(projectId, { key: "a" }), entry)).toEqual(taken);
		expect(await update(world, b, { key: "a", name: "Renamed" })).toEqual(taken);
		expect(await contents(world)).toEqual(before);
		expect(await store.webhookHealth([b.id])).not.toEqual([HEALTHY]);
		// A key is compared byte by byte.
		expect(await store.insertWebhook(records.webhook(projectId, { key: "A" }), null)).toEqual(expect.any(Number));
	});

	it("a webhook keeps its key through changes, can get another one or none, and a key is free again then", async () => {
		const world = await openKeys(current);
		const { store, records, projectId, a, b } = world;
		const renamed = await changeWebhook(store, a, { name: "Renamed" });
		expect(await store.webhookRecords([a.id])).toMatchObject([{ key: "a", name: "Renamed" }]);
		const moved = await changeWebhook(store, renamed, { key: "c" });
		const other = await changeWebhook(store, b, { key: "a" });
		await changeWebhook(store, moved, { key: null });
		expect(await store.insertWebhook(records.webhook(projectId, { key: "c" }), null)).toEqual(expect.any(Number));
		await changeWebhook(store, other, { deleteDate: records.now });
		expect(await store.insertWebhook(records.webhook(projectId, { key: "a" }), null)).toEqual(expect.any(Number));
	});

	it("webhooks of other projects, deleted ones too, have their own keys", async () => {
		const { store, records, a } = await openKeys(current);
		const other = records.project();
		await store.insertProject(other, null);
		const same = await addWebhook(store, records.webhook(other.id, { key: "a" }));
		const filter = { ...ANY_WEBHOOK, key: "a" };
		expect(idsOf(await store.webhooks(projectScope(other.id), filter, NEWEST))).toEqual([same.id]);
		await store.deleteProject(other.id, records.now, null);
		expect(idsOf(await store.webhooks(projectScope(a.projectId), filter, NEWEST))).toEqual([a.id]);
	});

	it("of many webhooks that are added or changed at once with one key, one gets it", async () => {
		const world = await openKeys(current);
		const { store, records, projectId } = world;
		const many = await Promise.all(Array.from({ length: 8 }, () => addWebhook(store, records.webhook(projectId))));
		const results = await Promise.all([
			...many.map((record) => update(world, record, { key: "new" })),
			...many.map(() => store.insertWebhook(records.webhook(projectId, { key: "new" }), records.entry({ projectId }))),
		]);
		const taken = results.filter((result) => typeof result === "object");
		expect(taken).toHaveLength(15);
		const found = idsOf(await store.webhooks(projectScope(projectId), { ...ANY_WEBHOOK, key: "new" }, NEWEST));
		expect(found).toHaveLength(1);
		expect(new Set(taken.map((result) => result?.webhookId))).toEqual(new Set(found));
	});

	it("a key is found in its scope only", async () => {
		const { store, records, projectId, scope } = await openKeys(current);
		const { id } = await addWebhook(store, records.webhook(projectId, { key: "k", customerId: "acme" }));
		const find = async (customerId: string | null, limit = 5) => {
			const where = customerId === null ? scope : customerScope(projectId, customerId);
			const page = await store.webhooks(where, { ...ANY_WEBHOOK, key: "k" }, { limit, cursor: null });
			return [idsOf(page), page.hasNewer, page.hasOlder];
		};
		expect(await find(null, 1)).toEqual([[id], false, false]);
		expect(await find("acme")).toEqual([[id], false, false]);
		expect(await find("globex")).toEqual([[], false, false]);
	});
}
