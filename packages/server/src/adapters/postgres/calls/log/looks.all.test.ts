// How many rows each look of a page reads: a first one few, no statement more than a disk gives in time, and fewer of those that lie apart.
import { afterAll, beforeAll, expect, it } from "vitest";

import { customerScope } from "../../../../core/access/principal.ts";
import { addWebhook, ANY_DELIVERY, fillStore, type World } from "../../../../ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../../../ports/store/log.ts";
import { systemClock } from "../../../system/system-clock.ts";
import { CountingDatabase } from "../../test/counting-database.ts";
import { fillLog } from "../../test/fill-log.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";
import { STEADY } from "../../test/test-store.ts";
import { createDeliveryLists } from "./deliveries/deliveries.ts";

const DAY_MS = 86_400_000;
const COUNT = 16_000;
const OWN_WEBHOOKS = 10;
/** What a page may look at. */
const BUDGET = 36_000;
/** A row of one webhook, or one of failures, takes as long as so many of a project. */
const SCATTERED = 6;
/** One of the webhooks of a customer. */
const SCATTERED_OF_CUSTOMER = 3;
/** A look whether an event has a tag. */
const LOOK = 7;
/** Matches nothing. Deliveries that have ended are in one table: each project or webhook is asked for once. */
const NONE = { statuses: ["Succeeded"], responseCodes: [{ from: 299, to: 299 }] } as const;

describeOnPostgres("the looks of a page", { settings: STEADY }, (test) => {
	let world: World;
	let database: CountingDatabase;
	beforeAll(async () => {
		world = await fillStore(await test.openEmpty(), 1);
		database = new CountingDatabase({ url: test.url, clock: systemClock });
		const { store, records, projectId, webhookId } = world;
		const webhookIds = [webhookId];
		for (let n = 0; n < OWN_WEBHOOKS; n++) {
			webhookIds.push((await addWebhook(store, records.webhook(projectId, { customerId: "acme" }))).id);
		}
		// All on one day, which is in the first stretch.
		const start = (Math.floor(Date.now() / DAY_MS) - 1) * DAY_MS;
		await fillLog(database, { projectId, webhookIds, count: COUNT, start, days: 1 });
		await test.server.query("VACUUM ANALYZE", test.url);
	});
	afterAll(() => database.close());

	/** The rows that each statement of a page reads which looks for deliveries that nothing matches. */
	const looksOf = async (
		filter: Partial<DeliveryFilter>,
		{ limit = 20, budget = BUDGET, scope = world.scope } = {},
	) => {
		database.looks.length = 0;
		const lists = createDeliveryLists(database, budget);
		const page = await lists.deliveries(scope, { ...ANY_DELIVERY, ...filter }, { limit, cursor: null });
		expect(page.rows).toEqual([]);
		return [...database.looks];
	};

	it("take a 36th of its time first, for one owner or a few, or the rows that it needs", async () => {
		const [first] = await looksOf(NONE);
		expect(first).toBe(BUDGET / 36);
		const [ofWebhook] = await looksOf({ ...NONE, webhookId: world.webhookId });
		expect(ofWebhook).toBe(Math.ceil(BUDGET / 36 / SCATTERED));
		const [long] = await looksOf({ ...NONE, webhookId: world.webhookId }, { limit: 500 });
		expect(long).toBe(501);
	});

	it("take a tenth of it first for many owners", async () => {
		const [first] = await looksOf(NONE, { scope: customerScope(world.projectId, "acme"), limit: 500 });
		expect(first).toBe(BUDGET / 10 / SCATTERED_OF_CUSTOMER);
	});

	it("read so many rows of a customer that a walk by a tag takes no more than 30 pages for 100,000", async () => {
		const scope = customerScope(world.projectId, "acme");
		const budget = 9_000;
		for (const [filter, each] of [
			[NONE, SCATTERED_OF_CUSTOMER],
			[{ tag: "nobody's" }, SCATTERED_OF_CUSTOMER + LOOK],
		] as const) {
			const looks = await looksOf(filter, { scope, budget });
			const sum = looks.reduce((all, count) => all + count, 0);
			expect(sum).toBeGreaterThanOrEqual((budget / each) * 0.95);
			expect(sum).toBeLessThanOrEqual((budget / each) * 1.1);
			expect(100_000 / ((sum * BUDGET) / budget)).toBeLessThanOrEqual(30);
		}
	});

	it("read no more than 12,000 rows in a statement", async () => {
		const looks = await looksOf(NONE);
		expect(Math.max(...looks)).toBe(12_000);
	});

	it("go on while a tenth of its time is left, so that a walk takes as few pages as it can", async () => {
		const budget = 15_000;
		const looks = await looksOf(NONE, { budget });
		expect(looks.reduce((all, each) => all + each, 0)).toBeGreaterThanOrEqual(budget * 0.9);
	});

	it("read a sixth of the rows if all have failed", async () => {
		const budget = 600;
		const sum = (looks: readonly number[]) => looks.reduce((all, each) => all + each, 0);
		const none = { eventTypes: ["none.*"] };
		for (const failures of [{ statuses: ["Failed"] }, { causes: ["status_5xx"], statuses: ["Failed"] }] as const) {
			const failed = sum(await looksOf({ ...none, ...failures }, { budget }));
			expect(failed).toBeGreaterThanOrEqual(budget / SCATTERED);
			expect(failed).toBeLessThanOrEqual((budget / SCATTERED) * 1.1);
		}
		expect(sum(await looksOf({ ...none, statuses: ["Succeeded"] }, { budget }))).toBeGreaterThanOrEqual(budget);
	});
});
