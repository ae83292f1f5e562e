// The contract of the list of webhooks: any combination of its filters, in pages that stay right; keys, each unique in its project; and what a
// directory reads.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../core/access/principal.ts";
import { isReservedEventType } from "../../../core/event-type.ts";
import { HEALTHY, HEALTH_STATES, shownHealth } from "../../../core/policies/webhook-health.ts";
import { eventTypeMatcher, WEBHOOK_STATUSES } from "../../../core/webhook.ts";
import { FIRST_VERSION } from "../../../core/workspace.ts";
import type { WebhookFilter, WebhookRecord } from "../../store/directory.ts";
import { contents } from "./records/calls.ts";
import { pagesBothWays } from "./records/pages.ts";
import {
	addWebhook,
	changeWebhook,
	fillStore,
	idsOf,
	NEWEST,
	type CurrentStore,
	type World,
} from "./records/records.ts";
import { ANY_WEBHOOK, allSummaries, allWebhooks, changesSince, summaryOf } from "./records/webhooks.ts";

const DAY = 86_400_000;
const EVENT_TYPES = [null, [], ["a"], ["a.b", "c.*"], ["a.*"], ["fanfare.*"], ["fanfare.webhook.disabled", "a.b"]];
const INTERNAL = "a.b.internal";

type Choices = { readonly [Key in keyof WebhookFilter]: fc.Arbitrary<WebhookFilter[Key]> };

/** Most parts of a filter are missing: otherwise hardly any webhook would match. */
function rarely<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
	return fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
}

const filters: Choices = {
	text: rarely(fc.constantFrom("ORDERS", "ünï", "example.com", "hook", "_", "%", "k.5")),
	statuses: rarely(fc.subarray([...WEBHOOK_STATUSES], { minLength: 1 })),
	health: rarely(fc.subarray([...HEALTH_STATES], { minLength: 1 })),
	customerId: rarely(fc.constantFrom("acme", "globex", "nobody")),
	key: rarely(fc.constantFrom("k0", "K.5", "k7", "k8")),
	eventType: rarely(fc.constantFrom("a", "a.b", "a.b.c", "ab", "c.d", INTERNAL, "fanfare.webhook.disabled")),
	metadata: rarely(fc.constantFrom({ team: "a" }, { team: "a", "x.y": "" }, { te: "am" }, { ",": ":" })).map(
		(metadata): Record<string, string> => metadata ?? {},
	),
};

/** Webhooks of all kinds: two thirds of the combinations of customer and status, with health of all states, and some deleted ones. */
async function fillList(current: CurrentStore): Promise<World> {
	const world = await fillStore(current(), 0);
	const { store, records, projectId, accept, update } = world;
	const customers = [null, "acme", "globex"];
	for (let n = 0; n < 36; n++) {
		const record = await addWebhook(
			store,
			records.webhook(projectId, {
				customerId: customers[n % 3] ?? null,
				key: n === 5 ? "K.5" : n % 7 === 0 || n === 8 ? `k${n}` : null,
				status: WEBHOOK_STATUSES[Math.floor(n / 3) % 3] ?? "Enabled",
				name: n % 4 === 0 ? "All orders" : "Hook_%",
				description: n % 5 === 0 ? "orders, ÜNÏCODE" : null,
				endpoint: n % 2 === 0 ? "https://Orders.example.com:8443/hook?example.com" : "https://other.test/orders",
				eventTypes: EVENT_TYPES[n % EVENT_TYPES.length] ?? null,
				metadata: n % 3 === 0 ? { team: "a", "x.y": "" } : n % 3 === 1 ? { team: "b", k: ",", ":": ":" } : {},
				disableAfterMs: DAY,
			}),
		);
		if (n % 4 === 3 || n === 10) {
			const [id = ""] = await accept({ webhookIds: [record.id], customers: record.customerId });
			for (let number = 1; number <= 5; number++) await update(records.failure(id, number));
		}
		if (n === 11) {
			records.now += DAY;
			await store.reportHealth(records.now, 100);
		}
		if (n % 9 === 8) await changeWebhook(store, record, { deleteDate: records.now });
	}
	records.now += 400_000;
	await store.reportHealth(records.now, 100);
	// One of those with a warning is paused then, which leaves it Failing.
	const live = (await allWebhooks(store)).filter(({ deleteDate }) => deleteDate === null);
	const health = await store.webhookHealth(live.map(({ id }) => id));
	const warned = live.find(({ status }, index) => status === "Enabled" && health[index]!.warnDate !== null);
	await changeWebhook(store, warned!, { status: "Paused" });
	const internal = records.eventType(projectId, INTERNAL, { visibility: "internal" });
	await store.putEventType(internal, { expected: null, limit: 10, entry: null });
	return world;
}

/** Whether a webhook is in the list, by the words of the port. */
async function expectedIds({ store, records }: World, scope: Scope, filter: WebhookFilter): Promise<string[]> {
	const all = (await allWebhooks(store)).filter((one) => one.deleteDate === null && one.projectId === scope.projectId);
	const health = await store.webhookHealth(all.map(({ id }) => id));
	const isListed = (webhook: WebhookRecord, index: number): boolean => {
		const { text, statuses, customerId, key, eventType, metadata } = filter;
		if (key !== null && webhook.key !== key) return false;
		if (scope.kind === "customer" && webhook.customerId !== scope.customerId) return false;
		if (customerId !== null && webhook.customerId !== customerId) return false;
		if (statuses !== null && !statuses.includes(webhook.status)) return false;
		const { state } = shownHealth(health[index]!, webhook, records.now);
		if (filter.health !== null && !filter.health.includes(state)) return false;
		const texts = [webhook.name, webhook.description ?? "", webhook.key ?? "", new URL(webhook.endpoint).host];
		const wanted = text?.toLowerCase();
		if (wanted !== undefined && wanted !== webhook.id && !texts.some((one) => one.toLowerCase().includes(wanted)))
			return false;
		if (eventType !== null) {
			if (eventType === INTERNAL && scope.kind === "project" && webhook.customerId !== null) return false;
			const { eventTypes } = webhook;
			if (eventTypes === null ? isReservedEventType(eventType) : !eventTypeMatcher(eventTypes)(eventType)) return false;
		}
		return Object.entries(metadata).every(([name, value]) =>
			Object.entries(webhook.metadata).some(([key, other]) => key === name && other === value),
		);
	};
	return all
		.filter(isListed)
		.map(({ id }) => id)
		.sort()
		.toReversed();
}

/** Reads all pages, from the newest to the oldest and back. */
async function walk({ store }: World, scope: Scope, filter: WebhookFilter, limit: number): Promise<string[]> {
	return (await pagesBothWays((request) => store.webhooks(scope, filter, request), limit, "webhook")).flat();
}

export function describeWebhookList(current: CurrentStore): void {
	it("has the webhooks that match all filters, whatever their combination, the scope and the size of a page", async () => {
		const world = await fillList(current);
		const { projectId, store } = world;
		const scopes = [projectScope(projectId), projectScope(projectId), customerScope(projectId, "acme")];
		const found = new Set<string>();
		await fc.assert(
			fc.asyncProperty(
				fc.record(filters),
				fc.constantFrom(...scopes),
				fc.integer({ min: 1, max: 9 }),
				async (...drawn) => {
					const [filter, scope, limit] = drawn;
					const ids = await walk(world, scope, filter, limit);
					expect(ids).toEqual(await expectedIds(world, scope, filter));
					for (const id of ids) found.add(id);
				},
			),
			{ numRuns: runs(40) },
		);
		// Without filters, it has each of them.
		const { rows } = await store.webhooks(projectScope(projectId), ANY_WEBHOOK, NEWEST);
		expect(rows).toHaveLength(32);
		expect(found.size).toBeGreaterThan(20);
	});

	it("finds webhooks by each health, and one by its id, and none of another project", async () => {
		const world = await fillList(current);
		const { store, records, scope } = world;
		for (const state of HEALTH_STATES) {
			const filter = { ...ANY_WEBHOOK, health: [state] };
			const expected = await expectedIds(world, scope, filter);
			expect(expected).not.toEqual([]);
			expect(await walk(world, scope, filter, 5)).toEqual(expected);
		}
		const other = await world.addProject();
		const foreign = await addWebhook(store, records.webhook(other.id, { name: "All orders" }));
		const [known = ""] = await expectedIds(world, scope, ANY_WEBHOOK);
		expect(await walk(world, scope, { ...ANY_WEBHOOK, text: known.toUpperCase() }, 5)).toEqual([known]);
		expect(await walk(world, scope, { ...ANY_WEBHOOK, text: foreign.id }, 5)).toEqual([]);
		expect(await walk(world, projectScope(other.id), { ...ANY_WEBHOOK, text: "orders" }, 5)).toEqual([foreign.id]);
	});

	it("reads the summaries of webhooks in pages, oldest first, and their records by their ids", async () => {
		const { store, records, projectId, webhookIds } = await fillStore(current(), 5);
		const all = (await store.webhookRecords(webhookIds)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
		expect(all.map(({ id }) => id)).toEqual(webhookIds);
		expect(await allSummaries(store)).toEqual(all.map(summaryOf));
		expect(await store.webhookSummaries(null, 2)).toEqual(all.slice(0, 2).map(summaryOf));
		expect(await store.webhookSummaries(webhookIds[1]!, 2)).toEqual(all.slice(2, 4).map(summaryOf));
		expect(await store.webhookSummaries(webhookIds[4]!, 2)).toEqual([]);
		const unknown = records.webhook(projectId).id;
		expect(await store.webhookRecords([unknown, webhookIds[2]!])).toEqual([all[2]]);
		const deleted = await changeWebhook(store, all[0]!, { deleteDate: records.now });
		expect(await store.webhookRecords([webhookIds[0]!])).toEqual([deleted]);
	});

	it("reads changes in pages: what changes meanwhile is on a later one", async () => {
		const { store, projectId } = await fillStore(current(), 4);
		const [first, second, third, fourth] = await allWebhooks(store);
		const start = { revision: FIRST_VERSION, webhookId: null };
		const one = await store.projectChanges(projectId, start, 2);
		expect(one.webhooks).toEqual([first, second].map((record) => summaryOf(record!)));
		const renamed = await changeWebhook(store, first!, { name: "Renamed" });
		const moved = await changeWebhook(store, third!, { name: "Moved" });
		const two = await store.projectChanges(projectId, one.next!, 2);
		expect(two.webhooks).toEqual([summaryOf(fourth!), summaryOf(renamed)]);
		const three = await store.projectChanges(projectId, two.next!, 2);
		expect(three).toMatchObject({ version: one.version + 2, webhooks: [summaryOf(moved)], next: null });
		expect((await changesSince(store, projectId, one.version)).webhooks).toEqual([renamed, moved].map(summaryOf));
	});

	describe("keys", () => {
		describeKeys(current);
	});
}

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

function describeKeys(current: CurrentStore): void {
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

	it("a key is found in its scope only: each project has its own ones, also after another one's deletion", async () => {
		const { store, records, projectId, scope, a, addProject } = await openKeys(current);
		const { id } = await addWebhook(store, records.webhook(projectId, { key: "k", customerId: "acme" }));
		const find = async (where: Scope, key = "k", limit = 5) => {
			const page = await store.webhooks(where, { ...ANY_WEBHOOK, key }, { limit, cursor: null });
			return [idsOf(page), page.hasNewer, page.hasOlder];
		};
		expect(await find(scope, "k", 1)).toEqual([[id], false, false]);
		expect(await find(customerScope(projectId, "acme"))).toEqual([[id], false, false]);
		expect(await find(customerScope(projectId, "globex"))).toEqual([[], false, false]);
		const other = await addProject();
		const same = await addWebhook(store, records.webhook(other.id, { key: "a" }));
		expect(await find(projectScope(other.id), "a")).toEqual([[same.id], false, false]);
		await store.deleteProject(other.id, records.now, null);
		expect(await find(scope, "a")).toEqual([[a.id], false, false]);
	});
}
