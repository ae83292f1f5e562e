// The plans of the statements that read lists: each walks along the index that its filter names, in order, whether the tables are empty, or
// have grown since ANALYZE has looked at them, or have not.
import { afterAll, beforeAll, expect, it } from "vitest";

import { customerScope } from "../../../../core/access/principal.ts";
import { ANY_CHANGE } from "../../../../ports/contract/store/records/logged.ts";
import { addWebhook, ANY_DELIVERY, fillStore, type World } from "../../../../ports/contract/store/records/records.ts";
import type { DeliveryFilter, EventFilter } from "../../../../ports/store/log.ts";
import { systemClock } from "../../../system/system-clock.ts";
import { text } from "../../codec/rows.ts";
import { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { fillLog } from "../../test/fill-log.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";
import { STEADY } from "../../test/test-store.ts";
import { createChangedDeliveries } from "./deliveries/changes.ts";
import { createDeliveryLists } from "./deliveries/deliveries.ts";
import { createEventPage } from "./events/events.ts";

const ANY_EVENT: EventFilter = { types: null, after: null, before: null };
const PAGE = { limit: 100, cursor: null };

/** Entries that do not come in their order. A Merge Append has a sort key, too, and sorts nothing. */
const SORTED = /Bitmap.*|-> {2}(?:Incremental )?Sort .*\n\s*Sort Key: entry.*/g;

const WHOLE_TABLE =
	/Seq Scan on (?:deliveries|open_deliveries|events|event_tags|event_customers|attempts|idempotency).*|hashed SubPlan.*event\b.*/g;

/** A database that explains each statement before it runs it. */
class ExplainingDatabase extends Database {
	readonly plans: string[] = [];

	override snapshot<T>(work: (session: Session) => Promise<T>): Promise<T> {
		return super.snapshot(async (session) => {
			const explain = async (sql: string, values: readonly unknown[]) => {
				const rows = await session.query(`EXPLAIN ${sql}`, values);
				this.plans.push(rows.map((row) => text(row["QUERY PLAN"])).join("\n"));
			};
			return work({
				connection: session.connection,
				run: async (statement, values = []) => {
					await explain(statement.text, values);
					return session.run(statement, values);
				},
				query: async (sql, values = []) => {
					await explain(sql, values);
					return session.query(sql, values);
				},
				change: (statement, values) => session.change(statement, values),
				script: (sql) => session.script(sql),
				longScript: (sql) => session.longScript(sql),
			});
		});
	}
}

/** A list, and the columns of the indexes that it walks along; `open`, `deliveries` and `events` are tables. */
type Case = readonly [name: string, read: (world: World, database: Database) => Promise<unknown>, indexes: RegExp];

const deliveries = (name: string, filter: Partial<DeliveryFilter>, indexes: RegExp): Case => [
	name,
	({ scope }, database) => createDeliveryLists(database).deliveries(scope, { ...ANY_DELIVERY, ...filter }, PAGE),
	indexes,
];
const events = (name: string, filter: Partial<EventFilter>, indexes: RegExp): Case => [
	name,
	({ scope }, database) => createEventPage(database)(scope, { ...ANY_EVENT, ...filter }, PAGE),
	indexes,
];

const WITH_KEY = "events with a key";
const WITH_TAG = "deliveries with a tag that many have";

const CASES: readonly Case[] = [
	deliveries("all deliveries", {}, /deliveries_\d+_project_id_id_idx/),
	deliveries("deliveries by type", { eventTypes: ["order.*"] }, /deliveries_\d+_project_id_id_idx/),
	deliveries("deliveries with a status", { statuses: ["Failed"] }, /deliveries_\d+_project_id_status_id_idx/),
	deliveries("waiting deliveries", { statuses: ["Held"] }, /open_deliveries_by_project/),
	deliveries("deliveries with a cause", { causes: ["connect_timeout"] }, /deliveries_\d+_project_id_status_id_idx/),
	[
		"deliveries of a webhook",
		({ scope, webhookId }, database) =>
			createDeliveryLists(database).deliveries(scope, { ...ANY_DELIVERY, webhookId }, PAGE),
		/deliveries_\d+_webhook_id_id_idx/,
	],
	[
		"failed deliveries of a webhook",
		({ scope, webhookId }, database) => {
			const filter = { ...ANY_DELIVERY, webhookId, statuses: ["Failed"] as const };
			return createDeliveryLists(database).deliveries(scope, filter, PAGE);
		},
		/deliveries_\d+_webhook_id_status_id_idx/,
	],
	deliveries(WITH_TAG, { tag: "often" }, /event_tags_\d+_pkey/),
	deliveries("deliveries with a rare tag", { tag: "once" }, /deliveries_\d+_event_id_id_idx/),
	[
		"what a customer reads",
		({ projectId }, database) =>
			createDeliveryLists(database).deliveries(customerScope(projectId, "acme"), ANY_DELIVERY, PAGE),
		/deliveries_\d+_webhook_id_id_idx/,
	],
	[
		"a count",
		({ scope }, database) => createDeliveryLists(database).countDeliveries(scope, ANY_DELIVERY, null),
		/deliveries_\d+_project_id_id_idx/,
	],
	[
		"changed deliveries",
		({ scope }, database) => createChangedDeliveries(database)(scope, { ...ANY_CHANGE, statuses: ["Failed"] }, PAGE),
		/deliveries_\d+_project_id_status_change_id_idx/,
	],
	events("all events", {}, /events_\d+_project_id_id_idx/),
	events("events of a type", { types: ["order.paid"] }, /events_\d+_project_id_type_id_idx/),
	events("events with a tag", { tag: "often" }, /event_tags_\d+_pkey/),
	events(WITH_KEY, { idempotencyKey: "k" }, /idempotency_keys_pkey/),
	events("events for a customer", { customerId: "acme" }, /event_customers_\d+_pkey/),
	events("events that no webhook wanted", { unmatched: true }, /events_\d+_project_id_id_idx1/),
	[
		"events that a customer reads",
		({ projectId }, database) => createEventPage(database)(customerScope(projectId, "acme"), ANY_EVENT, PAGE),
		/event_customers_\d+_pkey/,
	],
];

describeOnPostgres("lists of the log", { settings: STEADY }, (test) => {
	let world: World;
	let database: ExplainingDatabase;
	beforeAll(async () => {
		world = await fillStore(await test.openEmpty(), 3);
		await addWebhook(world.store, world.records.webhook(world.projectId, { customerId: "acme" }));
		database = new ExplainingDatabase({ url: test.url, clock: systemClock });
	});
	afterAll(() => database.close());

	/** Explains all statements of a case. Of those that read entries, returns what leads to them. */
	const check = async ([name, read, indexes]: Case) => {
		database.plans.length = 0;
		await read(world, database);
		const plans = database.plans.join("\n\n");
		const walks = database.plans.filter((plan) => /WindowAgg|Function Scan on (?:unnest )?given/.test(plan));
		expect([name, walks.length]).not.toEqual([name, 0]);
		// Entries come from the index in their order, no table is read as a whole, and none is put into a hash table for a look at some entries.
		const bad = [...walks.flatMap((walk) => walk.match(SORTED) ?? []), ...(plans.match(WHOLE_TABLE) ?? [])];
		expect([name, bad]).toEqual([name, []]);
		const seen = walks.join("\n");
		expect([name, indexes.test(seen) ? "as expected" : seen]).toEqual([name, "as expected"]);
	};

	it("walk along the indexes of their filters", async () => {
		const start = world.records.now;
		const fill = { projectId: world.projectId, webhookIds: world.webhookIds, start, days: 3 };
		await fillLog(database, { ...fill, count: 12 });
		// In a dozen rows, an index by the event alone leads to a key as fast, and no tag is one that many have.
		for (const each of CASES) if (each[0] !== WITH_KEY && each[0] !== WITH_TAG) await check(each);
		await fillLog(database, { ...fill, start: start + 7, count: 6_000 });
		for (const each of CASES) await check(each);
		await test.server.query("VACUUM ANALYZE", test.url);
		for (const each of CASES) await check(each);
	});
});
