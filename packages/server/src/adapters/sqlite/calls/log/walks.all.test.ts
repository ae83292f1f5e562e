// How many pages it takes to go through all deliveries of a customer, or of a project, for the one that matches a filter.
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

import { afterAll, describe, expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../../core/access/principal.ts";
import { isId } from "../../../../core/ids.ts";
import { decodeCursor, pageCursors, type PageRequest } from "../../../../core/page.ts";
import { ANY_DELIVERY } from "../../../../ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../../../ports/store/log.ts";
import { typeHash } from "../../codec/delivery-rows.ts";
import { firstIdAt } from "../../codec/ids.ts";
import { DeliveryTable } from "../../deliveries/delivery-table.ts";
import { migrate } from "../../schema/migrate.ts";
import { createLogCalls } from "../log.ts";

const PROJECT = `proj_${"0".repeat(31)}1`;
/** One of ten deliveries is for the customer, who has four of forty webhooks. */
const EVENTS = 40_000;
const OWN_EVERY = 10;
const OWN = EVENTS / OWN_EVERY;
const WEBHOOKS = 4;
const OTHER_WEBHOOKS = 36;
/** A twenty-fifth of a store and of what a page may look at: pages are as many as of 1,000,000 deliveries. */
const BUDGET = 400;
const MOST_PAGES = 30;
/** With fewer pages, each would take longer than it may: it would look at more than 4,500 events, or at more than 10,000 rows. */
const LEAST_PAGES = { events: 22, rows: 10 };

/** Which of the customer's webhooks delivery `n` of the customer is for. */
const MIXTURES = [
	["in turns", (n: number) => n % WEBHOOKS],
	["nine of ten for one webhook", (n: number) => (n % 10 === 0 ? n % WEBHOOKS : 3)],
	["all for one, then in turns", (n: number) => (n < OWN / 2 ? 3 : n % WEBHOOKS)],
] as const;

const SCOPES = [
	["a customer's token", customerScope(PROJECT, "acme"), {}],
	["a key and the customer's id", projectScope(PROJECT), { customerId: "acme" }],
	["a key", projectScope(PROJECT), {}],
] as const satisfies readonly (readonly [string, Scope, Partial<DeliveryFilter>])[];

const NOBODY = { responseCodes: [{ from: 299, to: 299 }] };
const LATER = { updatedAfter: 10 * EVENTS };

describe.each(MIXTURES)("a walk that finds one delivery, or none, with %s", (_name, webhookOf) => {
	const [succeeded, failed] = [new DatabaseSync(":memory:"), new DatabaseSync(":memory:")];
	afterAll(() => {
		succeeded.close();
		failed.close();
	});
	const callsOf = { succeeded: openLog(succeeded, webhookOf, 1), failed: openLog(failed, webhookOf, 2) };

	it.each(SCOPES)("takes at most thirty pages with %s", (_who, scope, own) => {
		const calls = callsOf.succeeded;
		for (const filter of [
			NOBODY,
			{ ...NOBODY, tag: "often" },
			{ ...NOBODY, tag: "often", eventTypes: ["order.*"] },
			{ tag: "one" },
			{ tag: "often", eventTypes: ["none.*"] },
			{ eventTypes: ["none.*"] },
			LATER,
		] as const) {
			const { found, pages } = walk(calls, scope, { ...ANY_DELIVERY, ...own, ...filter });
			expect([filter, pages]).toEqual([filter, Math.min(pages, MOST_PAGES)]);
			expect([filter, found]).toEqual([filter, "tag" in filter && filter.tag === "one" ? 1 : 0]);
		}
	});

	it.each(SCOPES)("takes at most thirty pages with %s also if all have failed", (_who, scope, own) => {
		const calls = callsOf.failed;
		for (const filter of [
			{ statuses: ["Failed"], responseCodes: [{ from: 418, to: 418 }] },
			{ statuses: ["Failed"], ...LATER },
			{ statuses: ["Failed"], tag: "often", ...LATER },
			{ statuses: ["Failed", "Held"], eventTypes: ["none.*"] },
			{ causes: ["refused"], tag: "often" },
		] as const) {
			const { found, pages } = walk(calls, scope, { ...ANY_DELIVERY, ...own, ...filter });
			expect([filter, pages, found]).toEqual([filter, Math.min(pages, MOST_PAGES), 0]);
		}
	});

	it("looks at no more on a page than there is time for", () => {
		const calls = callsOf.succeeded;
		const [, scope] = SCOPES[0];
		const pagesOf = (filter: Partial<DeliveryFilter>) => walk(calls, scope, { ...ANY_DELIVERY, ...filter }).pages;
		expect(pagesOf({ eventTypes: ["none.*"] })).toBeGreaterThanOrEqual(LEAST_PAGES.events);
		expect(pagesOf(NOBODY)).toBeGreaterThanOrEqual(LEAST_PAGES.rows);
	});
});

it("looks at no more events with a tag on a page than there is time for", () => {
	using db = new DatabaseSync(":memory:");
	openLog(db, (n) => n % WEBHOOKS, 1);
	db.exec("INSERT INTO event_tags (project, tag, event) SELECT 1, 'some', seq FROM events WHERE seq % 60 = 0");
	db.exec("ANALYZE");
	const calls = createLogCalls(db, new DeliveryTable(db, 0), 1_000);
	const { found, pages } = walk(calls, SCOPES[2][1], { ...ANY_DELIVERY, ...NOBODY, tag: "some" });
	expect(found).toBe(0);
	// An event with its delivery takes 3.5 parts of a budget, and 200 events are read at once: 400 on a page.
	expect(pages).toBeGreaterThanOrEqual(EVENTS / 30 / 400);
});

describe("a customer who has very many webhooks", () => {
	it("reads a page by few statements, if few of them have deliveries", () => {
		using db = new DatabaseSync(":memory:");
		const made = countStatements(db);
		const calls = openLog(db, (n) => n % WEBHOOKS, 1, 2_000);
		addWebhooks(db, 10_000);
		const [, scope] = SCOPES[0];
		const before = made();
		const page = calls.deliveries(scope, { ...ANY_DELIVERY, ...NOBODY }, { limit: 100, cursor: null });
		expect(page.rows).toEqual([]);
		expect(made() - before).toBeLessThan(100);
	});

	it("reads a page by few statements, if all of them have deliveries", () => {
		using db = new DatabaseSync(":memory:");
		const made = countStatements(db);
		const calls = openLog(db, (n) => n % WEBHOOKS, 1, 20_000);
		addWebhooks(db, 2_000);
		db.exec(`UPDATE deliveries SET webhook = ${MORE} + 1 + (event / 10) % 2000 WHERE webhook <= ${WEBHOOKS}`);
		const [, scope] = SCOPES[0];
		const before = made();
		const page = calls.deliveries(scope, { ...ANY_DELIVERY, ...NOBODY }, { limit: 100, cursor: null });
		expect(page.rows).toEqual([]);
		expect(made() - before).toBeLessThan(400);
	});

	it("finds the deliveries of all", () => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, (n) => n % WEBHOOKS, 1, 4_000);
		addWebhooks(db, 150);
		db.exec(`UPDATE deliveries SET webhook = ${MORE} + 1 + event % 150 WHERE webhook <= ${WEBHOOKS}`);
		const [, scope] = SCOPES[0];
		expect(walk(calls, scope, ANY_DELIVERY).found).toBe(4_000 / OWN_EVERY);
		expect(walk(calls, scope, { ...ANY_DELIVERY, tag: "one" }).found).toBe(1);
		expect(walk(calls, scope, { ...ANY_DELIVERY, ...NOBODY }).found).toBe(0);
	});
});

describe("a customer who has a hundred webhooks", () => {
	const HUNDRED = 100;
	const HALF = BUDGET / 2;
	/** Those that the budget is for, and some entries of each webhook at least. */
	const MOST_ENTRIES = HALF / 0.08 + 4 * HUNDRED;

	it.each([
		["in turns", (n: number) => n % HUNDRED],
		["each in a time of its own", (n: number) => Math.floor((n * HUNDRED) / OWN)],
		["one after the other of some", (n: number) => (n < OWN / 2 ? n % 3 : Math.floor((n * HUNDRED) / OWN))],
	])("has all entries that a page reads counted, also those that are read ahead, %s", (_name, webhookOf) => {
		using db = new DatabaseSync(":memory:");
		let entries = 0;
		const prepare = db.prepare.bind(db);
		db.prepare = (sql: string) => {
			const statement = prepare(sql);
			const get = statement.get.bind(statement);
			const counting = (...values: SQLInputValue[]) => {
				const row = get(...values);
				const chunks: readonly (readonly number[])[] = JSON.parse(String(row?.["chunks"] ?? "[]"));
				entries += chunks.reduce((sum, [count = 0]) => sum + count, 0);
				return row;
			};
			// Newer ones are looked at to find out whether there are some behind the cursor.
			return sql.includes("AS chunks") && sql.includes("DESC")
				? Object.assign(statement, { get: counting })
				: statement;
		};
		migrate(db, 0);
		fill(db, () => 0, 2, EVENTS);
		addWebhooks(db, HUNDRED);
		db.function("own_of", (event) => MORE + 1 + webhookOf(Number(event) / 2 / OWN_EVERY - 1));
		db.exec(`UPDATE deliveries SET webhook = own_of(event) WHERE webhook <= ${WEBHOOKS}`);
		const calls = createLogCalls(db, new DeliveryTable(db, 0), HALF);
		const filter = { ...ANY_DELIVERY, statuses: ["Failed"], responseCodes: [{ from: 418, to: 418 }] } as const;
		let [most, request]: [number, PageRequest] = [0, { limit: 10, cursor: null }];
		for (let pages = 0; pages < 10; pages++) {
			entries = 0;
			const page = calls.deliveries(SCOPES[0][1], filter, request);
			most = Math.max(most, entries);
			const { nextPage } = pageCursors(page, request);
			if (nextPage === null) break;
			request = { limit: 10, cursor: decodeCursor(nextPage, (text) => isId("dlv", text)) };
		}
		expect(most).toBeGreaterThan(100);
		expect(most).toBeLessThanOrEqual(MOST_ENTRIES);
	});
});

describe("a filter that entries of an index tell all about", () => {
	it("finds a customer's deliveries without a look at rows that do not match", () => {
		using db = new DatabaseSync(":memory:");
		const seen: string[] = [];
		const prepare = db.prepare.bind(db);
		db.prepare = (sql: string) => {
			seen.push(sql);
			return prepare(sql);
		};
		const calls = openLog(db, (n) => n % WEBHOOKS, 2);
		db.exec("UPDATE deliveries SET response_code = 503 WHERE event / 10 % 100 = 0");
		const [, scope, own] = SCOPES[1];
		const filter = { ...ANY_DELIVERY, ...own, statuses: ["Failed"], responseCodes: [{ from: 503, to: 503 }] } as const;
		expect(walk(calls, scope, filter).found).toBe(countOf(db, "response_code = 503"));
		expect(calls.countDeliveries(scope, filter, null)).toMatchObject({
			count: countOf(db, "response_code = 503"),
			goesOnAt: null,
		});
		expect(seen.filter((sql) => sql.includes("AS chunks"))).not.toEqual([]);
		expect(seen.filter((sql) => sql.includes("AS fate"))).toEqual([]);
	});

	it("is read along the entries of the customer's webhooks alone, if the tag of each row must be looked up, too", () => {
		using db = new DatabaseSync(":memory:");
		const seen: string[] = [];
		const prepare = db.prepare.bind(db);
		db.prepare = (sql: string) => {
			seen.push(sql);
			return prepare(sql);
		};
		const calls = openLog(db, (n) => n % WEBHOOKS, 2);
		seen.length = 0;
		const [, scope, own] = SCOPES[1];
		walk(calls, scope, { ...ANY_DELIVERY, ...own, causes: ["refused"], tag: "often" });
		const rows = seen.filter((sql) => sql.includes("AS chunks") || sql.includes("CROSS JOIN deliveries delivery"));
		expect(rows.filter((sql) => sql.includes("INDEXED BY deliveries_by_webhook_status"))).not.toEqual([]);
		expect(rows.filter((sql) => sql.includes("INDEXED BY deliveries_by_status"))).toEqual([]);
	});
});

/** How many deliveries of the customer fulfil a condition. */
function countOf(db: DatabaseSync, condition: string): number {
	const row = db.prepare(`SELECT count(*) AS n FROM deliveries WHERE webhook <= ${WEBHOOKS} AND ${condition}`).get();
	return Number(row?.["n"]);
}

describe("a customer's pages and counts", () => {
	const ROWS = 1_500;
	const filters = [
		{},
		NOBODY,
		{ ...NOBODY, tag: "often" },
		{ eventTypes: ["none.*"] },
		{ statuses: ["Pending", "Succeeded"], eventTypes: ["order.*"] },
		{ statuses: ["Failed"] },
		{ statuses: ["Failed", "Pending"], ...LATER },
		{ webhookId: "webhook_00000000-0002-7000-8000-000000000000" },
	] as const;
	/** Some rows are open, and some have failed. `change` says what of others there is, and which rows are listed. */
	const pagesWith = (webhooks: number, change: (db: DatabaseSync) => void) => {
		using db = new DatabaseSync(":memory:");
		migrate(db, 0);
		fill(db, (n) => n % WEBHOOKS, 1, ROWS);
		if (webhooks > WEBHOOKS) {
			addWebhooks(db, webhooks);
			db.exec(`UPDATE deliveries SET webhook = ${MORE} + 1 + event % ${webhooks} WHERE webhook <= ${WEBHOOKS}`);
		}
		db.exec(`
			INSERT INTO open (seq, event, webhook, project, listed) SELECT seq, event, webhook, project, 1 FROM deliveries WHERE event / 10 % 5 = 0;
			DELETE FROM deliveries WHERE event / 10 % 5 = 0;
			UPDATE deliveries SET status = 2, response_code = 500, change = seq WHERE event / 10 % 5 = 1;
		`);
		change(db);
		const calls = createLogCalls(db, new DeliveryTable(db, 0), webhooks > WEBHOOKS ? 600 : 60);
		return filters.map((some) => {
			const filter = { ...ANY_DELIVERY, ...some };
			const pages: unknown[] = [];
			for (const direction of ["older", "newer"] as const) {
				let id: string | null = `dlv_${direction === "older" ? "f" : "0"}0000000-0000-7000-8000-000000000000`;
				while (id !== null) {
					const request: PageRequest = { limit: 10, cursor: { direction, id } };
					const { rows, ...page } = calls.deliveries(SCOPES[0][1], filter, request);
					pages.push({ ...page, ids: rows.map((row) => row.id) });
					const { nextPage, prevPage } = pageCursors({ ...page, rows }, request);
					const next = direction === "older" ? nextPage : prevPage;
					id = next === null ? null : decodeCursor(next, (text) => isId("dlv", text)).id;
				}
			}
			for (let place: string | null = null; ;) {
				const part: ReturnType<Calls["countDeliveries"]> = calls.countDeliveries(SCOPES[0][1], filter, place);
				pages.push(part);
				place = part.goesOnAt;
				if (place === null) return pages;
			}
		});
	};
	const isOthers = `webhook BETWEEN ${WEBHOOKS + 1} AND ${WEBHOOKS + OTHER_WEBHOOKS}`;
	const listUpTo = (db: DatabaseSync, full: number, open: number) => {
		db.prepare("UPDATE deliveries SET listed = (seq <= ?)").run(full);
		db.prepare("UPDATE open SET listed = (seq <= ?)").run(open);
	};

	it.each([WEBHOOKS, 150])(
		"end in the same places whatever others have, and whichever rows are in no index yet, with %i webhooks",
		(webhooks) => {
			const expected = pagesWith(webhooks, () => undefined);
			expect(expected.flat().length).toBeGreaterThan(50);
			const alone = pagesWith(webhooks, (db) =>
				db.exec(`DELETE FROM deliveries WHERE ${isOthers}; DELETE FROM open WHERE ${isOthers}`),
			);
			expect(alone).toEqual(expected);
			for (const [full, open] of [
				[0, 0],
				[2 * ROWS - 400, 2 * ROWS - 1_500],
				[2 * ROWS - 1_003, 2 * ROWS - 40],
			] as const) {
				expect(pagesWith(webhooks, (db) => listUpTo(db, full, open))).toEqual(expected);
			}
		},
		60_000,
	);
});

describe("a page that ends among deliveries that a replay has made", () => {
	it("says how far it has looked by them, and not by an event of somebody else", () => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, (n) => n % WEBHOOKS, 1, EVENTS);
		// So few that a key's list reads along their index, too, and not along the table.
		db.exec(`DELETE FROM deliveries WHERE webhook <= ${WEBHOOKS} AND event / ${2 * OWN_EVERY} % 2 = 0`);
		const replayedAt = 100 * EVENTS;
		const replay = db.prepare("UPDATE deliveries SET outside = 1, own_id = ? WHERE seq = ?");
		for (const { seq } of db.prepare("SELECT seq FROM deliveries WHERE webhook <= ?").all(WEBHOOKS)) {
			replay.run(firstIdAt(replayedAt + Number(seq)), Number(seq));
		}
		for (const [, scope, own] of SCOPES.slice(0, 2)) {
			const page = calls.deliveries(scope, { ...ANY_DELIVERY, ...own, ...NOBODY }, { limit: 100, cursor: null });
			expect(page.scannedTo).toBeGreaterThan(replayedAt);
		}
	});
});

/** Counts the statements that are executed from now on. */
function countStatements(db: DatabaseSync): () => number {
	let made = 0;
	const prepare = db.prepare.bind(db);
	db.prepare = (sql: string) => {
		const statement = prepare(sql);
		const [all, get] = [statement.all.bind(statement), statement.get.bind(statement)];
		return Object.assign(statement, {
			all: (...values: SQLInputValue[]) => (made++, all(...values)),
			get: (...values: SQLInputValue[]) => (made++, get(...values)),
		});
	};
	return () => made;
}

type Calls = ReturnType<typeof openLog>;

/** Goes through a list from its newest row on. */
function walk(calls: Calls, scope: Scope, filter: DeliveryFilter) {
	let [found, pages] = [0, 0];
	let request: PageRequest = { limit: 100, cursor: null };
	for (;;) {
		const page = calls.deliveries(scope, filter, request);
		found += page.rows.length;
		pages++;
		const { nextPage } = pageCursors(page, request);
		if (nextPage === null) return { found, pages };
		const cursor = decodeCursor(nextPage, (text) => isId("dlv", text));
		if (cursor.id === request.cursor?.id) throw new Error("the list does not get on");
		request = { limit: 100, cursor };
	}
}

/** Opens the calls on a log of deliveries that all have this status. */
function openLog(db: DatabaseSync, webhookOf: (n: number) => number, status: 1 | 2, events = EVENTS) {
	migrate(db, 0);
	fill(db, webhookOf, status, events);
	return createLogCalls(db, new DeliveryTable(db, 0), BUDGET);
}

/** A UUID of this time. Those of an event's deliveries follow it. */
function idOf(n: number): Buffer {
	return Buffer.from(`${n.toString(16).padStart(12, "0")}70008000000000000000`.slice(0, 32), "hex");
}

const PROJECT_ID = Buffer.from(PROJECT.slice("proj_".length), "hex");

/** The numbers of further webhooks come after this one. */
const MORE = 100_000;

/** Adds webhooks of the customer. */
function addWebhooks(db: DatabaseSync, count: number): void {
	db.prepare(`
		WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
		INSERT INTO webhooks (id, project_id, name, endpoint, max_retries, max_backoff_ms, timeout_ms, metadata, status,
			header_names, secret_hint, create_date, update_date, number, customer_id)
		SELECT unhex(printf('%032x', ${MORE} + n)), ?, 'W', 'https://example.com', 1, 1, 1, '{}', 0, '[]', 'abcd', 0, 0, ${MORE} + n, 'acme'
		FROM n
	`).run(count, PROJECT_ID);
}

/** The first webhooks belong to the customer. */
function fill(db: DatabaseSync, webhookOf: (n: number) => number, status: 1 | 2, events: number): void {
	db.prepare("INSERT INTO projects (id, workspace_id, name, create_date, number) VALUES (?, x'', 'P', 0, 1)").run(
		PROJECT_ID,
	);
	const webhook = db.prepare(`
		INSERT INTO webhooks (id, project_id, name, endpoint, max_retries, max_backoff_ms, timeout_ms, metadata, status,
			header_names, secret_hint, create_date, update_date, number, customer_id)
		VALUES (?, ?, 'W', 'https://example.com', 1, 1, 1, '{}', 0, '[]', 'abcd', 0, 0, ?, ?)
	`);
	for (let n = 1; n <= WEBHOOKS + OTHER_WEBHOOKS; n++)
		webhook.run(idOf(n), PROJECT_ID, n, n <= WEBHOOKS ? "acme" : null);
	db.function("webhook_of", (n) => {
		const number = Number(n);
		if (number % OWN_EVERY !== 0) return WEBHOOKS + 1 + (number % OTHER_WEBHOOKS);
		return 1 + webhookOf(number / OWN_EVERY - 1);
	});
	const [code, cause, type] = status === 1 ? [200, 0, null] : [500, 1, typeHash("order.paid")];
	const all = `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${events})`;
	db.exec("BEGIN");
	db.exec(`
		INSERT INTO events (seq, id, project, type, timestamp, create_date, delivery_count, body)
		${all} SELECT 2 * n, unhex(printf('%012x', n) || '70008000000000000000'), 1, 'order.paid', 0, n, 1, x'00' FROM n
	`);
	db.exec(`INSERT INTO event_tags (project, tag, event) ${all} SELECT 1, 'often', 2 * n FROM n`);
	db.exec(`INSERT INTO event_tags (project, tag, event) VALUES (1, 'one', ${2 * OWN_EVERY})`);
	db.prepare(`
		INSERT INTO deliveries (seq, event, webhook, project, status, attempt_count, auto_attempt_count, trigger, response_code,
			update_date, change, cause, type)
		${all} SELECT 2 * n + 1, 2 * n, webhook_of(n), 1, $status, 1, 1, 0, $code, n, iif($status = 1, NULL, n), $cause, $type FROM n
	`).run({ $status: status, $code: code ?? 0, $cause: cause ?? 0, $type: type ?? null });
	db.exec("COMMIT");
	db.exec("ANALYZE");
}
