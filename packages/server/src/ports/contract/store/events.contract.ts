// The contract of the log slice: events are found by any combination of filters, in the scope of a project and of a customer.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { isFor, type EventCustomers } from "../../../core/access/customer.ts";
import { customerScope, projectScope } from "../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import { eventTypeMatcher } from "../../../core/webhook.ts";
import type { EventFilter, LoggedEvent } from "../../store/log.ts";
import { addWebhook, ANY_DELIVERY, fillStore, NEWEST, type CurrentStore, type World } from "./records/records.ts";
import { countStatuses } from "./records/statuses.ts";
import { LATE } from "./records/two-days.ts";

const TYPES = ["order.created", "order.paid", "user.created"] as const;
const TAGS = ["order:1", "order:2", "region=eu", "x"] as const;
const FOR: readonly EventCustomers[] = [null, "acme", ["acme", "globex"], "globex", "*"];
const ANY_EVENT: EventFilter = { types: null, after: null, before: null };

export function describeEvents(current: CurrentStore): void {
	describeEventFilters(current);
	describePurgedTags(current);
}

function describeEventFilters(current: CurrentStore): void {
	it("finds events by any combination of filters, and pages through them in both directions", async () => {
		const world = await fillStore(current());
		const all = await fillEvents(world);
		await fc.assert(
			fc.asyncProperty(filters(all), fc.integer({ min: 1, max: 30 }), async (filter, limit) => {
				const expected = all.filter((event) => matches(event, filter));
				const read = (page: PageRequest) => world.store.events(world.scope, filter, page);
				expect((await read(NEWEST)).rows).toEqual(expected);
				expect(await walk(read, limit)).toEqual(expected.map(({ id }) => id));
			}),
			{ numRuns: 150 },
		);
	});

	it("a customer finds by the same filters only the events that have reached it", async () => {
		const world = await fillStore(current());
		const { store, projectId } = world;
		const all = await fillEvents(world);
		const mine = (await store.deliveries(customerScope(projectId, "acme"), ANY_DELIVERY, NEWEST)).rows;
		const seenBy = (event: LoggedEvent) => {
			const own = mine.filter(({ eventId }) => eventId === event.id);
			const shown = { deliveryCount: 1, customers: "acme", idempotencyKey: null, deliveries: countStatuses(own) };
			return own.length === 0 ? [] : [{ ...event, ...shown }];
		};
		const own = customerScope(projectId, "acme");
		const seen = (await store.events(own, ANY_EVENT, NEWEST)).rows;
		expect(seen).toEqual(all.flatMap((event) => seenBy(event)));
		await fc.assert(
			fc.asyncProperty(filters(all), fc.integer({ min: 1, max: 30 }), async (filter, limit) => {
				const isOther = (filter.customerId ?? "acme") !== "acme";
				const expected = isOther ? [] : seen.filter((event) => matches(event, filter));
				const read = (page: PageRequest) => store.events(own, filter, page);
				expect((await read(NEWEST)).rows).toEqual(expected);
				expect(await walk(read, limit)).toEqual(expected.map(({ id }) => id));
			}),
			{ numRuns: 100 },
		);
	});
}

function describePurgedTags(current: CurrentStore): void {
	it("keeps tags in the order of the sender, and a purge removes them with the event", async () => {
		const { store, records, projectId, scope } = await fillStore(current());
		const tagged = records.event(projectId, { tags: ["b", "a", "order:1"], key: "k" });
		await store.commit({ events: [tagged, records.event(projectId)], updates: [] });
		expect((await store.event(scope, tagged.event.id))?.tags).toEqual(["b", "a", "order:1"]);
		const { events } = await store.commit({ events: [records.event(projectId, { key: "k" })], updates: [] });
		expect(events).toEqual([{ kind: "duplicate", event: tagged.event }]);
		const other = records.project();
		await store.insertProject(other, null);
		const find = (of: string) => store.events(projectScope(of), { ...ANY_EVENT, tag: "a" }, NEWEST);
		expect((await find(projectId)).rows).toMatchObject([tagged.event]);
		expect((await find(other.id)).rows).toEqual([]);
		records.now += 10_000;
		const step = { projectId, at: LATE, before: records.now, after: null, limit: 100 };
		expect((await store.purgeEvents(step)).purged.events).toBe(2);
		const later = records.event(projectId, { tags: ["a"] });
		await store.commit({ events: [later], updates: [] });
		expect((await find(projectId)).rows).toMatchObject([later.event]);
	});
}

/** Makes events of all kinds, each for the webhook without a customer or that of a customer, or for none. Returns them newest first. */
async function fillEvents({ store, records, projectId, scope, webhookId }: World): Promise<LoggedEvent[]> {
	const own = await addWebhook(store, records.webhook(projectId, { customerId: "acme" }));
	for (let n = 0; n < 80; n++) {
		records.now += n % 3;
		const customers = FOR[n % FOR.length] ?? null;
		const webhookIds = [webhookId, own.id].filter((_, index) => (n >> index) % 2 === 0);
		const event = records.event(projectId, {
			type: TYPES[n % TYPES.length] ?? "",
			tags: TAGS.filter((_, index) => (n >> index) % 3 === 1),
			customers,
			...(n % 30 === 0 && { key: `k${n}` }),
			webhookIds: webhookIds.filter((id) => id !== own.id || isFor(customers, "acme")),
		});
		await store.commit({ events: [event], updates: [] });
	}
	return [...(await store.events(scope, ANY_EVENT, NEWEST)).rows].map((event) => ({ ...event }));
}

function filters(all: readonly LoggedEvent[]): fc.Arbitrary<EventFilter> {
	const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 1, nil: null });
	const time = fc.integer({ min: (all.at(-1)?.createDate ?? 0) - 2, max: (all[0]?.createDate ?? 0) + 2 });
	return fc.record({
		types: maybe(
			fc.subarray([...TYPES, "none", "order.*", "user.*", "order.paid.*", "ord.*", "none.*"], { minLength: 1 }),
		),
		customerId: maybe(fc.constantFrom("acme", "globex", "nobody")),
		tag: maybe(fc.constantFrom(...TAGS, "none")),
		idempotencyKey: fc.option(fc.constantFrom("k0", "k30", "none"), { freq: 4, nil: null }),
		unmatched: fc.boolean(),
		after: maybe(time),
		before: maybe(time),
	});
}

function matches(event: LoggedEvent, filter: EventFilter): boolean {
	const { types, customerId = null, tag = null, idempotencyKey = null, unmatched = false, after, before } = filter;
	return (
		(types === null || eventTypeMatcher(types)(event.type)) &&
		(idempotencyKey === null || idempotencyKey === event.idempotencyKey) &&
		(!unmatched || event.deliveryCount === 0) &&
		(customerId === null || (event.customers !== null && isFor(event.customers, customerId))) &&
		(tag === null || event.tags.includes(tag)) &&
		(after === null || after <= event.createDate) &&
		(before === null || before > event.createDate)
	);
}

/** Reads all pages to the oldest event and back, checks that both ways agree, and returns the ids. Any page may be short. */
async function walk(read: (page: PageRequest) => Promise<Page<LoggedEvent>>, limit: number): Promise<string[]> {
	const way = async (direction: "older" | "newer", from: PageRequest["cursor"]) => {
		const ids: string[] = [];
		let cursor = from;
		for (;;) {
			const page: Page<LoggedEvent> = await read({ limit, cursor });
			expect(page.rows.length).toBeLessThanOrEqual(limit);
			const found = page.rows.map(({ id }) => id);
			ids.push(...(direction === "older" ? found : found.toReversed()));
			const last = page.stoppedAt ?? ids.at(-1);
			if (!(direction === "older" ? page.hasOlder : page.hasNewer) || last === undefined) return ids;
			cursor = { direction, id: last };
		}
	};
	const there = await way("older", null);
	const first = { direction: "newer", id: "evt_00000000-0000-7000-8000-000000000000" } as const;
	expect((await way("newer", first)).toReversed()).toEqual(there);
	return there;
}
