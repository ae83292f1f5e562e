// Sweeps beside other transactions, which the contract of a store cannot show.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { fillStore } from "../../../../ports/contract/store/records/records.ts";
import { StoreLockedError } from "../../../../ports/store/errors.ts";
import { uuidOf } from "../../codec/ids.ts";
import { TestDatabase } from "../../test/test-store.ts";

describe.skipIf(postgresIssue() !== null)("a sweep", () => {
	let database: TestDatabase;
	beforeAll(async () => {
		database = await TestDatabase.create();
	});
	afterAll(() => database[Symbol.asyncDispose]());

	it("locks deliveries in the order of ids, as commits do, and leaves those that have ended meanwhile", async () => {
		const { store, accept, update, records, webhookId, state } = await fillStore(await database.openEmpty());
		const [first = ""] = await accept();
		const [second = ""] = await accept();
		// The second one is due earlier.
		await update(records.failure(first, 1));
		const [record] = await store.webhookRecords([webhookId]);
		if (record === undefined) throw new Error("the world has no webhook");
		await store.updateWebhook({ ...record, status: "Paused" }, { expected: record.revision, entry: null });
		const commit = new pg.Client({ connectionString: database.url });
		await commit.connect();
		try {
			await commit.query("BEGIN; SET LOCAL lock_timeout = '500ms'");
			const lock = "SELECT 1 FROM open_deliveries WHERE id = $1 FOR UPDATE";
			await commit.query(lock, [uuidOf("dlv", first)]);
			const swept = store.sweepWebhook(webhookId, records.now, 100);
			await expect
				.poll(async () => {
					const [row] = await database.server.query(
						"SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
					);
					return row?.["count"];
				})
				.toBe(1);
			await commit.query(lock, [uuidOf("dlv", second)]);
			await commit.query("DELETE FROM open_deliveries WHERE id = $1", [uuidOf("dlv", first)]);
			await commit.query("COMMIT");
			expect(await swept).toMatchObject({ count: 1, done: true });
			expect(await state(second)).toMatchObject({ status: "Held" });
		} finally {
			await commit.end();
		}
	});

	it("gives up a lock that others hold after the time that it is given, and is made when they have ended", async () => {
		const { store, records, webhookId } = await fillStore(await database.openEmpty());
		const [record] = await store.webhookRecords([webhookId]);
		const other = new pg.Client({ connectionString: database.url });
		await other.connect();
		try {
			await other.query("BEGIN");
			await other.query("SELECT pg_advisory_xact_lock($1, hashtext($2::text))", [
				0x4646_0003,
				uuidOf("proj", record?.projectId ?? ""),
			]);
			// This one waits until the other transaction has ended, and so began before the one that does not.
			const patient = store.sweepWebhook(webhookId, records.now, 100);
			const first = await Promise.race([
				patient.then(
					() => "made",
					() => "patience was lost",
				),
				store.sweepWebhook(webhookId, records.now, 100, 50).catch((error: unknown) => error),
			]);
			expect(first).toBeInstanceOf(StoreLockedError);
			await other.query("COMMIT");
			expect(await patient).toMatchObject({ done: true });
			expect(await store.sweepWebhook(webhookId, records.now, 100, 50)).toMatchObject({ done: true });
		} finally {
			await other.end();
		}
	});
});
