// Pages that end early, since few entries match of those that a page may look at: cursors go on from there, in both directions, and the
// parts of a count add up.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { customerScope, type Scope } from "../../../../core/access/principal.ts";
import { decodeCursor, pageCursors, type Page, type PageRequest } from "../../../../core/page.ts";
import { ANY_CHANGE } from "../../../../ports/contract/store/records/logged.ts";
import { addWebhook, ANY_DELIVERY, fillStore, type World } from "../../../../ports/contract/store/records/records.ts";
import type { ChangeFilter, DeliveryFilter, EventFilter } from "../../../../ports/store/log.ts";
import { systemClock } from "../../../system/system-clock.ts";
import { Database } from "../../connection/database.ts";
import { CountingDatabase } from "../../test/counting-database.ts";
import { expectWalks } from "../../test/expect-walks.ts";
import { fillLog } from "../../test/fill-log.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";
import { STEADY, TestDatabase } from "../../test/test-store.ts";
import { createChangedDeliveries } from "./deliveries/changes.ts";
import { createDeliveryLists } from "./deliveries/deliveries.ts";
import { createEventPage } from "./events/events.ts";

const COUNT = 100;
const MOST_PAGES = 2 * COUNT;
/** So little that pages of all filters end early. */
const BUDGET = 40;
const ENOUGH = 100_000;
const ANY_EVENT: EventFilter = { types: null, after: null, before: null };

const FILTERS: readonly Partial<DeliveryFilter>[] = [
	{},
	{ statuses: ["Failed"] },
	{ statuses: ["Succeeded", "Pending"], eventTypes: ["user.*"] },
	{ causes: ["status_5xx"], eventTypes: ["order.sent"] },
	{ customerId: "acme", statuses: ["Failed", "Succeeded"] },
	{ tag: "often" },
	{ tag: "once", statuses: ["Succeeded", "Failed"] },
];

describeOnPostgres("pages that end early", { settings: STEADY }, (test) => {
	let world: World;
	let database: Database;
	let acme: Scope;
	beforeAll(async () => {
		world = await fillStore(await test.openEmpty(), 2);
		const { store, records, projectId, webhookIds } = world;
		const own = [await addWebhook(store, records.webhook(projectId, { customerId: "acme" }))];
		own.push(await addWebhook(store, records.webhook(projectId, { customerId: "acme" })));
		database = new Database({ url: test.url, clock: systemClock });
		acme = customerScope(projectId, "acme");
		const all = [...webhookIds, ...own.map(({ id }) => id)];
		await fillLog(database, { projectId, webhookIds: all, count: COUNT, start: records.now, days: 2 });
	});
	afterAll(() => database.close());

	it("of deliveries go on until all are found, and counts add up", async () => {
		const lists = createDeliveryLists(database, BUDGET);
		const whole = createDeliveryLists(database, ENOUGH);
		for (const scope of [world.scope, acme]) {
			for (const some of FILTERS) {
				const filter = { ...ANY_DELIVERY, ...some };
				const { rows } = await whole.deliveries(scope, filter, { limit: COUNT, cursor: null });
				const expected = rows.map(({ id }) => id);
				await expectWalks((page) => lists.deliveries(scope, filter, page), {
					kind: "dlv",
					expected,
					most: MOST_PAGES,
				});
				let sum = 0;
				let place: string | null = null;
				do {
					const part: Awaited<ReturnType<typeof lists.countDeliveries>> = await lists.countDeliveries(
						scope,
						filter,
						place,
					);
					sum += part.count;
					place = part.goesOnAt;
				} while (place !== null);
				expect([some, sum]).toEqual([some, expected.length]);
			}
		}
		const all = await whole.deliveries(world.scope, ANY_DELIVERY, { limit: 1_000, cursor: null });
		expect(all.rows).toHaveLength(COUNT);
	});

	it("of events go on until all are found", async () => {
		const [events, whole] = [createEventPage(database, BUDGET), createEventPage(database, ENOUGH)];
		for (const scope of [world.scope, acme]) {
			for (const some of [{}, { types: ["user.*"] }, { tag: "often", types: ["rare.one"] }, { customerId: "acme" }]) {
				const filter = { ...ANY_EVENT, ...some };
				const { rows } = await whole(scope, filter, { limit: COUNT, cursor: null });
				const expected = rows.map(({ id }) => id);
				await expectWalks((page) => events(scope, filter, page), { kind: "evt", expected, most: MOST_PAGES });
			}
		}
	});

	it("of changed deliveries go on until all are found", async () => {
		const [changed, whole] = [createChangedDeliveries(database, 3), createChangedDeliveries(database, ENOUGH)];
		const filters: readonly ChangeFilter[] = [
			{ ...ANY_CHANGE, statuses: ["Failed"] },
			{ ...ANY_CHANGE, statuses: ["Pending", "Held", "Failed", "Cancelled"], eventTypes: ["order.*"] },
			{ ...ANY_CHANGE, statuses: ["Pending", "Failed"], tag: "often" },
		];
		for (const filter of filters) {
			const read =
				(from: typeof changed) =>
				async (page: PageRequest): Promise<Page<{ id: string }>> => {
					const found = await from(world.scope, filter, page);
					return { ...found, rows: found.rows.map(({ position }) => ({ id: position })) };
				};
			const all = await read(whole)({ limit: COUNT, cursor: null });
			expect(all.rows.length).toBeGreaterThan(3);
			const expected = all.rows.map(({ id }) => id);
			await expectWalks(read(changed), { kind: "change", expected, most: MOST_PAGES });
		}
	});
});

describe.skipIf(postgresIssue() !== null)("a walk through all deliveries of a customer that finds none", () => {
	const DELIVERIES = 3_000;
	const PAGES = 15;
	/** A page looks at this part of them. Each takes as long as three of a project, whose rows lie beside each other. */
	const looked = DELIVERIES / PAGES;
	const budget = 3 * looked;
	/** With the look behind the cursor, and some entries of each owner at least. */
	const MOST_OF_LOOKED = 1.5;

	it.each([
		["in turns", (n: number) => n],
		["nearly all for one", (n: number) => (n % 10 === 0 ? n / 10 : 0)],
		["each in a time of its own", (n: number) => Math.floor((10 * n) / DELIVERIES)],
	])("takes about as many pages as its entries need, with ten webhooks, %s", async (_name, webhookOf) => {
		await using test = await new TestDatabase(STEADY).start();
		const { store, records, projectId } = await fillStore(await test.openEmpty(), 1);
		const webhookIds: string[] = [];
		for (let n = 0; n < 10; n++) {
			webhookIds.push((await addWebhook(store, records.webhook(projectId, { customerId: "acme" }))).id);
		}
		const database = new CountingDatabase({ url: test.url, clock: systemClock });
		await using _closing = { [Symbol.asyncDispose]: () => database.close() };
		const mixture = Array.from({ length: DELIVERIES }, (_, n) => webhookIds[webhookOf(n) % 10] ?? "");
		const fill = { projectId, webhookIds: mixture, count: DELIVERIES, start: records.now, days: 2 };
		await fillLog(database, fill);
		const lists = createDeliveryLists(database, budget);
		const filter = { ...ANY_DELIVERY, responseCodes: [{ from: 299, to: 299 }] };
		const read = (page: PageRequest) => lists.deliveries(customerScope(projectId, "acme"), filter, page);
		let [pages, request]: [number, PageRequest] = [0, { limit: 10, cursor: null }];
		for (;;) {
			database.entries = 0;
			const page = await read(request);
			expect(page.rows).toEqual([]);
			expect(database.entries).toBeLessThanOrEqual(MOST_OF_LOOKED * looked);
			pages++;
			const { nextPage } = pageCursors(page, request);
			if (nextPage === null) break;
			request = { limit: 10, cursor: decodeCursor(nextPage, () => true) };
		}
		expect(pages).toBeLessThanOrEqual(1.5 * PAGES);
	});
});
