// Every filter finds the same deliveries whichever way leads to them: along an index, along the table, by the changes.
import { DatabaseSync } from "node:sqlite";

import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../../core/access/principal.ts";
import { DELIVERY_STATUSES } from "../../../../core/delivery.ts";
import { isId } from "../../../../core/ids.ts";
import { causeCode, causeOf } from "../../../../core/log/attempt-cause.ts";
import { decodeCursor, pageCursors, type PageRequest } from "../../../../core/page.ts";
import { eventTypeMatcher } from "../../../../core/webhook.ts";
import { ANY_CHANGE } from "../../../../ports/contract/store/records/logged.ts";
import { ANY_DELIVERY, Records } from "../../../../ports/contract/store/records/records.ts";
import type { CodeRange, DeliveryFilter, EventFilter, LoggedDelivery } from "../../../../ports/store/log.ts";
import { attemptText } from "../../codec/attempt-rows.ts";
import { typeHash } from "../../codec/delivery-rows.ts";
import { CHANGES_PER_MS } from "../../deliveries/change-numbers.ts";
import { DeliveryTable } from "../../deliveries/delivery-table.ts";
import { migrate } from "../../schema/migrate.ts";
import { createLogCalls } from "../log.ts";

const EVENTS = 3_000;
const TYPES = ["order.paid", "order.sent", "user.new", "rare.one"] as const;
/** With these, more types begin with `order.` than are looked up for each row. */
const STEPS = ["order.step-1", "order.step-2", "order.step-3"] as const;
const OUTCOMES = [
	{ responseCode: 200, error: null, cause: null },
	{ responseCode: 204, error: null, cause: null },
	{ responseCode: 500, error: null, cause: null },
	{ responseCode: 429, error: null, cause: null },
	{ responseCode: 0, error: "timeout", cause: "connect_timeout" },
	{ responseCode: 200, error: "reset", cause: "closed_during_response" },
] as const;
/** One of most events, and one of few. */
const TAGS = ["often", "seldom"] as const;
const PROJECTS = [1, 2] as const;
const PROJECT = `proj_${"0".repeat(31)}1`;

/** Which of its projects a store is full of: the ways to a project's deliveries depend on how many are between them. */
const STORES = [
	["one project alone", () => 1],
	["two projects in turns", (n: number) => 1 + (n % 2)],
	["few deliveries among those of others", (n: number) => (n % 40 === 0 ? 1 : 2)],
	["a desert of others in the middle", (n: number) => (n > 800 && n < 2_300 ? 2 : 1)],
] as const;

/** As much as there is, and so little that pages end early. */
const BUDGETS = [10_000, 60];

describe.each(STORES)("filters in a store with %s", (_name, projectOf) => {
	it.each(BUDGETS)("find in pages and count what matches, in both directions, with a budget of %i", (budget) => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, projectOf, budget);
		const all = walk(calls, projectScope(PROJECT), ANY_DELIVERY, "older");
		expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
		expect(all.every(({ projectId }) => projectId === PROJECT)).toBe(true);
		const deliveries = db.prepare("SELECT count(*) AS n FROM deliveries WHERE project = 1").get()?.["n"];
		const open = db.prepare("SELECT count(*) AS n FROM open WHERE project = 1").get()?.["n"];
		expect(all).toHaveLength(Number(deliveries) + Number(open));
		fc.assert(
			fc.property(filters(all), scopes, (filter, scope) => {
				const expected = all.filter((delivery) => matches(delivery, filter) && isIn(scope, delivery));
				const ids = expected.map(({ id }) => id);
				expect(walk(calls, scope, filter, "older").map(({ id }) => id)).toEqual(ids);
				expect(walk(calls, scope, filter, "newer").map(({ id }) => id)).toEqual(ids.toReversed());
				expect(count(calls, scope, filter)).toBe(ids.length);
			}),
			{ numRuns: runs(20) },
		);
	});

	it("find the same in the order of changes", () => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, projectOf);
		const scope = projectScope(PROJECT);
		const all = walk(calls, scope, ANY_DELIVERY, "older");
		const changes = new Map(
			db
				.prepare("SELECT seq, change FROM deliveries WHERE project = 1 AND change IS NOT NULL")
				.all()
				.map(({ seq, change }) => [Number(seq), Number(change)]),
		);
		const numberOf = ({ id }: LoggedDelivery) => changes.get(seqOf(id)) ?? 0;
		fc.assert(
			fc.property(filters(all), (filter) => {
				const statuses = filter.statuses?.filter((status) => status !== "Succeeded") ?? [];
				const [first, ...others] = statuses;
				if (first === undefined) return;
				const { webhookId, customerId = null, tag = null, eventTypes, responseCodes, causes } = filter;
				const { updatedAfter, updatedBefore } = filter;
				const own = { webhookId, customerId, tag, eventTypes, responseCodes, causes, updatedAfter, updatedBefore };
				const expected = all
					.filter((delivery) => delivery.attemptCount > 0 || delivery.status !== "Pending")
					.filter((delivery) => matches(delivery, { ...ANY_DELIVERY, ...own, statuses }))
					.sort((a, b) => numberOf(b) - numberOf(a));
				const request = { limit: 1_000, cursor: null };
				const wanted = { ...ANY_CHANGE, ...own, statuses: [first, ...others] } as const;
				const found = calls.changedDeliveries(scope, wanted, request).rows;
				expect(found.map(({ delivery }) => delivery.id)).toEqual(expected.slice(0, 1_000).map(({ id }) => id));
			}),
			{ numRuns: runs(20) },
		);
	});
});

const of204 = { responseCodes: [{ from: 204, to: 204 }] };

it("are read along the table where that is faster, and along an index where others' rows are between", () => {
	expect(statements(() => 1, of204)).toContain(
		"FROM deliveries entry NOT INDEXED WHERE entry.project = ? AND (entry.response_code BETWEEN ? AND ?)",
	);
	expect(statements((n) => (n % 40 === 0 ? 1 : 2), of204)).toContain("events_by_project");
	expect(statements(() => 1, { ...of204, eventTypes: ["rare.one"] })).toContain("events_by_type");
	expect(statements(() => 1, { statuses: ["Failed"] })).toContain("deliveries_by_status");
	expect(statements(() => 1, { statuses: ["Failed"], updatedAfter: EVENTS + 1_000 })).toContain("json_each");
});

it("have the events of few rows looked at one by one, and those of many types found at once where many rows need it", () => {
	const types = { eventTypes: ["order.*"] };
	const atOnce = "FROM json_each(?) name CROSS JOIN events typed";
	expect(statements(() => 1, types)).toContain(atOnce);
	const few = statements(() => 1, { ...of204, updatedBefore: 1_000, ...types });
	expect(few).toContain("FROM (SELECT value AS seq FROM json_each(?)) looked CROSS JOIN deliveries delivery");
	expect(few).not.toContain(atOnce);
});

/** The statements by which a page reads full rows. */
function statements(projectOf: (n: number) => number, filter: Partial<DeliveryFilter>): string {
	using db = new DatabaseSync(":memory:");
	const seen: string[] = [];
	const prepare = db.prepare.bind(db);
	db.prepare = (sql: string) => {
		seen.push(sql.replaceAll(/\s+/g, " "));
		return prepare(sql);
	};
	const calls = openLog(db, projectOf);
	seen.length = 0;
	calls.deliveries(projectScope(PROJECT), { ...ANY_DELIVERY, ...filter }, { limit: 10, cursor: null });
	return seen.filter((sql) => sql.includes("CROSS JOIN deliveries delivery")).join("\n");
}

it("end a customer's pages in the same places, whatever types the events of others have, and which are internal", () => {
	const pagesWith = (types: readonly string[], internal: readonly string[]) => {
		using db = new DatabaseSync(":memory:");
		const calls = openLog(db, () => 1, 60);
		const event = db.prepare(`
			INSERT INTO events (seq, id, project, type, timestamp, create_date, delivery_count, customer, body)
			VALUES (?, ?, 1, ?, 0, ?, 0, ?, x'00')
		`);
		const add = (n: number, type: string, customer: string | null) => event.run(2 * n, idOf(n), type, n, customer);
		db.exec("BEGIN");
		for (const [index, type] of types.entries()) add(EVENTS + 1 + index, type, null);
		for (let n = 1; n <= 40_000; n++) add(2 * EVENTS + n, "order.paid", "acme");
		for (const name of internal) {
			db.prepare(`
				INSERT INTO event_types (project_id, name, archived, visibility, create_date, update_date)
				SELECT id, ?, 0, 1, 0, 0 FROM projects WHERE number = 1
			`).run(name);
		}
		db.exec("COMMIT");
		const scope = customerScope(PROJECT, "acme");
		const page = { limit: 10, cursor: null };
		const ends = [["secret.*"], ["secret.*", "rare.two"]].flatMap((eventTypes) => [
			calls.deliveries(scope, { ...ANY_DELIVERY, eventTypes }, page),
			calls.deliveries(scope, { ...ANY_DELIVERY, eventTypes, statuses: ["Failed", "Held", "Pending"] }, page),
			calls.countDeliveries(scope, { ...ANY_DELIVERY, eventTypes }, null),
			calls.events(scope, { ...EVERY_EVENT, types: eventTypes }, page),
		]);
		return [...ends, calls.events(scope, { ...EVERY_EVENT, tag: "none" }, page)];
	};
	const expected = pagesWith([], []);
	expect(expected.every((end) => "scannedTo" in end && end.scannedTo !== null)).toBe(true);
	const some = (count: number) => Array.from({ length: count }, (_, n) => `secret.${n}`);
	for (const count of [1, 300, 1_100]) {
		expect([count, pagesWith(some(count), [])]).toEqual([count, expected]);
	}
	for (const count of [5]) expect([count, pagesWith([], some(count))]).toEqual([count, expected]);
});

const EVERY_EVENT: EventFilter = { types: null, after: null, before: null };

type Calls = ReturnType<typeof openLog>;

const scopes: fc.Arbitrary<Scope> = fc.constantFrom(
	projectScope(PROJECT),
	projectScope(PROJECT),
	customerScope(PROJECT, "acme"),
);

function isIn(scope: Scope, { customerId }: LoggedDelivery): boolean {
	return scope.kind === "project" || customerId === scope.customerId;
}

/** All deliveries of a list, page by page. */
function walk(calls: Calls, scope: Scope, filter: DeliveryFilter, direction: "older" | "newer"): LoggedDelivery[] {
	const edge = direction === "older" ? "ffffffff-ffff-7fff-bfff-ffffffffffff" : "00000000-0000-7000-8000-000000000000";
	const found: LoggedDelivery[] = [];
	for (let id: string | null = `dlv_${edge}`; id !== null;) {
		const request: PageRequest = { limit: 300, cursor: { direction, id } };
		const page = calls.deliveries(scope, filter, request);
		found.push(...(direction === "older" ? page.rows : page.rows.toReversed()));
		const { nextPage, prevPage } = pageCursors(page, request);
		const next = direction === "older" ? nextPage : prevPage;
		const goesOn: string | null = next === null ? null : decodeCursor(next, (text) => isId("dlv", text)).id;
		if (goesOn === id) throw new Error("the list does not get on");
		id = goesOn;
	}
	return found;
}

function count(calls: Calls, scope: Scope, filter: DeliveryFilter): number {
	let sum = 0;
	for (let goesOnAt: string | null = null; ;) {
		const part: ReturnType<Calls["countDeliveries"]> = calls.countDeliveries(scope, filter, goesOnAt);
		sum += part.count;
		goesOnAt = part.goesOnAt;
		if (goesOnAt === null) return sum;
	}
}

function filters(all: readonly LoggedDelivery[]): fc.Arbitrary<DeliveryFilter> {
	const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 1, nil: null });
	const seldom = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 3, nil: null });
	const some = <T>(...entries: readonly T[]) =>
		fc.uniqueArray(fc.constantFrom(...entries), { minLength: 1, maxLength: 2 });
	const time = fc.nat(EVENTS + 2_000);
	const codes: CodeRange[] = [204, 429, 0].map((code) => ({ from: code, to: code }));
	return fc.record({
		tag: seldom(fc.constantFrom(...TAGS, "none")),
		customerId: seldom(fc.constantFrom("acme", "globex")),
		webhookId: seldom(fc.constantFrom(...new Set(all.map(({ webhookId }) => webhookId)))),
		eventId: fc.constant(null),
		eventTypes: maybe(some("order.*", ...TYPES, "none.*")),
		statuses: maybe(some(...DELIVERY_STATUSES)),
		responseCodes: seldom(some(...codes, { from: 200, to: 299 }, { from: 500, to: 599 })),
		causes: seldom(some("status_5xx", "connect_timeout", "closed_during_response")),
		updatedAfter: seldom(time),
		updatedBefore: seldom(time),
		after: seldom(time),
		before: seldom(time),
	});
}

function matches(delivery: LoggedDelivery, filter: DeliveryFilter): boolean {
	const { webhookId, customerId = null, tag = null, eventTypes, statuses, responseCodes, causes } = filter;
	const { responseCode, createDate, updateDate } = delivery;
	return (
		(tag === null || hasTag((seqOf(delivery.id) - 1) / 2, tag)) &&
		(webhookId === null || webhookId === delivery.webhookId) &&
		(customerId === null || customerId === delivery.customerId) &&
		(eventTypes === null || eventTypeMatcher(eventTypes)(delivery.eventType)) &&
		(statuses === null || statuses.includes(delivery.status)) &&
		(responseCodes === null ||
			responseCodes.some(({ from, to }) => responseCode !== null && responseCode >= from && responseCode <= to)) &&
		(causes === null || causes.some((cause) => cause === delivery.lastAttempt?.cause)) &&
		(filter.updatedAfter === null || updateDate >= filter.updatedAfter) &&
		(filter.updatedBefore === null || updateDate < filter.updatedBefore) &&
		(filter.after === null || createDate >= filter.after) &&
		(filter.before === null || createDate < filter.before)
	);
}

/** Whether event `n` has a tag. */
function hasTag(n: number, tag: string): boolean {
	return tag === "often" ? n % 3 !== 0 : tag === "seldom" && n % 70 === 0;
}

/** The number of a delivery, from the time in its id, which is the number of its event. */
function seqOf(deliveryId: string): number {
	return 2 * Number.parseInt(deliveryId.slice("dlv_".length).replaceAll("-", "").slice(0, 12), 16) + 1;
}

/** Opens the calls on a log in which event `n` belongs to the project that `projectOf` names. */
function openLog(db: DatabaseSync, projectOf: (n: number) => number, budget?: number) {
	migrate(db, 0);
	fill(db, projectOf);
	return createLogCalls(db, new DeliveryTable(db, 0), budget);
}

/** A UUID of this time. Those of an event's deliveries follow it. */
function idOf(n: number): Buffer {
	return Buffer.from(`${n.toString(16).padStart(12, "0")}70008000000000000000`.slice(0, 32), "hex");
}

/** Events with one delivery each, to three webhooks a project, of which one belongs to a customer. */
function fill(db: DatabaseSync, projectOf: (n: number) => number): void {
	const project = db.prepare(
		"INSERT INTO projects (id, workspace_id, name, create_date, number) VALUES (?, x'', 'P', 0, ?)",
	);
	const webhook = db.prepare(`
		INSERT INTO webhooks (id, project_id, name, endpoint, max_retries, max_backoff_ms, timeout_ms, metadata, status,
			header_names, secret_hint, create_date, update_date, number, customer_id)
		VALUES (?, ?, 'W', 'https://example.com', 1, 1, 1, '{}', 0, '[]', 'abcd', 0, 0, ?, ?)
	`);
	for (const number of PROJECTS) {
		const id = Buffer.from(`${"0".repeat(31)}${number}`, "hex");
		project.run(id, number);
		for (const n of [1, 2, 3]) webhook.run(idOf(10 * number + n), id, 10 * number + n, n === 3 ? "acme" : null);
	}
	const event = db.prepare(`
		INSERT INTO events (seq, id, project, type, timestamp, create_date, delivery_count, body) VALUES (?, ?, ?, ?, 0, ?, 1, x'00')
	`);
	const open = db.prepare("INSERT INTO open (seq, event, webhook, project, listed) VALUES (?, ?, ?, ?, 1)");
	const full = db.prepare(`
		INSERT INTO deliveries (seq, event, webhook, project, status, attempt_count, auto_attempt_count, trigger, response_code,
			update_date, change, attempt, cause, type)
		VALUES (?, ?, ?, ?, ?, ?, 1, 0, ?, ?, ?, ?, ?, ?)
	`);
	const tagged = db.prepare("INSERT INTO event_tags (project, tag, event) VALUES (?, ?, ?)");
	const attempt = db.prepare("INSERT INTO attempts (delivery, number, attempt) VALUES (?, ?, ?)");
	const records = new Records();
	db.exec("BEGIN");
	for (let n = 1; n <= EVENTS; n++) {
		const [seq, own] = [2 * n, projectOf(n)];
		const type =
			n % 900 === 0 ? "rare.one" : ((n % 9 === 1 ? STEPS[Math.floor(n / 9) % STEPS.length] : TYPES[(n * 7) % 3]) ?? "");
		const to = 10 * own + 1 + ((n * 5) % 3);
		event.run(seq, idOf(n), own, type, n);
		for (const tag of TAGS) if (hasTag(n, tag)) tagged.run(own, tag, seq);
		if (n % 13 === 0) {
			open.run(seq + 1, seq, to, own);
			continue;
		}
		const outcome = OUTCOMES[(n * 11) % OUTCOMES.length] ?? OUTCOMES[0];
		const isPlain = outcome.error === null && outcome.responseCode < 300;
		// Succeeded deliveries whose late attempt has failed, too.
		const status = isPlain ? (n % 6 === 0 ? 3 : 1) : n % 50 === 0 ? 1 : [0, 2, 3, 4][(n * 3) % 4];
		// Rows of an earlier version do not tell their cause and type.
		const isOld = n % 5 === 0;
		const text = attemptText(records.attempt(1, outcome));
		const isSecond = n % 7 === 0;
		const first = isSecond ? attemptText(records.attempt(1, { responseCode: 503 })) : text;
		const updated = n + ((n * 37) % 900);
		full.run(
			seq + 1,
			seq,
			to,
			own,
			status ?? 2,
			isSecond ? 2 : 1,
			outcome.responseCode,
			updated,
			status === 1 ? null : updated * CHANGES_PER_MS + (n % CHANGES_PER_MS),
			first,
			isOld ? null : causeCode(causeOf(outcome)),
			isOld || status === 1 ? null : typeHash(type),
		);
		if (isSecond) attempt.run(seq + 1, 2, text);
	}
	db.exec("COMMIT");
}
