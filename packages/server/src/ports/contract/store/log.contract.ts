// The contract of the log slice: filters and lookups.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { DELIVERY_STATUSES, newDelivery, newHeldDelivery, type Attempt } from "../../../core/delivery.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import { eventTypeMatcher } from "../../../core/webhook.ts";
import type { DeliveryUpdate } from "../../store/accept.ts";
import type { CodeRange, DeliveryFilter, LoggedDelivery } from "../../store/log.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_DELIVERY, ANY_EVENT, fillStore, GONE, idsOf, NEWEST, type World } from "./records/records.ts";

const TYPES = ["a.created", "a.deleted"] as const;

export function describeLog(current: CurrentStore): void {
	describeFilters(current);
	describeLookups(current);
	describeAttemptPages(current);
}

function describeFilters(current: CurrentStore): void {
	it("finds deliveries by any combination of filters, newest first", async () => {
		const world = await fillStore(current(), 2);
		const all = await fillLog(world);
		await fc.assert(
			fc.asyncProperty(filters(world, all), fc.integer({ min: 1, max: 40 }), async (filter, limit) => {
				const expected = all.filter((delivery) => matches(delivery, filter)).map(({ id }) => id);
				const page = await world.store.deliveries(world.scope, filter, { limit, cursor: null });
				expect(idsOf(page)).toEqual(expected.slice(0, limit));
				expect(page).toMatchObject({ hasNewer: false, hasOlder: expected.length > limit });
			}),
			{ numRuns: runs(100) },
		);
	});
}

const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };

function describeLookups(current: CurrentStore): void {
	it("finds nothing in another project, by unknown ids, and by texts that are not ids", async () => {
		const { store, scope, webhookId, accept, update, records, addProject } = await fillStore(current());
		const [id = ""] = await accept();
		await update(records.failure(id, 1));
		const eventId = (await store.delivery(scope, id))?.eventId ?? "";
		const other = projectScope((await addProject()).id);
		expect(await store.delivery(other, id)).toBeNull();
		expect(await store.event(other, eventId)).toBeNull();
		for (const filter of [ANY_DELIVERY, { ...ANY_DELIVERY, webhookId }, { ...ANY_DELIVERY, eventId }]) {
			expect((await store.deliveries(other, filter, NEWEST)).rows).toEqual([]);
		}
		expect((await store.events(other, ANY_EVENT, NEWEST)).rows).toEqual([]);
		expect(await store.attempts(other, id, NEWEST)).toEqual(NO_ROWS);
		for (const text of ["", "dlv_", "dlv_zz", id.replace("dlv", "evt"), `${id}0`, id.slice(0, -1)]) {
			expect(await store.delivery(scope, text)).toBeNull();
			expect(await store.event(scope, text)).toBeNull();
			const cursors = [null, { direction: "older", id: "1" }, { direction: "newer", id: "1" }] as const;
			for (const cursor of cursors) expect(await store.attempts(scope, text, { limit: 1, cursor })).toEqual(NO_ROWS);
		}
	});
}

function describeAttemptPages(current: CurrentStore): void {
	function numbers({ rows }: Page<Attempt>): number[] {
		return rows.map(({ number }) => number);
	}

	it("pages through the attempts of a delivery by their numbers, and says whether there are more", async () => {
		const { store, scope, acceptMany, update, records } = await fillStore(current());
		const [id = "", other = ""] = await acceptMany(2);
		const updates = Array.from({ length: 12 }, (_, index) => records.failure(id, index + 1));
		await update(...updates.flatMap((each, index) => [each, records.failure(other, index + 1)]));
		const rows = updates.map(({ attempt }) => ({ ...attempt, endpoint: null })).toReversed();
		expect(await store.attempts(scope, id, NEWEST)).toEqual({ rows, hasNewer: false, hasOlder: false });
		const read = async (cursor: PageRequest["cursor"], limit = 5) => {
			const page = await store.attempts(scope, id, { limit, cursor });
			return [numbers(page), page.hasNewer, page.hasOlder];
		};
		expect(await read(null)).toEqual([[12, 11, 10, 9, 8], false, true]);
		expect(await read(null, 12)).toEqual([[12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], false, false]);
		expect(await read({ direction: "older", id: "8" })).toEqual([[7, 6, 5, 4, 3], true, true]);
		// The row of the cursor itself counts as one on its other side.
		expect(await read({ direction: "older", id: "12" })).toEqual([[11, 10, 9, 8, 7], true, true]);
		expect(await read({ direction: "newer", id: "1" })).toEqual([[6, 5, 4, 3, 2], true, true]);
		expect(await read({ direction: "older", id: "6" })).toEqual([[5, 4, 3, 2, 1], true, false]);
		expect(await read({ direction: "older", id: "1" })).toEqual([[], true, false]);
		expect(await read({ direction: "newer", id: "7" })).toEqual([[12, 11, 10, 9, 8], false, true]);
		expect(await read({ direction: "newer", id: "12" })).toEqual([[], false, true]);
		// A number that no attempt has yet.
		expect(await read({ direction: "older", id: "99" })).toEqual([[12, 11, 10, 9, 8], false, true]);
		// Pages go on behind the same attempt when others were added.
		await update(records.failure(id, 13), records.failure(id, 13));
		expect(await read({ direction: "older", id: "3" })).toEqual([[2, 1], true, false]);
		expect(await read({ direction: "newer", id: "12" })).toEqual([[14, 13], false, true]);
	});

	it("ends a page of attempts early when their responses become large, and skips none", async () => {
		const { store, scope, accept, update, records } = await fillStore(current());
		const [id = ""] = await accept();
		const response = { headers: {}, body: "x".repeat(1_000_000), bodyTruncated: false };
		for (let number = 1; number <= 10; number++) {
			const outcome = records.failure(id, number);
			await update({ ...outcome, attempt: records.attempt(number, { response }) });
		}
		const seen: number[][] = [];
		let page = await store.attempts(scope, id, NEWEST);
		for (seen.push(numbers(page)); page.hasOlder; seen.push(numbers(page))) {
			const last = String(seen.at(-1)?.at(-1));
			page = await store.attempts(scope, id, { limit: 1_000, cursor: { direction: "older", id: last } });
		}
		expect(seen.flat()).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
		for (const each of seen) expect(each.length).toBeLessThan(8);
		const back = await store.attempts(scope, id, { limit: 1_000, cursor: { direction: "newer", id: "1" } });
		expect([numbers(back).at(-1), back.hasNewer]).toEqual([2, true]);
		expect(numbers(back).length).toBeLessThan(8);
	});
}

/** Makes deliveries of two webhooks and two types in every status. Returns them newest first. */
async function fillLog({ store, scope, webhookIds, accept, update, records }: World): Promise<LoggedDelivery[]> {
	const ids: string[] = [];
	for (let n = 0; n < 60; n++) {
		records.now += n % 3;
		const state = n % 7 === 0 ? newHeldDelivery("paused") : newDelivery(records.now, null);
		const [id = ""] = await accept({ type: TYPES[n % 2] ?? "", webhookIds: [webhookIds[(n >> 1) % 2] ?? ""], state });
		if (n % 5 === 1) await update(records.outcome(id, 1));
		if (n % 5 === 2) await update(records.outcome(id, 1, { kind: "success", responseCode: 204 }));
		if (n % 5 === 3) await update(records.outcome(id, 1, GONE));
		if (n % 10 === 4) await update(records.failure(id, 1));
		if (n % 20 === 9) await update(timedOut(records, id, 1), records.failure(id, 2));
		if (n % 20 === 19) await update(records.failure(id, 1), timedOut(records, id, 2));
		if (n % 11 === 5) await update(records.cancel(id));
		ids.unshift(id);
	}
	const { rows } = await store.deliveries(scope, ANY_DELIVERY, NEWEST);
	expect(rows.map(({ id }) => id)).toEqual(ids);
	return [...rows];
}

/** An attempt without a response. */
function timedOut(records: World["records"], id: string, number: number): DeliveryUpdate {
	const verdict = { kind: "failure", responseCode: 0, reason: "no connection", retryAfterMs: null } as const;
	const outcome = records.outcome(id, number, verdict);
	const details = { responseCode: 0, error: "timeout", cause: "connect_timeout", reason: "no connection" } as const;
	return { ...outcome, attempt: records.attempt(number, details) };
}

function filters({ webhookIds, records }: World, all: readonly LoggedDelivery[]): fc.Arbitrary<DeliveryFilter> {
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
		eventTypes: maybe(some("a.*", ...TYPES, "none", "b.*", "a.created.*")),
		statuses: maybe(some(...DELIVERY_STATUSES)),
		responseCodes: maybe(some(...[200, 204, 410, 500, 0].map((code) => ({ from: code, to: code })), CLASS_2, CLASS_4)),
		causes: maybe(some("status_410", "status_5xx", "connect_timeout", "refused")),
		updatedAfter: maybe(time),
		updatedBefore: maybe(time),
		after: maybe(time),
		before: maybe(time),
	});
}

const CLASS_2 = { from: 200, to: 299 };
const CLASS_4 = { from: 400, to: 499 };

function some<T>(...entries: readonly T[]): fc.Arbitrary<T[]> {
	return fc.uniqueArray(fc.constantFrom(...entries), { minLength: 1, maxLength: 3 });
}

function isIn({ from, to }: CodeRange, code: number | null): boolean {
	return code !== null && code >= from && code <= to;
}

function matches(delivery: LoggedDelivery, filter: DeliveryFilter): boolean {
	return (
		(filter.updatedAfter === null || delivery.updateDate >= filter.updatedAfter) &&
		(filter.updatedBefore === null || delivery.updateDate < filter.updatedBefore) &&
		(filter.webhookId === null || filter.webhookId === delivery.webhookId) &&
		(filter.eventId === null || filter.eventId === delivery.eventId) &&
		(filter.eventTypes === null || eventTypeMatcher(filter.eventTypes)(delivery.eventType)) &&
		(filter.statuses === null || filter.statuses.includes(delivery.status)) &&
		(filter.responseCodes === null || filter.responseCodes.some((range) => isIn(range, delivery.responseCode))) &&
		(filter.causes === null || filter.causes.some((cause) => cause === delivery.lastAttempt?.cause)) &&
		(filter.after === null || filter.after <= delivery.createDate) &&
		(filter.before === null || filter.before > delivery.createDate)
	);
}
