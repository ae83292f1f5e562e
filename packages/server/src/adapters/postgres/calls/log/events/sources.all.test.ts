// By which part of a filter a list of events is read: what leads to those next to the place where a page begins decides it, if there is enough
// of it. To count in all days takes longer than most pages do. Which one it is changes no row.
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";

import type { PageRequest } from "../../../../../core/page.ts";
import { fillStore, type World } from "../../../../../ports/contract/store/records/records.ts";
import type { EventFilter } from "../../../../../ports/store/log.ts";
import { systemClock } from "../../../../system/system-clock.ts";
import { firstUuidAt, idOf } from "../../../codec/ids.ts";
import { Database } from "../../../connection/database.ts";
import { CountingDatabase } from "../../../test/counting-database.ts";
import { expectWalks } from "../../../test/expect-walks.ts";
import { fillLog } from "../../../test/fill-log.ts";
import { describeOnPostgres } from "../../../test/on-postgres.ts";
import { STEADY } from "../../../test/test-store.ts";
import { createEventPage } from "./events.ts";

const DAY_MS = 86_400_000;
/** Old events, some of a busy day, and new ones: over so many days, and how long ago the first one was. */
const FILLS = [
	{ ago: 38, days: 8, count: 100 },
	{ ago: 20, days: 1, count: 60 },
	{ ago: 1.5, days: 1, count: 140 },
] as const;
const TYPES = ["order.paid", "order.sent", "user.new"] as const;
/** The two days before a place may lie in three, and there are partitions of the days to come. */
const NEAR_DAYS = 4;
const RUNS = 50;
const MOST_PAGES = 1_000;
const ANY_EVENT: EventFilter = { types: null, after: null, before: null };
const OFTEN = { tag: "often", types: ["order.paid"] } as const;

interface Known {
	readonly id: string;
	readonly at: number;
	readonly type: string;
	readonly tags: readonly string[];
}

describeOnPostgres("a list of events by several parts of its filter", { settings: STEADY }, (test) => {
	let world: World;
	let database: CountingDatabase;
	const now = Date.now();
	/** All events, newest first, as `fillLog` makes them. */
	const known: Known[] = [];
	beforeAll(async () => {
		world = await fillStore(await test.openEmpty(), 1);
		database = new CountingDatabase({ url: test.url, clock: systemClock });
		const { projectId, webhookIds } = world;
		for (const { ago, days, count } of FILLS) {
			const start = Math.round(now - ago * DAY_MS);
			await fillLog(database, { projectId, webhookIds, count, start, days });
			for (let n = 0; n < count; n++) {
				const at = start + n * Math.floor((days * DAY_MS) / count);
				const id = idOf("evt", firstUuidAt(at).replace(/0000-0000-000000000000$/, "7000-8000-000000000000"));
				const tags = [...(n % 2 === 0 ? ["often"] : []), ...(n < 20 ? ["once"] : [])];
				known.unshift({ id, at, type: n % 10_000 === 9 ? "rare.one" : (TYPES[n % 3] ?? ""), tags });
			}
		}
		await test.server.query("VACUUM ANALYZE", test.url);
	});
	afterAll(() => database.close());

	/** Reads a page. Returns how many days of events' tables each statement plans for, and how many counts are made in all days. */
	const read = async (filter: Partial<EventFilter>, request: PageRequest) => {
		database.plans.length = 0;
		database.prepared.length = 0;
		const { rows } = await createEventPage(database)(world.scope, { ...ANY_EVENT, ...filter }, request);
		const days = database.plans.map((plan) => new Set(plan.match(/\bevent(?:s|_tags|_customers)_\d{8}\b/g)).size);
		const tables = 2;
		const counts = database.prepared.filter((text) => /count\(\*\) AS count FROM \(\s*SELECT 1 FROM unnest/.test(text));
		return { rows, days: days.map((each) => Math.ceil(each / tables)), counts: counts.length };
	};

	it("counts in the days next to the place where a page begins, if they have enough, in both directions", async () => {
		const first = await read(OFTEN, { limit: 10, cursor: null });
		expect(first.rows).toHaveLength(10);
		// A count and a look.
		expect(first.days).toHaveLength(2);
		const middle = known.find(({ at }) => at < now - DAY_MS)!;
		const pages = [first];
		for (const direction of ["older", "newer"] as const) {
			const page = await read(OFTEN, { limit: 5, cursor: { direction, id: middle.id } });
			expect(page.rows).toHaveLength(5);
			pages.push(page);
		}
		// The end of the day of many events.
		const before = Math.round(now - 19 * DAY_MS);
		const old = await read({ ...OFTEN, before }, { limit: 5, cursor: null });
		expect(old.rows).toHaveLength(5);
		pages.push(old);
		for (const { days, counts } of pages) {
			expect(counts).toBe(0);
			expect(Math.max(...days)).toBeLessThanOrEqual(NEAR_DAYS);
		}
	});

	it("counts in all days if the page needs more than those have, or none are there", async () => {
		expect(await read(OFTEN, { limit: 100, cursor: null })).toMatchObject({ counts: 2 });
		// A log that was left alone for long.
		const before = Math.round(now - 5 * DAY_MS);
		const quiet = await read({ ...OFTEN, before }, { limit: 5, cursor: null });
		expect(quiet.counts).toBe(2);
		expect(quiet.rows).toHaveLength(5);
		const rare = await read({ ...OFTEN, types: ["rare.one"], before }, { limit: 5, cursor: null });
		expect(rare.counts).toBe(2);
		const [, ...looks] = database.plans;
		expect(looks.join()).toMatch(/events_\d{8}_project_id_type_id_idx/);
		expect(looks.join()).not.toMatch(/event_tags_\d{8} entry/);
		// Nobody knows where the oldest ones are.
		const id = "evt_00000000-0000-7000-8000-000000000000";
		const oldest = await read(OFTEN, { limit: 5, cursor: { direction: "newer", id } });
		expect(oldest.counts).toBe(2);
		expect(oldest.rows).toHaveLength(5);
	});

	it("counts no further than the lowest count before", async () => {
		const types = ["order.paid", "order.sent"];
		await read({ tag: "once", types }, { limit: 5, cursor: null });
		const [near = ""] = database.plans;
		const rows = (table: string) => {
			const scans = [...near.matchAll(new RegExp(`using ${table}_\\d{8}.*actual rows=([\\d.]+) loops=(\\d+)`, "g"))];
			return scans.reduce((sum, [, count, loops]) => sum + Number(count) * Number(loops), 0);
		};
		const isNew = ({ at }: Known) => at > now - 2 * DAY_MS;
		const tagged = known.filter((event) => isNew(event) && event.tags.includes("once")).length;
		expect(rows("event_tags")).toBe(tagged);
		expect(known.filter((event) => isNew(event) && types.includes(event.type)).length).toBeGreaterThan(2 * tagged);
		expect(rows("events")).toBe(tagged);
	});

	it("reads fewer entries the more looks each takes: two at the row of its event, and one whether it is for a customer", async () => {
		const [looks, cost] = [3, 7];
		const entries = 20;
		const filter = { ...ANY_EVENT, tag: "often", customerId: "acme" };
		const page = createEventPage(database, entries * (1 + looks * cost));
		const { rows, stoppedAt } = await page(world.scope, filter, { limit: 100, cursor: null });
		expect(rows).toHaveLength(entries);
		expect(stoppedAt).toBe(rows.at(-1)?.id);
	});

	it("counts nothing if one part leads to events", async () => {
		expect(await read({ tag: "often" }, { limit: 5, cursor: null })).toMatchObject({
			counts: 0,
			days: { length: 1 },
		});
	});

	it("has all rows of any filter, in pages of any length, in both directions", async () => {
		await using plain = closing(new Database({ url: test.url, clock: systemClock }));
		const time = fc.option(fc.integer({ min: 0, max: 40 * 24 }).map((hours) => Math.round(now - hours * 3_600_000)));
		const filters = fc.record({
			types: fc.option(fc.subarray(["order.paid", "order.sent", "user.*", "rare.*", "none.*"], { minLength: 1 })),
			tag: fc.constantFrom(null, "often", "often", "often", "once", "none"),
			customerId: fc.constantFrom(null, null, "acme", "acme", "others"),
			unmatched: fc.integer({ max: 8, min: 1 }).map((one) => one === 8),
			after: time,
			before: time,
		});
		await fc.assert(
			fc.asyncProperty(filters, fc.constantFrom(100, 1_000, 36_000), async (filter, budget) => {
				const events = createEventPage(plain.database, budget);
				const expected = known.filter((event) => matches(event, filter)).map(({ id }) => id);
				const page = (request: PageRequest) => events(world.scope, filter, request);
				await expectWalks(page, { kind: "evt", expected, most: MOST_PAGES });
			}),
			{ numRuns: RUNS },
		);
	});
});

function matches({ at, type, tags }: Known, filter: EventFilter): boolean {
	const { types, tag = null, customerId = null, unmatched = false, after, before } = filter;
	const isOfType = (each: string) => (each.endsWith(".*") ? type.startsWith(each.slice(0, -1)) : type === each);
	return (
		(types === null || types.some(isOfType)) &&
		(tag === null || tags.includes(tag)) &&
		(customerId === null || customerId === "acme") &&
		!unmatched &&
		(after === null || at >= after) &&
		(before === null || at < before)
	);
}

function closing(database: Database) {
	return { database, [Symbol.asyncDispose]: () => database.close() };
}
