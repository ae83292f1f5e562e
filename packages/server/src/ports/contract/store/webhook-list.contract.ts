// The contract of the list of webhooks: any combination of its filters, in pages that stay right.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../core/access/principal.ts";
import { isReservedEventType } from "../../../core/event-type.ts";
import type { PageRequest } from "../../../core/page.ts";
import { HEALTH_STATES, shownHealth } from "../../../core/policies/webhook-health.ts";
import { eventTypeMatcher, WEBHOOK_STATUSES } from "../../../core/webhook.ts";
import type { WebhookFilter, WebhookRecord } from "../../store/directory.ts";
import { addWebhook, changeWebhook, fillStore, NEWEST, type CurrentStore, type World } from "./records/records.ts";
import { ANY_WEBHOOK, allWebhooks } from "./records/webhooks.ts";

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
	const there: string[] = [];
	let request: PageRequest = { limit, cursor: null };
	let page = await store.webhooks(scope, filter, request);
	expect(page.hasNewer).toBe(false);
	for (;;) {
		expect(page.rows.length).toBeLessThanOrEqual(limit);
		there.push(...page.rows.map(({ id }) => id));
		const last = page.stoppedAt ?? page.rows.at(-1)?.id;
		if (!page.hasOlder || last === undefined) break;
		request = { limit, cursor: { direction: "older", id: last } };
		page = await store.webhooks(scope, filter, request);
	}
	const back = page.rows.map(({ id }) => id);
	while (page.hasNewer) {
		const first = page.stoppedAt ?? page.rows[0]?.id ?? request.cursor?.id ?? "";
		request = { limit, cursor: { direction: "newer", id: first } };
		page = await store.webhooks(scope, filter, request);
		back.unshift(...page.rows.map(({ id }) => id));
	}
	expect(back).toEqual(there);
	return there;
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
			{ numRuns: 120 },
		);
		// Without filters, it has each of them.
		const { rows } = await store.webhooks(projectScope(projectId), ANY_WEBHOOK, NEWEST);
		expect(rows).toHaveLength(32);
		expect(found.size).toBeGreaterThan(20);
	});

	it.each([...HEALTH_STATES])("finds those whose health is %s", async (state) => {
		const world = await fillList(current);
		const filter = { ...ANY_WEBHOOK, health: [state] };
		const expected = await expectedIds(world, world.scope, filter);
		expect(expected).not.toEqual([]);
		expect(await walk(world, world.scope, filter, 5)).toEqual(expected);
	});

	it("finds a webhook by its id, and none of another project", async () => {
		const world = await fillList(current);
		const { store, records, scope } = world;
		const other = records.project("Other");
		await store.insertProject(other, null);
		const foreign = await addWebhook(store, records.webhook(other.id, { name: "All orders" }));
		const [known = ""] = await expectedIds(world, scope, ANY_WEBHOOK);
		expect(await walk(world, scope, { ...ANY_WEBHOOK, text: known.toUpperCase() }, 5)).toEqual([known]);
		expect(await walk(world, scope, { ...ANY_WEBHOOK, text: foreign.id }, 5)).toEqual([]);
		expect(await walk(world, projectScope(other.id), { ...ANY_WEBHOOK, text: "orders" }, 5)).toEqual([foreign.id]);
	});
}
