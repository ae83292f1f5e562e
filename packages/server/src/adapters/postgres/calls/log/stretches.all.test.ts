// Pages of a log of many days: their statements are planned for the days next to the place where a page begins, and for more only if those
// have too few rows. Planning for all days takes longer than most pages need for their rows.
import { afterAll, beforeAll, expect, it } from "vitest";

import { customerScope } from "../../../../core/access/principal.ts";
import { decodeCursor, pageCursors, type Page, type PageRequest } from "../../../../core/page.ts";
import { addWebhook, ANY_DELIVERY, fillStore, type World } from "../../../../ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../../../ports/store/log.ts";
import { systemClock } from "../../../system/system-clock.ts";
import { firstUuidAt, idOf, uuidOf } from "../../codec/ids.ts";
import { Database } from "../../connection/database.ts";
import { CountingDatabase } from "../../test/counting-database.ts";
import { expectWalks } from "../../test/expect-walks.ts";
import { fillLog } from "../../test/fill-log.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";
import { STEADY } from "../../test/test-store.ts";
import { createDeliveryLists } from "./deliveries/deliveries.ts";
import { createEventPage } from "./events/events.ts";

const DAY_MS = 86_400_000;
const DAYS = 40;
const PER_DAY = 50;
const COUNT = DAYS * PER_DAY;
/** So little that pages of few rows end early. */
const SMALL_BUDGET = 100;
const ANY_EVENT = { types: null, after: null, before: null };
/** The two days before a place may lie in three, and there are partitions of the days to come. */
const NEAR_DAYS = 4;

describeOnPostgres("a log of forty days", { settings: STEADY }, (test) => {
	let world: World;
	let database: CountingDatabase;
	beforeAll(async () => {
		world = await fillStore(await test.openEmpty(), 2);
		database = new CountingDatabase({ url: test.url, clock: systemClock });
		const { store, records, projectId, webhookIds: others } = world;
		const webhookIds = [...others];
		for (let n = 0; n < 3; n++) {
			webhookIds.push((await addWebhook(store, records.webhook(projectId, { customerId: "acme" }))).id);
		}
		const start = Date.now() - DAYS * DAY_MS;
		await fillLog(database, { projectId, webhookIds, count: COUNT, start, days: DAYS });
		await test.server.query("VACUUM ANALYZE", test.url);
	});
	afterAll(() => database.close());

	/** The days of the tables that each plan since the last call names. */
	const days = (table: string): number[] =>
		database.plans
			.splice(0)
			.map((plan) => new Set(plan.match(new RegExp(`\\b${table}_\\d{8}\\b`, "g"))).size)
			.filter((count) => count > 0);
	const deliveries = (filter: Partial<DeliveryFilter>, request: PageRequest, budget?: number) =>
		createDeliveryLists(database, budget).deliveries(world.scope, { ...ANY_DELIVERY, ...filter }, request);

	it("plans the first page, and one deep inside, for a few days", async () => {
		const first = await deliveries({}, { limit: 20, cursor: null });
		expect(first.rows).toHaveLength(20);
		const nearFirst = days("deliveries");
		expect(nearFirst).toHaveLength(1);
		expect(Math.max(...nearFirst)).toBeLessThanOrEqual(NEAR_DAYS);
		const middle = await deliveries({ before: Date.now() - 20 * DAY_MS }, { limit: 20, cursor: null });
		expect(middle.rows).toHaveLength(20);
		expect(Math.max(...days("deliveries"))).toBeLessThanOrEqual(NEAR_DAYS);
		for (const direction of ["older", "newer"] as const) {
			const page = await deliveries({}, { limit: 20, cursor: { direction, id: middle.rows[5]!.id } });
			expect(page.rows).toHaveLength(20);
			// And what is behind the cursor.
			const near = days("deliveries");
			expect(near).toHaveLength(2);
			expect(Math.max(...near)).toBeLessThanOrEqual(NEAR_DAYS);
		}
		const events = await createEventPage(database)(world.scope, ANY_EVENT, { limit: 20, cursor: null });
		expect(events.rows).toHaveLength(20);
		expect(Math.max(...days("events"))).toBeLessThanOrEqual(NEAR_DAYS);
	});

	it("plans failures for each day once, whatever their statuses, and tags for the same days", async () => {
		const failed = await deliveries({ causes: ["status_5xx", "timed_out"], tag: "often" }, { limit: 3, cursor: null });
		expect(failed.rows).toHaveLength(3);
		const [plan = "", ...others] = database.plans.splice(0);
		expect(others).toEqual([]);
		const scans = plan.match(/ on deliveries_\d{8}/g) ?? [];
		expect(scans).toHaveLength(new Set(scans).size);
		// For deliveries that wait, and for those that have ended.
		const tags = plan.match(/ on event_tags_\d{8}/g) ?? [];
		expect(tags.length).toBeGreaterThan(0);
		expect(tags.length).toBeLessThanOrEqual(2 * NEAR_DAYS);
	});

	it.each([
		["and plans for their days and the near ones alone, if they are few", 10, true],
		["and plans for all days, if they are many", 30, false],
	])("finds what a replay has made of events of long ago by their tag, %s", async (_name, count, isNear) => {
		const limit = count + 10;
		const old = await deliveries({ before: Date.now() - 35 * DAY_MS }, { limit: count, cursor: null });
		const events = old.rows.map(({ eventId }) => uuidOf("evt", eventId));
		const replayed = events.map((_, n) => firstUuidAt(Date.now() - 60_000 + n).replace(/0$/, "1"));
		await database.transact(async (session) => {
			await session.query(
				`INSERT INTO deliveries (id, project_id, webhook_id, event_id, event_type, shard, status, attempt_count, auto_attempt_count,
				trigger, response_code, cause, is_replayed, create_date, update_date)
			SELECT made.id, project_id, webhook_id, event_id, event_type, shard, 1, 1, 1, trigger, 200, 0, TRUE, create_date, update_date
			FROM unnest($1::uuid[], $2::uuid[]) made(id, event) JOIN deliveries d ON d.event_id = made.event`,
				[replayed, events],
			);
		});
		const made = replayed.map((id) => idOf("dlv", id));
		try {
			const all = await deliveries({}, { limit: count, cursor: null });
			expect(all.rows.map(({ id }) => id)).toEqual(made.toReversed());
			database.plans.length = 0;
			const tagged = await deliveries({ tag: "often" }, { limit, cursor: null });
			expect(Math.max(...days("event_tags")) <= NEAR_DAYS).toBe(isNear);
			const found = tagged.rows.map(({ id }) => id).filter((id) => made.includes(id));
			// Each second event has the tag.
			expect(found).toHaveLength(events.length / 2);
			expect(tagged.rows).toHaveLength(limit);
			const sent = tagged.rows.filter(({ id }) => !made.includes(id));
			const plain = await deliveries({ tag: "often", before: Date.now() - 120_000 }, { limit, cursor: null });
			expect(sent).toEqual(plain.rows.slice(0, sent.length));
			// Those that have no tag take no place on a page, and cursors go on behind those that have it.
			const ids = tagged.rows.map(({ id }) => id);
			const first = await deliveries({ tag: "often" }, { limit: 3, cursor: null });
			expect(first.rows.map(({ id }) => id)).toEqual(ids.slice(0, 3));
			const cursor = { direction: "older", id: ids[2]! } as const;
			const next = await deliveries({ tag: "often" }, { limit: 5, cursor });
			expect(next.rows.map(({ id }) => id)).toEqual(ids.slice(3, 8));
		} finally {
			await database.transact((session) =>
				session.query("DELETE FROM deliveries WHERE id = ANY($1::uuid[])", [replayed]),
			);
		}
	});

	it("plans no stretches of the time to come", async () => {
		const first = await deliveries({}, { limit: 20, cursor: null });
		database.plans.length = 0;
		const cursor = { direction: "newer", id: first.rows[5]!.id } as const;
		const newer = await deliveries({}, { limit: 20, cursor });
		expect(newer.rows).toEqual(first.rows.slice(0, 5));
		// And what is behind the cursor.
		expect(database.plans.splice(0)).toHaveLength(2);
		const before = Date.now() + 100 * DAY_MS;
		expect((await deliveries({ before }, { limit: 20, cursor: null })).rows).toEqual(first.rows);
		expect(database.plans.splice(0)).toHaveLength(1);
	});

	it("is walked along in both directions by a customer of several webhooks, in pages that end early", async () => {
		const filter = { ...ANY_DELIVERY, eventTypes: ["user.*"] };
		const acme = customerScope(world.projectId, "acme");
		const plain = new Database({ url: test.url, clock: systemClock });
		const whole = await createDeliveryLists(plain, 100_000).deliveries(acme, filter, { limit: 1_000, cursor: null });
		// Three of five webhooks, and one of three types.
		expect(whole.rows).toHaveLength(COUNT / 5);
		const lists = createDeliveryLists(plain, SMALL_BUDGET);
		const ids = whole.rows.map(({ id }) => id);
		await expectWalks((page) => lists.deliveries(acme, filter, page), { kind: "dlv", expected: ids, most: COUNT });
		await plain.close();
	});

	it("finds all rows in one page, however far back they lie, and in pages of any length, in both directions", async () => {
		const all = await deliveries({}, { limit: 1_000, cursor: null });
		expect(all.rows).toHaveLength(1_000);
		expect(
			all.rows
				.map(({ id }) => id)
				.toSorted()
				.toReversed(),
		).toEqual(all.rows.map(({ id }) => id));
		// Ten a thousand are Cancelled: one in two days.
		const filter = { statuses: ["Cancelled"] as const };
		const once = await deliveries(filter, { limit: 100, cursor: null });
		expect(once.rows).toHaveLength(COUNT / 100);
		expect(once).toMatchObject({ hasOlder: false, hasNewer: false });
		const expected = once.rows.map(({ id }) => id);
		for (const direction of ["older", "newer"] as const) {
			const found: string[] = [];
			let cursor: PageRequest["cursor"] =
				direction === "older" ? null : { direction, id: "dlv_00000000-0000-7000-8000-000000000000" };
			for (;;) {
				const request = { limit: 3, cursor };
				const page: Page<{ readonly id: string }> = await deliveries(filter, request);
				const ids = page.rows.map(({ id }) => id);
				found.push(...(direction === "older" ? ids : ids.toReversed()));
				const { nextPage, prevPage } = pageCursors(page, request);
				const next = direction === "older" ? nextPage : prevPage;
				if (next === null) break;
				cursor = decodeCursor(next, () => true);
			}
			expect(direction === "older" ? found : found.toReversed()).toEqual(expected);
		}
	});

	it("asks once for a customer of many webhooks, and stops at the end of a stretch when its time is over", async () => {
		const { store, records, projectId, webhookIds } = world;
		for (let n = 0; n < 21; n++) await addWebhook(store, records.webhook(projectId, { customerId: "many" }));
		database.plans.length = 0;
		const many = customerScope(projectId, "many");
		const none = await createDeliveryLists(database).deliveries(many, ANY_DELIVERY, { limit: 20, cursor: null });
		expect(none).toEqual({ rows: [], hasNewer: false, hasOlder: false });
		expect(database.plans.splice(0)).toHaveLength(1);
		const now = Date.now();
		const cancelled = { statuses: ["Cancelled"] as const, webhookId: webhookIds[1]! };
		const older = await deliveries({ ...cancelled, before: now - 9 * DAY_MS }, { limit: 20, cursor: null }, 1);
		expect(older.rows).toHaveLength(1);
		expect(older.scannedTo).toBe(now - 11 * DAY_MS);
		expect(database.plans.splice(0)).toHaveLength(1);
		const after = now - 11 * DAY_MS;
		const id = idOf("dlv", firstUuidAt(after));
		const newer = await deliveries(cancelled, { limit: 20, cursor: { direction: "newer", id } }, 1);
		expect(newer.rows).toEqual(older.rows);
		expect(newer.scannedTo).toBe(now - 9 * DAY_MS);
	});

	it("looks at as many rows of all days as of few, and at fewer of one webhook, whose rows lie apart", async () => {
		const none = { responseCodes: [{ from: 299, to: 299 }] };
		const budget = 400;
		for (const [filter, most] of [
			[none, budget],
			[{ ...none, tag: "often" }, budget],
			[{ ...none, webhookId: world.webhookId }, budget / 6],
		] as const) {
			database.entries = 0;
			const page = await deliveries(filter, { limit: 20, cursor: null }, budget);
			expect(page.rows).toEqual([]);
			expect(page.stoppedAt).toBeDefined();
			// The first look of several sources is a part of it, and each stretch looks at some rows at least.
			expect(database.entries).toBeGreaterThan(most / 3);
			expect(database.entries).toBeLessThanOrEqual(most * 1.2);
		}
		// A count reads no rows to show, and is asked for until its end. A part of it takes half of a page's time, in equal shares.
		database.entries = 0;
		const { countDeliveries } = createDeliveryLists(database, 4 * budget);
		const filter = { ...ANY_DELIVERY, ...none, webhookId: world.webhookId };
		expect(await countDeliveries(world.scope, filter, null)).toMatchObject({ count: 0 });
		expect(database.entries).toBeGreaterThan(budget / 2);
	});
});
