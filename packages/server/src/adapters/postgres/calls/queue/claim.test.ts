// Claims that come together: how many transactions they take, and that none fails for another.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { newDelivery } from "../../../../core/delivery.ts";
import { fillStore, type World } from "../../../../ports/contract/store/records/records.ts";
import { uuidOf } from "../../codec/ids.ts";
import { TestDatabase } from "../../test/test-store.ts";

const WEBHOOKS = 20;

describe.skipIf(postgresIssue() !== null)("claims that come together", () => {
	let database: TestDatabase;
	let world: World;
	let client: pg.Client;
	beforeAll(async () => {
		database = await TestDatabase.create();
	});
	afterAll(() => database[Symbol.asyncDispose]());
	beforeEach(async () => {
		world = await fillStore(await database.openEmpty(), WEBHOOKS);
		const { webhookIds, records, accept } = world;
		await accept({ webhookIds, state: newDelivery(records.now, null) });
		client = new pg.Client({ connectionString: database.url });
		await client.connect();
	});
	afterEach(() => client.end());

	const claim = (webhookId: string) => {
		const { now } = world.records;
		return world.store.claimDue({ webhookId, now, limit: 500, maxBytes: 1_000_000, leaseUntil: now + 60_000 });
	};
	/** How many transactions have written the rows of deliveries that wait. */
	const writers = async () => {
		const { rows } = await client.query("SELECT count(DISTINCT xmin::text)::int AS count FROM open_deliveries");
		return Number(rows[0]?.count);
	};

	it("share a transaction, ten at a time", async () => {
		const claims = await Promise.all(world.webhookIds.map(claim));
		expect(claims.map(({ deliveries }) => deliveries.length)).toEqual(Array.from({ length: WEBHOOKS }, () => 1));
		expect(await writers()).toBe(2);
	});

	it("come one after the other for one webhook", async () => {
		const [webhookId = ""] = world.webhookIds;
		const claims = await Promise.all([claim(webhookId), claim(webhookId), claim(webhookId)]);
		expect(claims.map(({ deliveries }) => deliveries.length).toSorted()).toEqual([0, 0, 1]);
	});

	it("do not fail for one of them that fails", async () => {
		const [poisoned = "", ...others] = world.webhookIds;
		await client.query(`
			CREATE FUNCTION poisoned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poisoned'; END $$;
			CREATE TRIGGER poisoned BEFORE UPDATE ON open_deliveries FOR EACH ROW
				WHEN (OLD.webhook_id = '${uuidOf("webhook", poisoned)}') EXECUTE FUNCTION poisoned()
		`);
		const [first, ...rest] = await Promise.allSettled([poisoned, ...others].map(claim));
		expect(first).toMatchObject({ status: "rejected" });
		expect(rest.map((one) => (one.status === "fulfilled" ? one.value.deliveries.length : 0))).toEqual(
			others.map(() => 1),
		);
	});
});
