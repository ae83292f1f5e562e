// The contract of the log slice: events are found by any combination of filters, in the scope of a project and of a customer.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { isFor, type EventCustomers } from "../../../core/access/customer.ts";
import { customerScope, projectScope, type Scope } from "../../../core/access/principal.ts";
import type { PageRequest } from "../../../core/page.ts";
import { eventTypeMatcher } from "../../../core/webhook.ts";
import type { EventFilter, LoggedEvent } from "../../store/log.ts";
import { pagesBothWays } from "./records/pages.ts";
import {
	addWebhook,
	ANY_DELIVERY,
	ANY_EVENT,
	fillStore,
	NEWEST,
	type CurrentStore,
	type World,
} from "./records/records.ts";
import { countStatuses } from "./records/statuses.ts";

const TYPES = ["order.created", "order.paid", "user.created"] as const;
const TAGS = ["order:1", "order:2", "region=eu", "x"] as const;
const FOR: readonly EventCustomers[] = [null, "acme", ["acme", "globex"], "globex", "*"];

export function describeEvents(current: CurrentStore): void {
	it("finds events by any combination of filters, for a customer only those that have reached it, in pages", async () => {
		const world = await fillStore(current());
		const { store, projectId, scope } = world;
		const all = await fillEvents(world);
		const own = customerScope(projectId, "acme");
		const mine = (await store.deliveries(own, ANY_DELIVERY, NEWEST)).rows;
		const seen = all.flatMap((event) => {
			const deliveries = mine.filter(({ eventId }) => eventId === event.id);
			const shown = {
				deliveryCount: 1,
				customers: "acme",
				idempotencyKey: null,
				deliveries: countStatuses(deliveries),
			};
			return deliveries.length === 0 ? [] : [{ ...event, ...shown }];
		});
		const ofAcme = (filter: EventFilter) => ((filter.customerId ?? "acme") === "acme" ? seen : []);
		const readers = [
			[scope, () => all],
			[own, ofAcme],
		] as const;
		await fc.assert(
			fc.asyncProperty(
				filters(all),
				fc.integer({ min: 1, max: 30 }),
				fc.constantFrom(...readers),
				async (filter, limit, [reader, visible]) => {
					const expected = visible(filter).filter((event) => matches(event, filter));
					const read = (page: PageRequest) => store.events(reader, filter, page);
					expect((await read(NEWEST)).rows).toEqual(expected);
					const ids = (await pagesBothWays(read, limit, "evt")).flat();
					expect(ids).toEqual(expected.map(({ id }) => id));
				},
			),
			{ numRuns: runs(80) },
		);
		expect((await store.events(own, ANY_EVENT, NEWEST)).rows).toEqual(seen);
	});

	it("keeps tags in the order of the sender, and a purge removes them and customers with the event", async () => {
		const { store, records, projectId, scope, purge, addProject } = await fillStore(current());
		const labels = { tags: ["b", "a", "order:1"], customers: ["acme", "globex"] };
		const tagged = records.event(projectId, { ...labels, key: "k" });
		await store.commit({ events: [tagged, records.event(projectId)], updates: [] });
		expect(await store.event(scope, tagged.event.id)).toMatchObject(labels);
		const { events } = await store.commit({ events: [records.event(projectId, { key: "k" })], updates: [] });
		expect(events).toEqual([{ kind: "duplicate", event: tagged.event }]);
		const other = projectScope((await addProject()).id);
		const find = async (of: Scope, filter: Partial<EventFilter>) =>
			(await store.events(of, { ...ANY_EVENT, ...filter }, NEWEST)).rows;
		for (const filter of [{ tag: "a" }, { customerId: "acme" }]) {
			expect(await find(scope, filter)).toMatchObject([tagged.event]);
			expect(await find(other, filter)).toEqual([]);
		}
		records.now += 10_000;
		expect((await purge("purgeEvents", records.now)).events).toBe(2);
		const later = records.event(projectId, { tags: ["a"], customers: ["acme"] });
		await store.commit({ events: [later], updates: [] });
		for (const filter of [{ tag: "a" }, { customerId: "acme" }]) {
			expect(await find(scope, filter)).toMatchObject([later.event]);
		}
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
