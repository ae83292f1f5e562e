// The contract of the log slice: filters and lookups.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { newDelivery, newHeldDelivery, type Delivery } from "../../../core/delivery.ts";
import type { DeliveryFilter } from "../../store/log.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_DELIVERY, fillStore, idsOf, NEWEST, type World } from "./records/records.ts";

const TYPES = ["a.created", "a.deleted"] as const;

export function describeLog(current: CurrentStore): void {
	describeFilters(current);
	describeLookups(current);
}

function describeFilters(current: CurrentStore): void {
	it("lists deliveries newest first", async () => {
		const { store, scope, accept } = await fillStore(current());
		const ids: string[] = [];
		for (let n = 0; n < 3; n++) ids.push(...(await accept()));
		expect(idsOf(await store.deliveries(scope, ANY_DELIVERY, NEWEST))).toEqual(ids.toReversed());
	});

	it("finds deliveries by any combination of filters", async () => {
		const world = await fillStore(current(), 2);
		const all = await fillLog(world);
		await fc.assert(
			fc.asyncProperty(filters(world, all), fc.integer({ min: 1, max: 40 }), async (filter, limit) => {
				const expected = all.filter((delivery) => matches(delivery, filter)).map(({ id }) => id);
				const page = await world.store.deliveries(world.scope, filter, { limit, cursor: null });
				expect(idsOf(page)).toEqual(expected.slice(0, limit));
				expect(page).toMatchObject({ hasNewer: false, hasOlder: expected.length > limit });
			}),
			{ numRuns: 150 },
		);
	});

	it("includes the start of a time range and excludes its end", async () => {
		const { store, scope, accept, records } = await fillStore(current());
		const start = records.now;
		const ids: string[] = [];
		for (let n = 0; n < 4; n++, records.now += 10) ids.push(...(await accept()));
		const between = { after: start + 10, before: start + 30 };
		expect(idsOf(await store.deliveries(scope, { ...ANY_DELIVERY, ...between }, NEWEST))).toEqual([ids[2], ids[1]]);
		const events = await store.events(scope, { type: null, ...between }, NEWEST);
		expect(events.rows.map(({ createDate }) => createDate)).toEqual([start + 20, start + 10]);
	});

	it("filters events by type", async () => {
		const { store, scope, accept } = await fillStore(current());
		for (const type of ["a.b", "a.bc", "a.b"]) await accept({ type });
		const page = await store.events(scope, { type: "a.b", after: null, before: null }, NEWEST);
		expect(page.rows.map(({ type }) => type)).toEqual(["a.b", "a.b"]);
	});
}

function describeLookups(current: CurrentStore): void {
	it("shows a project no rows of another project", async () => {
		const { store, scope, webhookId, accept, records } = await fillStore(current());
		const [id = ""] = await accept();
		const eventId = (await store.delivery(scope, id))?.eventId ?? "";
		const other = records.project();
		await store.insertProject(other, null);
		const otherScope = projectScope(other.id);
		expect(await store.delivery(otherScope, id)).toBeNull();
		expect(await store.event(otherScope, eventId)).toBeNull();
		for (const filter of [ANY_DELIVERY, { ...ANY_DELIVERY, webhookId }, { ...ANY_DELIVERY, eventId }]) {
			expect((await store.deliveries(otherScope, filter, NEWEST)).rows).toEqual([]);
		}
		expect((await store.events(otherScope, { type: null, after: null, before: null }, NEWEST)).rows).toEqual([]);
	});

	it("finds nothing for unknown ids and for texts that are not ids", async () => {
		const { store, scope, accept } = await fillStore(current());
		const [id = ""] = await accept();
		for (const text of ["", "dlv_", "dlv_zz", id.replace("dlv", "evt"), `${id}0`, id.slice(0, -1)]) {
			expect(await store.delivery(scope, text)).toBeNull();
			expect(await store.event(scope, text)).toBeNull();
			expect(await store.attempts(text)).toEqual([]);
		}
	});

	it("lists attempts in the order of their numbers", async () => {
		const { store, accept, update, records } = await fillStore(current());
		const [id = ""] = await accept();
		const updates = [1, 2, 3].map((number) => records.failure(id, number));
		await update(...updates);
		expect(await store.attempts(id)).toEqual(updates.map(({ attempt }) => attempt));
	});
}

/** Makes deliveries of two webhooks and two types in every status. Returns them newest first. */
async function fillLog({ store, scope, webhookIds, accept, update, records }: World): Promise<Delivery[]> {
	for (let n = 0; n < 60; n++) {
		records.now += n % 3;
		const state = n % 7 === 0 ? newHeldDelivery("paused") : newDelivery(records.now, null);
		const [id = ""] = await accept({ type: TYPES[n % 2] ?? "", webhookIds: [webhookIds[(n >> 1) % 2] ?? ""], state });
		if (n % 5 === 1) await update(records.outcome(id, 1));
		if (n % 5 === 2) await update(records.outcome(id, 1, { kind: "success", responseCode: 204 }));
		if (n % 5 === 3) await update(records.outcome(id, 1, { kind: "gone", responseCode: 410 }));
		if (n % 10 === 4) await update(records.failure(id, 1));
		if (n % 11 === 5) {
			await update({ deliveryId: id, change: { type: "cancel", reason: "by hand" }, attempt: null, at: records.now });
		}
	}
	return [...(await store.deliveries(scope, ANY_DELIVERY, NEWEST)).rows];
}

function filters({ webhookIds, records }: World, all: readonly Delivery[]): fc.Arbitrary<DeliveryFilter> {
	const eventIds = all.filter((_, index) => index % 20 === 0).map(({ eventId }) => eventId);
	const unknown = records.ids.make("webhook", records.now);
	const oldest = all.at(-1)?.createDate ?? 0;
	const time = fc.integer({ min: oldest - 2, max: records.now + 2 });
	const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 1, nil: null });
	return fc.record({
		webhookId: maybe(fc.constantFrom(...webhookIds, unknown)),
		eventId: fc.oneof(
			{ weight: 4, arbitrary: fc.constant(null) },
			{ weight: 1, arbitrary: fc.constantFrom(...eventIds) },
		),
		eventType: maybe(fc.constantFrom(...TYPES, "none")),
		status: maybe(fc.constantFrom("Pending", "Succeeded", "Failed", "Held", "Cancelled")),
		responseCode: maybe(fc.constantFrom(200, 204, 410, 500, 0)),
		after: maybe(time),
		before: maybe(time),
	});
}

function matches(delivery: Delivery, filter: DeliveryFilter): boolean {
	return (
		(filter.webhookId === null || filter.webhookId === delivery.webhookId) &&
		(filter.eventId === null || filter.eventId === delivery.eventId) &&
		(filter.eventType === null || filter.eventType === delivery.eventType) &&
		(filter.status === null || filter.status === delivery.status) &&
		(filter.responseCode === null || filter.responseCode === delivery.responseCode) &&
		(filter.after === null || filter.after <= delivery.createDate) &&
		(filter.before === null || filter.before > delivery.createDate)
	);
}
