// The contract of scopes: in the scope of a customer, every read finds what belongs to the customer, and nothing else.
import { expect, it } from "vitest";

import { EVERY_CUSTOMER, isFor, type EventCustomers } from "../../../core/access/customer.ts";
import { customerScope, projectScope } from "../../../core/access/principal.ts";
import { DELIVERY_STATUSES, type Delivery } from "../../../core/delivery.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import type { EventDelivery, LoggedEvent } from "../../store/log.ts";
import type { Store } from "../../store/store.ts";
import { ANY_CHANGE } from "./records/logged.ts";
import {
	addWebhook,
	ANY_DELIVERY,
	changeWebhook,
	fillStore,
	idsOf,
	NEWEST,
	type CurrentStore,
} from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";
import { countStatuses } from "./records/statuses.ts";
import { LATE } from "./records/two-days.ts";
import { ANY_WEBHOOK } from "./records/webhooks.ts";

/** A project that no store has. */
const OTHER_PROJECT = "proj_00000000000000000000000000000000";
const CUSTOMERS = ["acme", "globex", "initech"] as const;
const FOR: readonly EventCustomers[] = [
	null,
	"acme",
	"globex",
	"initech",
	["acme", "initech"],
	["globex"],
	EVERY_CUSTOMER,
	"nobody",
];
const ANY_EVENT = { types: null, after: null, before: null };

async function allRecords(store: Pick<Store, "webhookSummaries" | "webhookRecords">) {
	const summaries = await store.webhookSummaries(null, 1_000);
	return store.webhookRecords(summaries.map(({ id }) => id));
}

/**
 * A project with two webhooks of each customer and two of its own, and events for all kinds of customers, whose deliveries
 * have all statuses. One webhook of each customer is deleted. Replays have made more deliveries.
 */
async function openWorld(current: CurrentStore) {
	const world = await openReplayWorld(current, 2);
	const { store, records, projectId, scope } = world;
	const own = (await allRecords(store)).filter((record) => record.projectId === projectId);
	const webhooks: WebhookRecord[] = [...own];
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
			if (step === 2) return [records.failure(id, 1)];
			return [records.outcome(id, 1, { kind: "gone", responseCode: 410 })];
		});
		if (updates.length > 0) await world.update(...updates);
	}
	for (const webhook of webhooks.slice(2)) {
		const changes = { webhookId: webhook.id, customerId: webhook.customerId };
		const replay = await world.begin({ outcomes: ["Missed"], until: records.now + 1 }, changes);
		await world.step(replay);
	}
	for (const webhook of webhooks.slice(-3)) await changeWebhook(store, webhook, { deleteDate: records.now });
	const { rows: deliveries } = await store.deliveries(scope, ANY_DELIVERY, NEWEST);
	const { rows: events } = await store.events(scope, ANY_EVENT, NEWEST);
	return { ...world, webhooks, deliveries, events };
}

type CustomerWorld = Awaited<ReturnType<typeof openWorld>>;

/** Reads all pages, forwards and back. Every page but the last may be short. */
async function readAll(read: (page: PageRequest) => Promise<Page<{ readonly id: string }>>, limit: number) {
	const ids: string[] = [];
	let cursor: PageRequest["cursor"] = null;
	for (;;) {
		const page: Page<{ readonly id: string }> = await read({ limit, cursor });
		ids.push(...idsOf(page));
		const last = page.stoppedAt ?? page.rows.at(-1)?.id;
		if (!page.hasOlder || last === undefined) return ids;
		cursor = { direction: "older", id: last };
	}
}

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
	it("finds deliveries by the tag of their events, also those that replays have made", async () => {
		const world = await openWorld(current);
		const { store, scope, events, deliveries, webhooks } = world;
		for (const tag of ["often", "once", "none"]) {
			const tagged = new Set(events.filter(({ tags }) => tags.includes(tag)).map(({ id }) => id));
			const found = deliveries.filter(({ eventId }) => tagged.has(eventId));
			if (tag !== "none") expect(found.some(({ trigger }) => trigger === "replay")).toBe(true);
			for (const more of [{}, { customerId: "acme" }, ...webhooks.map(({ id }) => ({ webhookId: id }))]) {
				const filter = { ...ANY_DELIVERY, tag, ...more };
				const of = { customerId: null, webhookId: null, ...more };
				const expected = found.filter(
					({ customerId, webhookId }) =>
						(of.customerId === null || of.customerId === customerId) &&
						(of.webhookId === null || of.webhookId === webhookId),
				);
				const ids = await readAll((page) => store.deliveries(scope, filter, page), 7);
				expect(ids).toEqual(expected.map(({ id }) => id));
				expect(await store.countDeliveries(scope, filter, null)).toMatchObject({ count: expected.length });
				const changed = await store.changedDeliveries(
					scope,
					{ ...ANY_CHANGE, tag, ...more, statuses: ["Failed", "Cancelled"] },
					NEWEST,
				);
				const ended = expected.filter(({ status }) => status === "Failed" || status === "Cancelled");
				expect(changed.rows.map(({ delivery }) => delivery.id).toSorted()).toEqual(
					ended.map(({ id }) => id).toSorted(),
				);
			}
		}
	});

	it("a customer's scope has the deliveries of its webhooks, deleted ones too, in every list and page", async () => {
		const world = await openWorld(current);
		const { store, projectId, scope, deliveries, webhooks } = world;
		for (const customerId of CUSTOMERS) {
			const own = customerScope(projectId, customerId);
			const expected = deliveries.filter((delivery) => delivery.customerId === customerId);
			expect(expected.length).toBeGreaterThan(10);
			expect((await store.deliveries(own, ANY_DELIVERY, NEWEST)).rows).toEqual(expected);
			for (const limit of [1, 7]) {
				const ids = await readAll((page) => store.deliveries(own, ANY_DELIVERY, page), limit);
				expect(ids).toEqual(expected.map(({ id }) => id));
			}
			const filters = [
				...DELIVERY_STATUSES.map((status) => ({ statuses: [status] })),
				{ statuses: DELIVERY_STATUSES },
				{ responseCodes: [{ from: 400, to: 499 }] },
				{ responseCodes: [{ from: 0, to: 204 }] },
				{ causes: ["status_410" as const] },
				{ eventTypes: ["a.*"] },
				{ tag: "often" },
				{ tag: "once" },
				{ eventTypes: ["a.b"], statuses: ["Succeeded" as const] },
				{ updatedAfter: world.records.now - 20, updatedBefore: world.records.now },
				...webhooks.map(({ id }) => ({ webhookId: id })),
				...deliveries.slice(0, 6).map(({ eventId }) => ({ eventId })),
			];
			for (const filter of filters) {
				const wanted = { ...ANY_DELIVERY, ...filter };
				const all = (await store.deliveries(scope, wanted, NEWEST)).rows;
				const ids = await readAll((page) => store.deliveries(own, wanted, page), 5);
				expect(ids).toEqual(all.filter((one) => one.customerId === customerId).map(({ id }) => id));
				expect(await store.countDeliveries(own, wanted, null)).toEqual({
					count: ids.length,
					goesOnAt: null,
					scannedTo: null,
				});
			}
			for (const delivery of deliveries) {
				const found = await store.delivery(own, delivery.id);
				expect(found).toEqual(delivery.customerId === customerId ? delivery : null);
			}
		}
	});

	it("counts the deliveries of each event by status, those of replays too", async () => {
		const { events, deliveries } = await openWorld(current);
		const counted = events.map((event) => [event.id, event.deliveries]);
		const listed = events.map(({ id }) => [id, countStatuses(deliveries.filter(({ eventId }) => eventId === id))]);
		expect(counted).toEqual(listed);
	});

	it("a customer sees an event only through its deliveries, with their number, and no other customer of it", async () => {
		const world = await openWorld(current);
		const { store, projectId, events } = world;
		for (const customerId of CUSTOMERS) {
			const own = customerScope(projectId, customerId);
			const expected = eventsOf(world, customerId);
			expect((await store.events(own, ANY_EVENT, NEWEST)).rows).toEqual(expected);
			for (const limit of [1, 4]) {
				const ids = await readAll((page) => store.events(own, ANY_EVENT, page), limit);
				expect(ids).toEqual(expected.map(({ id }) => id));
			}
			const typed = await store.events(own, { ...ANY_EVENT, types: ["a.b"] }, NEWEST);
			expect(typed.rows).toEqual(expected.filter(({ type }) => type === "a.b"));
			const byOther = { ...ANY_EVENT, customerId: CUSTOMERS.find((other) => other !== customerId) ?? null };
			expect((await store.events(own, byOther, NEWEST)).rows).toEqual([]);
			for (const event of events) {
				const seen = expected.find(({ id }) => id === event.id) ?? null;
				expect(await store.event(own, event.id)).toEqual(seen);
				expect((await store.eventBody(own, event.id)) === null).toBe(seen === null);
			}
		}
	});

	it("a customer's scope has the changes and attempts of its own deliveries, and not how their events were sent", async () => {
		const world = await openWorld(current);
		const { store, projectId, scope, deliveries, webhooks, events } = world;
		for (const customerId of CUSTOMERS) {
			const own = customerScope(projectId, customerId);
			for (const status of ["Failed", "Held", "Cancelled"] as const) {
				for (const webhookId of [null, ...webhooks.map(({ id }) => id)]) {
					const filter = { ...ANY_CHANGE, statuses: [status], webhookId } as const;
					const all = (await store.changedDeliveries(scope, filter, NEWEST)).rows;
					const expected = all.filter(({ delivery }) => delivery.customerId === customerId);
					expect((await store.changedDeliveries(own, filter, NEWEST)).rows).toEqual(expected);
				}
			}
			for (const delivery of deliveries) {
				const all = (await store.attempts(scope, delivery.id, NEWEST)).rows;
				const expected = delivery.customerId === customerId ? all : [];
				expect((await store.attempts(own, delivery.id, NEWEST)).rows).toEqual(expected);
			}
			const seen = new Set(eventsOf(world, customerId).map(({ id }) => id));
			for (const { id } of events) {
				const nothing = { idempotencyKey: null, targets: null, traceparent: null };
				expect(await store.eventDetails(own, id)).toEqual(seen.has(id) ? nothing : null);
			}
		}
	});

	it("finds the deliveries of an event to some webhooks: of a customer's scope, to those of the customer", async () => {
		const { store, projectId, scope, deliveries, webhooks, events } = await openWorld(current);
		const ids = webhooks.map(({ id }) => id);
		const ordered = (list: readonly EventDelivery[] | null) =>
			list?.toSorted((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1)) ?? null;
		const found = new Set<boolean>();
		for (const customerId of [null, ...CUSTOMERS]) {
			const reader = customerId === null ? scope : customerScope(projectId, customerId);
			for (const { id } of events) {
				const isSeen = (await store.event(reader, id)) !== null;
				const own = deliveries.filter(
					(one) => one.eventId === id && (customerId === null || one.customerId === customerId),
				);
				const shown = own.map((one) => ({ webhookId: one.webhookId, deliveryId: one.id, status: one.status }));
				const all = ordered(await store.eventDeliveries(reader, id, ids));
				const plain = all?.map(({ isReplayed, ...rest }) => (found.add(isReplayed), rest)) ?? null;
				expect(plain).toEqual(isSeen ? shown.toSorted((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1)) : null);
				const [first = ""] = ids;
				const one = ordered(await store.eventDeliveries(reader, id, [first]));
				expect(one).toEqual(all?.filter(({ webhookId }) => webhookId === first) ?? null);
			}
		}
		expect(found).toEqual(new Set([true, false]));
		const [{ id: eventId } = { id: "" }] = events;
		expect(await store.eventDeliveries(scope, eventId, [])).toEqual([]);
		expect(await store.eventDeliveries(projectScope(OTHER_PROJECT), eventId, ids)).toBeNull();
	});

	it("a filter by customer finds the events that are for the customer, as they are", async () => {
		const { store, scope, events } = await openWorld(current);
		for (const customerId of [...CUSTOMERS, "nobody", "unknown"]) {
			const filter = { ...ANY_EVENT, customerId };
			const expected = events.filter(({ customers }) => customers !== null && isFor(customers, customerId));
			expect((await store.events(scope, filter, NEWEST)).rows).toEqual(expected);
			expect(await readAll((page) => store.events(scope, filter, page), 3)).toEqual(expected.map(({ id }) => id));
		}
	});

	it("a replay to a customer's webhook looks at no event that is for others only", async () => {
		const { store, events, deliveries, projectId, webhooks } = await openWorld(current);
		for (const customerId of CUSTOMERS) {
			const forCustomer = events.filter(({ customers }) => isFor(customers, customerId)).length;
			const { rows } = await store.replays(customerScope(projectId, customerId), null, NEWEST);
			expect(rows.map((replay) => [replay.customerId, replay.status, replay.scannedCount])).toEqual([
				[customerId, "Finished", forCustomer],
				[customerId, "Finished", forCustomer],
			]);
			for (const { id, webhookId } of rows) {
				for (const other of CUSTOMERS) {
					const scope = customerScope(projectId, other);
					expect((await store.replay(scope, id))?.id).toBe(other === customerId ? id : undefined);
					const listed = await store.replays(scope, webhookId, NEWEST);
					expect(idsOf(listed)).toEqual(other === customerId ? [id] : []);
				}
			}
		}
		const isWanted = ({ eventId, customerId }: Delivery) => {
			const event = events.find(({ id }) => id === eventId);
			return event !== undefined && isFor(event.customers, customerId);
		};
		expect(deliveries.filter((delivery) => !isWanted(delivery))).toEqual([]);
		const [, , webhook] = webhooks;
		const filter = { since: 0, until: Number.MAX_SAFE_INTEGER, eventTypes: null, missedEventTypes: null };
		const count = {
			scope: customerScope(projectId, "globex"),
			webhookId: webhook?.id ?? "",
			filter: { ...filter, outcomes: ["Missed", "Succeeded", "Failed", "Cancelled"] as const },
			afterEventId: null,
			scanLimit: 1_000,
		};
		expect(await store.countReplay(count)).toEqual({ matching: 0, newestDate: null, lastEventId: null });
	});

	it("the stats of a customer are the sum of its webhooks' stats", async () => {
		const { store, records, projectId, deliveries, webhooks } = await openWorld(current);
		const to = Math.ceil(records.now / 86_400_000) * 86_400_000;
		const asked = { width: "day", from: to - 86_400_000, to } as const;
		for (const customerId of CUSTOMERS) {
			const scope = customerScope(projectId, customerId);
			const own = webhooks.filter((webhook) => webhook.customerId === customerId);
			const each = await Promise.all(own.map(({ id }) => store.stats({ ...asked, scope, webhookId: id })));
			const sum = (count: "accepted" | "succeeded" | "exhausted" | "attemptsFailed") =>
				each.flat().reduce((total, bucket) => total + bucket[count], 0);
			const [bucket] = await store.stats({ ...asked, scope, webhookId: null });
			expect(bucket).toMatchObject({
				accepted: sum("accepted"),
				succeeded: sum("succeeded"),
				exhausted: sum("exhausted"),
				attemptsFailed: sum("attemptsFailed"),
			});
			expect(sum("accepted")).toBeGreaterThan(0);
			expect(await store.statusCounts(scope, null)).toEqual(
				countStatuses(deliveries.filter((delivery) => delivery.customerId === customerId)),
			);
			for (const { id } of webhooks.filter((webhook) => webhook.customerId !== customerId)) {
				expect(await store.stats({ ...asked, scope, webhookId: id })).toEqual([]);
				expect(await store.statusCounts(scope, id)).toEqual(countStatuses([]));
			}
		}
	});

	it("lists the webhooks of a customer that are not deleted", async () => {
		const { store, projectId, webhooks } = await openWorld(current);
		for (const customerId of CUSTOMERS) {
			const own = webhooks.slice(0, -3).filter((webhook) => webhook.customerId === customerId);
			const { rows } = await store.webhooks(customerScope(projectId, customerId), ANY_WEBHOOK, NEWEST);
			expect(rows.map(({ id }) => id)).toEqual(own.map(({ id }) => id));
		}
	});

	it("a purge deletes what names the customers of an event together with it", async () => {
		const { store, records, projectId, scope, accept } = await openReplayWorld(current);
		await accept({ customers: ["acme", "globex"], webhookIds: [] });
		records.now += 10_000;
		await store.purgeEvents({ projectId, at: LATE, before: records.now, after: null, limit: 100 });
		await accept({ customers: ["acme"], webhookIds: [] });
		const { rows } = await store.events(scope, { ...ANY_EVENT, customerId: "acme" }, NEWEST);
		expect(rows).toMatchObject([{ customers: ["acme"] }]);
	});

	it("no page or cursor of a customer depends on the deliveries of others, however many there are", async () => {
		const world = await fillStore(current(), 0);
		const { store, records, projectId, accept } = world;
		const [mine, theirs] = [
			await addWebhook(store, records.webhook(projectId, { customerId: "acme" })),
			await addWebhook(store, records.webhook(projectId, { customerId: "globex" })),
		];
		for (let n = 0; n < 8; n++, records.now += 2_000) await accept({ webhookIds: [mine.id], customers: "acme" });
		// More than a page looks at.
		const others = Array.from({ length: 10_100 }, () => theirs.id);
		const wide = { customers: EVERY_CUSTOMER, type: "wide.event" };
		const [ownId] = await accept({ ...wide, webhookIds: [mine.id, ...others] });
		records.now += 2_000;
		await accept({ ...wide, customers: "globex", webhookIds: others });
		const own = customerScope(projectId, "acme");
		const [event, foreign] = (
			await store.events(world.scope, { ...ANY_EVENT, types: ["wide.event"] }, NEWEST)
		).rows.toReversed();
		for (const filter of [
			{ eventId: event?.id ?? "" },
			{ eventId: event?.id ?? "", webhookId: mine.id },
			{ eventTypes: ["wide.event"], webhookId: mine.id },
			{ eventTypes: ["wide.event"] },
		]) {
			const { rows, ...edges } = await store.deliveries(
				own,
				{ ...ANY_DELIVERY, ...filter },
				{ limit: 5, cursor: null },
			);
			expect({ filter, ids: rows.map(({ id }) => id), ...edges }).toEqual({
				filter,
				ids: [ownId],
				hasNewer: false,
				hasOlder: false,
			});
		}
		const hidden = { ...ANY_DELIVERY, eventId: foreign?.id ?? "" };
		expect(await store.deliveries(own, hidden, NEWEST)).toEqual({ rows: [], hasNewer: false, hasOlder: false });
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
		await update(records.outcome(await send(), 1, { kind: "gone", responseCode: 410 }));
		expect(await failing()).toBe(1);
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
			expect(await readAll((page) => store.customers(scope, text, page), 1_000)).toEqual(expected);
			const last = { direction: "newer", id: "d" } as const;
			const back = await store.customers(scope, text, { limit: 1_000, cursor: last });
			expect(back.rows.at(-1)?.id).toBe(expected.at(-1));
			expect(back.hasNewer).toBe(back.rows.length < expected.length);
		}
	});

	it("a scope has nothing of a customer with the same id in another project", async () => {
		const { store, records, projectId, scope, accept, update } = await fillStore(current(), 0);
		const other = records.project();
		await store.insertProject(other, null);
		const theirs = await addWebhook(store, records.webhook(other.id, { customerId: "acme" }));
		const sent = { projectId: other.id, webhookIds: [theirs.id], customers: "acme" };
		const [id = ""] = await accept(sent);
		await update(records.outcome(id, 1));
		const to = Math.ceil(records.now / 86_400_000) * 86_400_000;
		const asked = { width: "day", from: to - 86_400_000, to, webhookId: theirs.id } as const;
		for (const from of [customerScope(projectId, "acme"), scope]) {
			expect(await store.stats({ ...asked, scope: from })).toEqual([]);
			expect(await store.statusCounts(from, theirs.id)).toEqual(countStatuses([]));
			const listed = { ...ANY_DELIVERY, webhookId: theirs.id };
			expect((await store.deliveries(from, listed, NEWEST)).rows).toEqual([]);
		}
		expect(await store.statusCounts(customerScope(other.id, "acme"), theirs.id)).toMatchObject({ Succeeded: 1 });
	});
}
