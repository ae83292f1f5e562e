// How many locks a page takes that is not limited to some days: docs/postgres.md says from how many days on the database needs room for more.
import { readFileSync } from "node:fs";

import { afterAll, beforeAll, expect, it } from "vitest";

import { ANY_DELIVERY, fillStore, NEWEST, type World } from "../../../../ports/contract/store/records/records.ts";
import type { DeliveryFilter, EventFilter } from "../../../../ports/store/log.ts";
import { systemClock } from "../../../system/system-clock.ts";
import { number } from "../../codec/rows.ts";
import { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { fillLog } from "../../test/fill-log.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";
import { STEADY } from "../../test/test-store.ts";
import { createDeliveryLists } from "./deliveries/deliveries.ts";
import { createEventPage } from "./events/events.ts";

const DOCUMENT = readFileSync(new URL("../../../../../../../docs/postgres.md", import.meta.url), "utf8");
const ANY_EVENT: EventFilter = { types: null, after: null, before: null };
/** As the documentation says it. */
const [, LOCKS_OF_A_DAY] = /up to (\d+) locks for each day/.exec(DOCUMENT)?.map(Number) ?? [];
const [FEW, MANY] = [2, 12];

/** Remembers how many locks its last read had at its end. */
class CountingDatabase extends Database {
	locks = 0;

	override read<T>(work: (session: Session) => Promise<T>): Promise<T> {
		return this.snapshot(work);
	}

	override snapshot<T>(work: (session: Session) => Promise<T>): Promise<T> {
		return super.snapshot(async (session) => {
			const result = await work(session);
			const [row] = await session.query("SELECT count(*) AS count FROM pg_locks WHERE pid = pg_backend_pid()");
			this.locks = number(row?.["count"]);
			return result;
		});
	}
}

describeOnPostgres("a page without a limit of days", { settings: STEADY }, (test) => {
	let world: World;
	let database: CountingDatabase;
	beforeAll(async () => {
		world = await fillStore(await test.openEmpty(), 2);
		database = new CountingDatabase({ url: test.url, clock: systemClock, maxConnections: 1 });
	});
	afterAll(() => database.close());

	it("takes as many locks for each day that is kept as the documentation says", async () => {
		const { scope, projectId, webhookIds, records } = world;
		const lists = createDeliveryLists(database);
		const events = createEventPage(database);
		const delivery = (filter: Partial<DeliveryFilter>) => () =>
			lists.deliveries(scope, { ...ANY_DELIVERY, ...filter }, NEWEST);
		const event = (filter: Partial<EventFilter>) => () => events(scope, { ...ANY_EVENT, ...filter }, NEWEST);
		const pages = {
			deliveries: delivery({}),
			"those of types with a tag": delivery({ tag: "often", eventTypes: ["order.paid", "user.*"] }),
			"those with a tag": delivery({ tag: "often" }),
			"those that have failed": delivery({ statuses: ["Failed"] }),
			"those that wait or have failed, by cause": delivery({
				statuses: ["Pending", "Failed"],
				causes: ["status_5xx"],
			}),
			"those of a webhook": delivery({ webhookId: webhookIds[0] ?? "" }),
			events: event({}),
			"events with a tag": event({ tag: "often" }),
			"events of a customer, with a tag": event({ tag: "often", customerId: "acme", types: ["order.paid"] }),
			"events that nobody wanted": event({ unmatched: true }),
		};
		const measure = async () => {
			const locks: Record<string, number> = {};
			for (const [name, page] of Object.entries(pages)) {
				// The plan for any values is made after five executions, for all partitions.
				for (let times = 0; times < 7; times++) {
					await page();
					locks[name] = Math.max(locks[name] ?? 0, database.locks);
				}
			}
			return locks;
		};
		await fillLog(database, { projectId, webhookIds, count: 100, start: records.now, days: FEW });
		const few = await measure();
		await fillLog(database, {
			projectId,
			webhookIds,
			count: 100,
			start: records.now + FEW * 86_400_000,
			days: MANY - FEW,
		});
		const many = await measure();
		const ofDay = Object.fromEntries(
			Object.entries(many).map(([name, count]) => [name, (count - (few[name] ?? 0)) / (MANY - FEW)]),
		);
		const most = Math.max(...Object.values(ofDay));
		expect(most).toBeLessThanOrEqual(LOCKS_OF_A_DAY ?? 0);
		// Another version of the database may take fewer.
		expect(most).toBeGreaterThan((LOCKS_OF_A_DAY ?? 0) / 2);
	});
});
