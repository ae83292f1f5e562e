// The contract of scopes: in the scope of a customer, every read finds what belongs to the customer, and nothing else.
import { expect, it } from "vitest";

import { EVERY_CUSTOMER, isFor, type EventCustomers } from "../../../core/access/customer.ts";
import { customerScope, projectScope } from "../../../core/access/principal.ts";
import { DELIVERY_STATUSES, type Delivery } from "../../../core/delivery.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import type { EventDelivery, LoggedEvent } from "../../store/log.ts";
import { ANY_CHANGE } from "./records/logged.ts";
import { pagesOf } from "./records/pages.ts";
import {
	addWebhook,
	ANY_DELIVERY,
	ANY_EVENT,
	changeWebhook,
	fillStore,
	GONE,
	idsOf,
	NEWEST,
	type CurrentStore,
} from "./records/records.ts";
import { EVERYTHING, openReplayWorld } from "./records/replays.ts";
import { DAY } from "./records/stats.ts";
import { countStatuses } from "./records/statuses.ts";
import { ANY_WEBHOOK, allWebhooks } from "./records/webhooks.ts";

/** A project that no store has. */
const OTHER_PROJECT = "proj_00000000000000000000000000000000";
const CUSTOMERS = ["acme", "globex", "initech"] as const;
const BOTH: EventCustomers = ["acme", "initech"];
const FOR: readonly EventCustomers[] = [null, ...CUSTOMERS, BOTH, ["globex"], EVERY_CUSTOMER, "nobody"];

/**
 * A project with two webhooks of each customer and two of its own, and events for all kinds of customers, whose deliveries
 * have all statuses. One webhook of each customer is deleted. Replays have made more deliveries.
 */
async function openWorld(current: CurrentStore) {
	const world = await openReplayWorld(current, 2);
	const { store, records, projectId, scope } = world;
	const webhooks: WebhookRecord[] = [...(await allWebhooks(store))];
	for (const customerId of [...CUSTOMERS, ...CUSTOMERS]) {
		webhooks.push(await addWebhook(store, records.webhook(projectId, { customerId, eventTypes: null })));
	}
	for (let n = 0; n < 48; n++, records.now += 7) {
		const customers = FOR[n % FOR.length] ?? null;
		const targets = webhooks.filter(({ customerId }, index) => isFor(customers, customerId) && (index + n) % 5 !== 0);
		const webhookIds = targets.map(({ id }) => id);
		const tags = [...(n % 2 === 0 ? ["often"] : []), ...(n === 6 ? ["once"] : [])];
		const ids = await world.accept({ webhookIds, customers, type: n % 3 === 0 ? "a.b" : "c.d", tags });
		const updates = ids.flatMap((id, index) => {
			const step = (n + index) % 4;
			if (step === 0) return [];
			if (step === 1) return [records.outcome(id, 1)];
			return [step === 2 ? records.failure(id, 1) : records.outcome(id, 1, GONE)];
		});
		if (updates.length > 0) await world.update(...updates);
	}
	for (const webhook of webhooks.slice(2)) {
		const changes = { webhookId: webhook.id, customerId: webhook.customerId };
		await world.step(await world.begin({ outcomes: ["Missed"], until: records.now + 1 }, changes));
	}
	for (const webhook of webhooks.slice(-3)) await changeWebhook(store, webhook, { deleteDate: records.now });
	const { rows: deliveries } = await store.deliveries(scope, ANY_DELIVERY, NEWEST);
	const { rows: events } = await store.events(scope, ANY_EVENT, NEWEST);
	const readers = CUSTOMERS.map((customerId) => [customerId, customerScope(projectId, customerId)] as const);
	return { ...world, webhooks, deliveries, events, readers };
}

type CustomerWorld = Awaited<ReturnType<typeof openWorld>>;

/** The events that a customer sees, as it sees them. */
function eventsOf({ events, deliveries }: CustomerWorld, customerId: string): LoggedEvent[] {
	return events.flatMap((event) => {
		const own = deliveries.filter((one) => one.eventId === event.id && one.customerId === customerId);
		const first = own.filter(({ trigger, attemptCount }) => trigger !== "replay" || attemptCount > 0);
		const deliveryCount = first.length;
		return own.length === 0 ? [] : [{ ...event, deliveryCount, customers: customerId, deliveries: countStatuses(own) }];
	});
}

export function describeCustomers(current: CurrentStore): void {
	describeDeliveries(current);
	describeEvents(current);
	describeOthers(current);
	describePages(current);
}

function describeDeliveries(current: CurrentStore): void {
	it("finds deliveries by the tag of their events, also those that replays have made", async () => {
		const { store, scope, events, deliveries, webhooks } = await openWorld(current);
		for (const tag of ["often", "once", "none"]) {
			const tagged = new Set(events.filter(({ tags }) => tags.includes(tag)).map(({ id }) => id));
			const found = deliveries.filter(({ eventId }) => tagged.has(eventId));
			if (tag !== "none") expect(found.some(({ trigger }) => trigger === "replay")).toBe(true);
			for (const more of [{}, { customerId: "acme" }, ...webhooks.map(({ id }) => ({ webhookId: id }))]) {
				const filter = { ...ANY_DELIVERY, tag, ...more };
				const isWanted = (one: Delivery) =>
					Object.entries(more).every(([name, value]) => one[name as "customerId" | "webhookId"] === value);
				const expected = found.filter(isWanted);
				const ids = (await pagesOf((page) => store.deliveries(scope, filter, page), 7)).flat();
				expect(ids).toEqual(expected.map(({ id }) => id));
				expect(await store.countDeliveries(scope, filter, null)).toMatchObject({ count: expected.length });
				const changed = { ...ANY_CHANGE, tag, ...more, statuses: ["Failed", "Cancelled"] } as const;
				const { rows } = await store.changedDeliveries(scope, changed, NEWEST);
				const ended = expected.filter(({ status }) => status === "Failed" || status === "Cancelled");
				expect(new Set(rows.map(({ delivery }) => delivery.id))).toEqual(new Set(ended.map(({ id }) => id)));
			}
		}
	});

	it("a customer's scope has the deliveries of its webhooks, deleted ones too, their changes and attempts, in every list", async () => {
		const { store, scope, deliveries, webhooks, readers, records } = await openWorld(current);
		const ofWebhooks = webhooks.map(({ id }) => ({ webhookId: id }));
		const filters = [
			{},
			...DELIVERY_STATUSES.map((status) => ({ statuses: [status] })),
			{ statuses: DELIVERY_STATUSES },
			{ responseCodes: [{ from: 400, to: 499 }] },
			{ responseCodes: [{ from: 0, to: 204 }] },
			{ causes: ["status_410" as const] },
			{ eventTypes: ["a.*"] },
			{ tag: "often" },
			{ tag: "once" },
			{ eventTypes: ["a.b"], statuses: ["Succeeded" as const] },
			{ updatedAfter: records.now - 20, updatedBefore: records.now },
			...ofWebhooks,
			...deliveries.slice(0, 6).map(({ eventId }) => ({ eventId })),
		];
		for (const [customerId, own] of readers) {
			const mine = deliveries.filter((delivery) => delivery.customerId === customerId);
			expect(mine.length).toBeGreaterThan(10);
			expect((await store.deliveries(own, ANY_DELIVERY, NEWEST)).rows).toEqual(mine);
			for (const filter of filters) {
				const wanted = { ...ANY_DELIVERY, ...filter };
				const { rows } = await store.deliveries(scope, wanted, NEWEST);
				const ids = (await pagesOf((page) => store.deliveries(own, wanted, page), 5)).flat();
				expect(ids).toEqual(rows.filter((one) => one.customerId === customerId).map(({ id }) => id));
				const count = { count: ids.length, goesOnAt: null, scannedTo: null };
				expect(await store.countDeliveries(own, wanted, null)).toEqual(count);
			}
			for (const status of ["Failed", "Held", "Cancelled"] as const) {
				for (const owned of [{}, ...ofWebhooks]) {
					const filter = { ...ANY_CHANGE, statuses: [status], ...owned } as const;
					const { rows } = await store.changedDeliveries(scope, filter, NEWEST);
					const expected = rows.filter(({ delivery }) => delivery.customerId === customerId);
					expect((await store.changedDeliveries(own, filter, NEWEST)).rows).toEqual(expected);
				}
			}
			for (const delivery of deliveries) {
				const isOwn = delivery.customerId === customerId;
				expect(await store.delivery(own, delivery.id)).toEqual(isOwn ? delivery : null);
				const { rows } = await store.attempts(scope, delivery.id, NEWEST);
				expect((await store.attempts(own, delivery.id, NEWEST)).rows).toEqual(isOwn ? rows : []);
			}
		}
	});
}

function describeEvents(current: CurrentStore): void {
	it("a customer sees an event only through its deliveries, no other customer of it, and not how it was sent", async () => {
		const world = await openWorld(current);
		const { store, scope, events, deliveries, webhooks, readers } = world;
		const counts = events.map(({ id }) => countStatuses(deliveries.filter(({ eventId }) => eventId === id)));
		expect(events.map((event) => event.deliveries)).toEqual(counts);
		const webhookIds = webhooks.map(({ id }) => id);
		const [first = ""] = webhookIds;
		const ordered = (list: readonly EventDelivery[] | null) =>
			list?.toSorted((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1)) ?? null;
		const replayed = new Set<boolean>();
		for (const [customerId, reader] of [[null, scope] as const, ...readers]) {
			const expected = customerId === null ? events : eventsOf(world, customerId);
			expect((await store.events(reader, ANY_EVENT, NEWEST)).rows).toEqual(expected);
			for (const { id } of events) {
				const seen = expected.find((event) => event.id === id) ?? null;
				expect(await store.event(reader, id)).toEqual(seen);
				expect((await store.eventBody(reader, id)) === null).toBe(seen === null);
				const how = { idempotencyKey: null, targets: customerId === null ? "everyone" : null, traceparent: null };
				expect(await store.eventDetails(reader, id)).toEqual(seen === null ? null : how);
				const own = deliveries.filter(
					(one) => one.eventId === id && (customerId === null || one.customerId === customerId),
				);
				const shown = own.map((one) => ({ webhookId: one.webhookId, deliveryId: one.id, status: one.status }));
				const all = ordered(await store.eventDeliveries(reader, id, webhookIds));
				const plain = all?.map(({ isReplayed, ...rest }) => (replayed.add(isReplayed), rest)) ?? null;
				const wanted = shown.toSorted((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1));
				expect(plain).toEqual(seen === null ? null : wanted);
				const one = ordered(await store.eventDeliveries(reader, id, [first]));
				expect(one).toEqual(all?.filter(({ webhookId }) => webhookId === first) ?? null);
			}
		}
		expect(replayed).toEqual(new Set([true, false]));
		const [{ id: eventId } = { id: "" }] = events;
		expect(await store.eventDeliveries(scope, eventId, [])).toEqual([]);
		expect(await store.eventDeliveries(projectScope(OTHER_PROJECT), eventId, webhookIds)).toBeNull();
	});
}

function describeOthers(current: CurrentStore): void {
	it("a customer has its webhooks, replays of its own events, and stats that are the sum of its webhooks'", async () => {
		const { store, records, events, deliveries, webhooks, readers } = await openWorld(current);
		const to = Math.ceil(records.now / DAY) * DAY;
		const asked = { width: "day", from: to - DAY, to } as const;
		const isOf = (customerId: string) => (each: { readonly customerId: string | null }) =>
			each.customerId === customerId;
		for (const [customerId, scope] of readers) {
			const live = webhooks.slice(0, -3).filter(isOf(customerId));
			const listed = await store.webhooks(scope, ANY_WEBHOOK, NEWEST);
			expect(idsOf(listed)).toEqual(live.map(({ id }) => id));

			const forCustomer = events.filter(({ customers }) => isFor(customers, customerId)).length;
			const { rows } = await store.replays(scope, null, NEWEST);
			const finished = { customerId, status: "Finished", scannedCount: forCustomer };
			expect(rows).toMatchObject([finished, finished]);
			for (const { id, webhookId } of rows) {
				for (const [other, reader] of readers) {
					expect((await store.replay(reader, id))?.id).toBe(other === customerId ? id : undefined);
					expect(idsOf(await store.replays(reader, webhookId, NEWEST))).toEqual(other === customerId ? [id] : []);
				}
			}

			const own = webhooks.filter(isOf(customerId));
			const each = await Promise.all(own.map(({ id }) => store.stats({ ...asked, scope, webhookId: id })));
			const [bucket] = await store.stats({ ...asked, scope, webhookId: null });
			for (const count of ["accepted", "succeeded", "exhausted", "attemptsFailed"] as const) {
				expect(bucket?.[count]).toBe(each.flat().reduce((total, one) => total + one[count], 0));
			}
			expect(bucket?.accepted).toBeGreaterThan(0);
			const counts = countStatuses(deliveries.filter(isOf(customerId)));
			expect(await store.statusCounts(scope, null)).toEqual(counts);
			for (const { id } of webhooks.filter((webhook) => webhook.customerId !== customerId)) {
				expect(await store.stats({ ...asked, scope, webhookId: id })).toEqual([]);
				expect(await store.statusCounts(scope, id)).toEqual(countStatuses([]));
			}
		}
		const isWanted = ({ eventId, customerId }: Delivery) =>
			isFor(events.find(({ id }) => id === eventId)!.customers, customerId);
		expect(deliveries.filter((delivery) => !isWanted(delivery))).toEqual([]);
		const filter = { ...EVERYTHING, since: 0, until: Number.MAX_SAFE_INTEGER };
		const count = { webhookId: webhooks[2]?.id ?? "", filter, afterEventId: null, scanLimit: 1_000 };
		const nothing = { matching: 0, newestDate: null, lastEventId: null };
		expect(await store.countReplay({ ...count, scope: readers[1]![1] })).toEqual(nothing);
	});

	it("counts a webhook as failing if its health says so, and from its first exhausted delivery on", async () => {
		const { store, records, projectId, accept, update } = await fillStore(current(), 0);
		const own = customerScope(projectId, "acme");
		const webhook = await addWebhook(store, records.webhook(projectId, { customerId: "acme" }));
		const send = async () => (await accept({ webhookIds: [webhook.id], customers: "acme" }))[0] ?? "";
		const failing = async () => (await store.customer(own))?.failingCount;
		const [id, other] = [await send(), await send()];
		for (let number = 1; number <= 3; number++) await update(records.failure(id, number));
		for (let number = 1; number <= 2; number++) await update(records.failure(other, number));
		expect(await failing()).toBe(0);
		records.now += 300_000;
		expect((await store.reportHealth(records.now, 10)).reports).toHaveLength(1);
		expect(await failing()).toBe(1);
		await update(records.outcome(other, 3));
		expect(await failing()).toBe(0);
		await update(records.outcome(await send(), 1, GONE));
		expect(await failing()).toBe(1);
	});

	it("a scope has nothing of a customer with the same id in another project", async () => {
		const { store, records, projectId, scope, accept, update, addProject } = await fillStore(current(), 0);
		const other = await addProject();
		const theirs = await addWebhook(store, records.webhook(other.id, { customerId: "acme" }));
		const [id = ""] = await accept({ projectId: other.id, webhookIds: [theirs.id], customers: "acme" });
		await update(records.outcome(id, 1));
		const to = Math.ceil(records.now / DAY) * DAY;
		const asked = { width: "day", from: to - DAY, to, webhookId: theirs.id } as const;
		for (const from of [customerScope(projectId, "acme"), scope]) {
			expect(await store.stats({ ...asked, scope: from })).toEqual([]);
			expect(await store.statusCounts(from, theirs.id)).toEqual(countStatuses([]));
			const listed = { ...ANY_DELIVERY, webhookId: theirs.id };
			expect((await store.deliveries(from, listed, NEWEST)).rows).toEqual([]);
		}
		expect(await store.statusCounts(customerScope(other.id, "acme"), theirs.id)).toMatchObject({ Succeeded: 1 });
	});
}

function describePages(current: CurrentStore): void {
	it("no page or cursor of a customer depends on the deliveries of others, however many there are", async () => {
		const { store, records, projectId, scope, accept } = await fillStore(current(), 0);
		const mine = await addWebhook(store, records.webhook(projectId, { customerId: "acme" }));
		const theirs = await addWebhook(store, records.webhook(projectId, { customerId: "globex" }));
		for (let n = 0; n < 8; n++, records.now += 2_000) await accept({ webhookIds: [mine.id], customers: "acme" });
		// More than a page looks at.
		const others = Array.from({ length: 10_100 }, () => theirs.id);
		const wide = { customers: EVERY_CUSTOMER, type: "wide.event" };
		const [ownId] = await accept({ ...wide, webhookIds: [mine.id, ...others] });
		records.now += 2_000;
		await accept({ ...wide, customers: "globex", webhookIds: others });
		const own = customerScope(projectId, "acme");
		const [foreign, event] = (await store.events(scope, { ...ANY_EVENT, types: ["wide.event"] }, NEWEST)).rows;
		const eventId = event?.id ?? "";
		const edges = { hasNewer: false, hasOlder: false };
		for (const filter of [
			{ eventId },
			{ eventId, webhookId: mine.id },
			{ eventTypes: ["wide.event"], webhookId: mine.id },
			{ eventTypes: ["wide.event"] },
		]) {
			const page = await store.deliveries(own, { ...ANY_DELIVERY, ...filter }, { limit: 5, cursor: null });
			expect({ filter, ...page, rows: idsOf(page) }).toEqual({ filter, ...edges, rows: [ownId] });
		}
		const hidden = { ...ANY_DELIVERY, eventId: foreign?.id ?? "" };
		expect(await store.deliveries(own, hidden, NEWEST)).toEqual({ ...edges, rows: [] });
	});

	it("a page of customers with much metadata ends at about 4 MB, and its cursor goes on", async () => {
		const { store, projectId, scope, records } = await fillStore(current(), 0);
		const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key${n}`, "x".repeat(512)]));
		const known = Array.from({ length: 300 }, (_, n) => `c${String(n).padStart(3, "0")}`);
		const options = { at: records.now, entry: null };
		for (const id of known) await store.updateCustomer(customerScope(projectId, id), { metadata }, options);
		for (const [text, expected] of [[null, known] as const, ["c1", known.slice(100, 200)] as const]) {
			const first = await store.customers(scope, text, NEWEST);
			expect(JSON.stringify(first.rows).length).toBeLessThan(4_500_000);
			expect((await pagesOf((page) => store.customers(scope, text, page), 1_000)).flat()).toEqual(expected);
			const last = { direction: "newer", id: "d" } as const;
			const back = await store.customers(scope, text, { limit: 1_000, cursor: last });
			expect(back.rows.at(-1)?.id).toBe(expected.at(-1));
			expect(back.hasNewer).toBe(back.rows.length < expected.length);
		}
	});
}
