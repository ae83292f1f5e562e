// The plans of the log's statements: each reads entries of the index that it names, in order, and stops at its limit.
import { DatabaseSync, type StatementSync } from "node:sqlite";

import { describe, expect, it } from "vitest";

import { customerScope, projectScope } from "../../../../core/access/principal.ts";
import { DELIVERY_STATUSES } from "../../../../core/delivery.ts";
import { isId } from "../../../../core/ids.ts";
import { decodeCursor, pageCursors, parseChangePosition, type Page, type PageRequest } from "../../../../core/page.ts";
import { ANY_CHANGE } from "../../../../ports/contract/store/records/logged.ts";
import { ANY_DELIVERY } from "../../../../ports/contract/store/records/records.ts";
import type { EventFilter } from "../../../../ports/store/log.ts";
import { DeliveryTable } from "../../deliveries/delivery-table.ts";
import { migrate } from "../../schema/migrate.ts";
import { createLogCalls } from "../log.ts";

/** Sizes of a store: SQLite may choose another plan for another one, so each is looked at. */
const SIZES = [0, 3, 3_000];

/** Calls `work`, and returns the plan of each statement that it has made with `db.prepare` and read from. */
function plansOf(db: DatabaseSync, work: () => void): Map<string, string[]> {
	const statements = new Map<string, string[]>();
	const prepare = db.prepare.bind(db);
	db.prepare = (sql: string): StatementSync => {
		if (sql.includes("SELECT")) {
			const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
			statements.set(
				sql,
				plan.map(({ detail }) => String(detail)),
			);
		}
		return prepare(sql);
	};
	work();
	db.prepare = prepare;
	return statements;
}

/** Whether a plan sorts or searches more than the entries that it walks along. A part of an order within one event is short. */
function isUnbounded(detail: string): boolean {
	if (/USE TEMP B-TREE FOR (RIGHT PART OF|LAST TERM OF) ORDER BY/.test(detail)) return false;
	return /TEMP B-TREE|AUTOMATIC|MATERIALIZE|MULTI-INDEX/.test(detail);
}

/** Filters by how the last attempt has ended. */
const OF_ATTEMPTS = [
	{},
	{ responseCodes: [{ from: 204, to: 204 }] },
	{ responseCodes: [{ from: 500, to: 599 }] },
	{ causes: ["refused", "status_5xx"] },
] as const;
const OF_TYPES = { eventTypes: ["a", "c.*"] } as const;

describe("lists of deliveries", () => {
	it.each(SIZES)("walk along indexes and sort nothing, with %i events in the store", (size) => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, size);
		const webhookId = "webhook_00000000-0000-7000-8000-000100000000";
		const eventId = "evt_00000000-0000-7000-8000-000400000000";
		const seen = plansOf(db, () => {
			for (const statuses of [null, ["Failed", "Held"] as const, ...DELIVERY_STATUSES.map((status) => [status])]) {
				for (const filter of [...OF_ATTEMPTS, { updatedAfter: 5 }, { updatedAfter: 5, updatedBefore: 9 }]) {
					const others = [{}, { webhookId }, OF_TYPES, { webhookId, ...OF_TYPES }, { eventId }];
					for (const more of [
						...others,
						{ tag: "often" },
						{ tag: "seldom" },
						{ tag: "often", webhookId, ...OF_TYPES },
					]) {
						for (const direction of ["older", "newer"] as const) {
							for (const after of [null, 5]) {
								const wanted = { ...ANY_DELIVERY, ...filter, ...more, statuses, after };
								calls.deliveries(SCOPE, wanted, { limit: 10, cursor: { direction, id: cursor } });
							}
						}
						calls.countDeliveries(SCOPE, { ...ANY_DELIVERY, ...filter, ...more, statuses }, null);
					}
				}
			}
		});
		expect(seen.size).toBeGreaterThan(50);
		expectBounded(seen);
	});
});

describe("lists of a customer's deliveries", () => {
	it.each(SIZES)("walk along the indexes by webhook and sort nothing, with %i events in the store", (size) => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, size);
		db.exec("UPDATE webhooks SET customer_id = 'acme'");
		const scope = customerScope(SCOPE.projectId, "acme");
		const seen = plansOf(db, () => {
			for (const filter of [...OF_ATTEMPTS, OF_TYPES, { updatedAfter: 5 }, { tag: "often" }]) {
				for (const statuses of [null, ["Failed", "Pending"] as const]) {
					for (const direction of ["older", "newer"] as const) {
						const request = { limit: 10, cursor: { direction, id: cursor } };
						calls.deliveries(scope, { ...ANY_DELIVERY, ...filter, statuses }, request);
					}
					calls.countDeliveries(scope, { ...ANY_DELIVERY, ...filter, statuses }, null);
				}
			}
		});
		expectBounded(seen);
		const plans = [...seen.values()].flat().join("\n");
		const along = (index: string, columns: string) =>
			new RegExp(`${index} \\(${columns} AND (seq|rowid)>\\? AND (seq|rowid)<\\?\\)`);
		expect(plans).toMatch(along("COVERING INDEX deliveries_by_webhook", "webhook=\\?"));
		expect(plans).toMatch(along("COVERING INDEX deliveries_by_webhook_status", "webhook=\\? AND status=\\?"));
		expect(plans).toMatch(along("INDEX open_by_webhook", "webhook=\\?"));
	});
});

describe("lists in the order of changes", () => {
	it.each(SIZES)("walk along their index and sort nothing, with %i events in the store", (size) => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, size);
		const webhookId = "webhook_00000000-0000-7000-8000-000100000000";
		const seen = plansOf(db, () => {
			for (const direction of ["older", "newer"] as const) {
				for (const wanted of [
					{ webhookId, updatedAfter: 5 },
					{ webhookId: null, updatedAfter: null },
					{ tag: "often" },
					...OF_ATTEMPTS.map((filter) => ({ ...filter, ...OF_TYPES, updatedBefore: 9 })),
				]) {
					const request = { limit: 10, cursor: { direction, id: `70.${cursor}` } };
					calls.changedDeliveries(SCOPE, { ...ANY_CHANGE, statuses: ["Failed", "Held"], ...wanted }, request);
				}
			}
		});
		const plans = [...seen].filter(([sql]) => sql.includes("deliveries_by_change"));
		expect(plans.length).toBeGreaterThanOrEqual(6);
		for (const [, plan] of plans) {
			expect(plan.filter(isUnbounded)).toEqual([]);
			const range = /deliveries_by_change \(project=\? AND status=\? AND change>\? AND change<\?\)/;
			expect(plan.join("\n")).toMatch(range);
		}
	});

	it("have each delivery once, also if changes share a number, as those of version 0.1 can", () => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, 100);
		db.exec("UPDATE deliveries SET status = 2, change = seq / 50");
		const filter = { ...ANY_CHANGE, statuses: ["Failed"] } as const;
		const walk = (direction: "older" | "newer") => {
			const found: string[] = [];
			let next = `${direction === "older" ? 1e6 : 0}.${cursor}`;
			for (let goesOn = true; goesOn;) {
				const page = calls.changedDeliveries(SCOPE, filter, { limit: 7, cursor: { direction, id: next } });
				const rows = direction === "older" ? page.rows : page.rows.toReversed();
				found.push(...rows.map(({ delivery }) => delivery.id));
				next = rows.at(-1)?.position ?? next;
				goesOn = direction === "older" ? page.hasOlder : page.hasNewer;
			}
			return found;
		};
		const older = walk("older");
		expect(older).toHaveLength(Number(db.prepare("SELECT count(*) AS n FROM deliveries").get()?.["n"]));
		expect(new Set(older).size).toBe(older.length);
		expect(walk("newer")).toEqual(older.toReversed());
	});

	it.each(["older", "newer"] as const)(
		"go on towards %s ones from a row that was deleted with its event, also if changes share a number",
		(direction) => {
			using db = new DatabaseSync(":memory:");
			const calls = openLog(db, 100);
			db.exec("UPDATE deliveries SET status = 2, change = seq / 50");
			const all = db
				.prepare("SELECT seq FROM deliveries ORDER BY change, seq")
				.all()
				.map(({ seq }) => Number(seq));
			const filter = { ...ANY_CHANGE, statuses: ["Failed"] } as const;
			const found: number[] = [];
			let next = `${direction === "older" ? 1e6 : 0}.${cursor}`;
			for (let goesOn = true; goesOn;) {
				const page = calls.changedDeliveries(SCOPE, filter, { limit: 1, cursor: { direction, id: next } });
				for (const { delivery, position } of page.rows) {
					// The counter in the id of event `n` is 4 n, and that of its delivery one more.
					found.push((Number.parseInt(delivery.id.slice(-12, -8), 16) - 1) / 2 + 1);
					next = position;
				}
				goesOn = direction === "older" ? page.hasOlder : page.hasNewer;
				const [last] = found.slice(-1);
				if (last !== undefined)
					db.exec(`DELETE FROM deliveries WHERE seq = ${last}; DELETE FROM events WHERE seq = ${last - 1}`);
			}
			expect(found).toEqual(direction === "older" ? all.toReversed() : all);
		},
	);

	it("end their pages early if few match, and find the last match in both directions", () => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, 150_000);
		db.exec("UPDATE deliveries SET status = 2, change = seq, webhook = 1");
		const ends = [FIRST_SEQ, LAST_SEQ].map((seq) =>
			db.prepare("UPDATE deliveries SET webhook = 2 WHERE seq = ?").run(seq),
		);
		expect(ends.map(({ changes }) => changes)).toEqual([1, 1]);
		const filter = { ...ANY_CHANGE, statuses: ["Failed"], webhookId: WEBHOOK_2 } as const;
		for (const direction of ["older", "newer"] as const) {
			let next: string | undefined = `${direction === "older" ? 1e6 : 0}.${cursor}`;
			let [found, pages] = [0, 0];
			while (next !== undefined) {
				const request: PageRequest = { limit: 10, cursor: { direction, id: next } };
				const page = calls.changedDeliveries(SCOPE, filter, request);
				found += page.rows.length;
				const rows = page.rows.map(({ position }) => ({ id: position }));
				const { nextPage, prevPage } = pageCursors({ ...page, rows }, request);
				const text = direction === "older" ? nextPage : prevPage;
				next = text === null ? undefined : decodeCursor(text, (id) => parseChangePosition(id) !== null).id;
				expect(++pages).toBeLessThan(20);
			}
			expect([found, pages > 1]).toEqual([2, true]);
		}
	});
});

const EVENT_FILTERS: readonly Partial<EventFilter>[] = [
	{},
	{ tag: "x" },
	{ customerId: "acme" },
	{ unmatched: true },
	{ idempotencyKey: "k" },
	{ types: ["b", "none", "a", "x"] },
	{ types: ["a.*", "b.*", "a"] },
	{ tag: "x", customerId: "acme", unmatched: true },
	{ tag: "x", types: ["a.*", "b", "c", "d", "e"] },
];

describe("lists of events", () => {
	it.each(SIZES)("walk along indexes and sort nothing, with %i events in the store", (size) => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, size);
		const seen = plansOf(db, () => {
			for (const type of [null, "a"]) {
				for (const after of [null, 5]) {
					for (const before of [null, 50]) {
						for (const direction of ["older", "newer"] as const) {
							for (const filter of EVENT_FILTERS) {
								const wanted = { types: type === null ? null : [type], after, before, ...filter };
								for (const scope of [SCOPE, customerScope(SCOPE.projectId, "acme")]) {
									calls.events(scope, wanted, { limit: 10, cursor: { direction, id: cursor } });
								}
							}
						}
					}
				}
			}
		});
		expect(seen.size).toBeGreaterThan(10);
		expectBounded(seen);
		const entries = [...seen.values()].flat().filter((detail) => detail.includes("entry"));
		// Each walk is bounded by numbers, and each look beside it ends at one number. Neither needs the row of an event.
		const walks = /^SEARCH entry USING (COVERING INDEX|PRIMARY KEY)( \w+)? \(.*(seq|event)>\? AND (seq|event)<\?\)$/;
		const looks =
			/^SEARCH entry( EXISTS)? USING (COVERING INDEX|PRIMARY KEY)( \w+)? \(.*((seq=\? AND rowid=\?|event=\?)|seq>\? AND seq<\?)\)$/;
		expect(entries.filter((detail) => !walks.test(detail) && !looks.test(detail))).toEqual([]);
	});

	it.each(["older", "newer"] as const)(
		"end their pages early if ids were far ahead of dates, towards %s ones",
		(direction) => {
			using db = new DatabaseSync(":memory:");
			openLog(db, 25_000);
			db.exec("UPDATE events SET create_date = 50; UPDATE id_lead SET ms = 100000");
			const calls = createLogCalls(db, new DeliveryTable(db, 0));
			// One near each end, and one in the middle.
			for (const n of [2, 12_000, 24_999]) db.prepare("UPDATE events SET create_date = 7 WHERE seq = ?").run(2 * n);
			const found: string[] = [];
			const read = (request: PageRequest) => calls.events(SCOPE, { types: null, after: 0, before: 10 }, request);
			const first =
				direction === "older" ? "evt_ffffffff-ffff-7fff-bfff-ffffffffffff" : "evt_00000000-0000-7000-8000-000000000000";
			expect(readAll(read, "evt", first, direction, found)).toBeGreaterThan(2);
			expect(found).toHaveLength(3);
		},
	);
});

describe("lists of attempts", () => {
	it.each(SIZES)("search the attempts of one delivery alone, with %i events in the store", (size) => {
		using db = new DatabaseSync(":memory:");
		let calls: ReturnType<typeof openLog> | undefined;
		const seen = plansOf(db, () => (calls = openLog(db, size)));
		const attempts = [...seen].filter(([sql]) => sql.includes("FROM attempts"));
		expect(
			calls?.attempts(SCOPE, "dlv_00000000-0000-7000-8000-000500000000", { limit: 10, cursor: null }).rows,
		).toEqual([]);
		expect(attempts.length).toBeGreaterThan(2);
		const scans = attempts.filter(([, plan]) => plan.some((detail) => detail.startsWith("SCAN")));
		expect(scans).toEqual([]);
		for (const detail of attempts.flatMap(([, plan]) => plan)) {
			expect(detail).toMatch(/^(SEARCH .*(delivery=\?|rowid=\?)|MERGE|COMPOUND|LEFT|RIGHT|UNION)/);
		}
	});
});

/** No statement sorts, or looks at more than the entries that it walks along. */
function expectBounded(seen: ReadonlyMap<string, readonly string[]>): void {
	const unbounded = [...seen]
		.filter(([, plan]) => plan.some(isUnbounded))
		.map(([sql, plan]) => `${sql}\n${plan.join("\n")}`);
	expect(unbounded).toEqual([]);
	// Tables themselves are scanned for the tail of the open ones alone, from a number on.
	const scans = [...seen.values()]
		.flat()
		.filter(
			(detail) => /^SCAN (?!looked|found|\(|CONSTANT|json_each|prefix)/.test(detail) && !detail.includes("INDEX"),
		);
	expect(scans).toEqual([]);
}

/** Reads page after page in one direction from a cursor on. Adds the ids to `found`, and returns the number of pages. */
function readAll(
	read: (request: PageRequest) => Page<{ readonly id: string }>,
	prefix: "evt" | "dlv",
	from: string,
	direction: "older" | "newer",
	found: string[],
): number {
	let next: string | undefined = from;
	let pages = 0;
	while (next !== undefined) {
		const request: PageRequest = { limit: 10, cursor: { direction, id: next } };
		const page = read(request);
		found.push(...page.rows.map(({ id }) => id));
		const { nextPage, prevPage } = pageCursors(page, request);
		const cursor = direction === "older" ? nextPage : prevPage;
		next = cursor === null ? undefined : decodeCursor(cursor, (id) => isId(prefix, id)).id;
		expect(++pages).toBeLessThan(20);
	}
	return pages;
}

describe("a list with few matches", () => {
	it.each(["older", "newer"] as const)(
		"ends its pages early, and finds the last match towards %s ones",
		(direction) => {
			using db = new DatabaseSync(":memory:");
			const calls = openLog(db, 150_000);
			db.exec("UPDATE deliveries SET status = 1, response_code = 200");
			const ends = [FIRST_SEQ, LAST_SEQ].map((seq) =>
				db.prepare("UPDATE deliveries SET response_code = 204 WHERE seq = ?").run(seq),
			);
			expect(ends.map(({ changes }) => changes)).toEqual([1, 1]);
			const wanted = { ...ANY_DELIVERY, responseCodes: [{ from: 204, to: 204 }] };
			const found: string[] = [];
			const first =
				direction === "older" ? "dlv_ffffffff-ffff-7fff-bfff-ffffffffffff" : "dlv_00000000-0000-7000-8000-000000000000";
			const read = (request: PageRequest) => calls.deliveries(SCOPE, wanted, request);
			expect(readAll(read, "dlv", first, direction, found)).toBeGreaterThan(2);
			expect(found).toHaveLength(2);
		},
	);
});

const WEBHOOK_2 = "webhook_00000000-0000-7000-8000-000200000000";
const SCOPE = projectScope(`proj_${"0".repeat(31)}1`);
/** The numbers of a full row near each end. */
const FIRST_SEQ = 2 * 1 + 1;
const LAST_SEQ = 2 * 149_999 + 1;

/** Opens the calls on a log of `size` events. */
function openLog(db: DatabaseSync, size: number) {
	migrate(db, 0);
	fill(db, SCOPE.projectId, size);
	return createLogCalls(db, new DeliveryTable(db, 0));
}

const cursor = "dlv_00000000-0000-7000-8000-000000000001";

/** Fills the tables with events of one project, each with a delivery to one of two webhooks. */
function fill(db: DatabaseSync, projectId: string, size: number): void {
	const project = Buffer.from(projectId.slice("proj_".length), "hex");
	db.prepare("INSERT INTO projects (id, workspace_id, name, create_date, number) VALUES (?, x'', 'P', 0, 1)").run(
		project,
	);
	const webhook = db.prepare(`
		INSERT INTO webhooks (id, project_id, name, endpoint, max_retries, max_backoff_ms, timeout_ms, metadata, status,
			header_names, secret_hint, create_date, update_date, number)
		VALUES (?, ?, 'W', 'https://example.com', 1, 1, 1, '{}', 0, '[]', 'abcd', 0, 0, ?)
	`);
	/** The number is the counter of a UUID. Those of an event's deliveries follow it. */
	const idOf = (n: number) => Buffer.from(`0000000000007000${(0x8000_0000 + n).toString(16)}00000000`, "hex");
	for (const n of [1, 2]) webhook.run(idOf(n), project, n);
	const event = db.prepare(`
		INSERT INTO events (seq, id, project, type, timestamp, create_date, delivery_count, body) VALUES (?, ?, 1, ?, 0, ?, 1, x'00')
	`);
	const open = db.prepare("INSERT INTO open (seq, event, webhook, project, listed) VALUES (?, ?, ?, 1, ?)");
	const full = db.prepare(`
		INSERT INTO deliveries (seq, event, webhook, project, status, attempt_count, auto_attempt_count, trigger, response_code, update_date)
		VALUES (?, ?, ?, 1, ?, 1, 1, 0, ?, 0)
	`);
	const tagged = db.prepare("INSERT INTO event_tags (project, tag, event) VALUES (1, ?, ?)");
	for (let n = 1; n <= size; n++) {
		const seq = 2 * n;
		if (n % 2 === 0) tagged.run("often", seq);
		if (n % 9 === 0) tagged.run("seldom", seq);
		event.run(seq, idOf(4 * n), n % 20 === 0 ? "a" : "b", n);
		if (n % 3 === 0) open.run(seq + 1, seq, 1 + (n % 2), n % 6 === 0 ? 1 : 0);
		else full.run(seq + 1, seq, 1 + (n % 2), 1 + (n % 4), n % 5 === 0 ? 500 : 200);
	}
	// Without it, SQLite supposes large tables.
	if (size > 1_000) db.exec("ANALYZE");
}
