// Sweeps beside other transactions, which the contract of a store cannot show.
import { expect, it } from "vitest";

import { fillStore } from "../../../../ports/contract/store/records/records.ts";
import { StoreLockedError } from "../../../../ports/store/errors.ts";
import { uuidOf } from "../../codec/ids.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";

describeOnPostgres("a sweep", (database) => {
	it("locks deliveries in the order of ids, as commits do, and leaves those that have ended meanwhile", async () => {
		const { store, accept, update, records, webhookId, state } = await fillStore(await database.openEmpty());
		const [first = ""] = await accept();
		const [second = ""] = await accept();
		// The second one is due earlier.
		await update(records.failure(first, 1));
		const [record] = await store.webhookRecords([webhookId]);
		if (record === undefined) throw new Error("the world has no webhook");
		await store.updateWebhook({ ...record, status: "Paused" }, { expected: record.revision, entry: null });
		await using commit = await database.connect();
		await commit.query("BEGIN; SET LOCAL lock_timeout = '500ms'");
		const lock = "SELECT 1 FROM open_deliveries WHERE id = $1 FOR UPDATE";
		await commit.query(lock, [uuidOf("dlv", first)]);
		const swept = store.sweepWebhook(webhookId, records.now, 100);
		await expect.poll(() => database.lockWaits()).toBe(1);
		await commit.query(lock, [uuidOf("dlv", second)]);
		await commit.query("DELETE FROM open_deliveries WHERE id = $1", [uuidOf("dlv", first)]);
		await commit.query("COMMIT");
		expect(await swept).toMatchObject({ count: 1, done: true });
		expect(await state(second)).toMatchObject({ status: "Held" });
	});

	it("gives up a lock that others hold after the time that it is given, and is made when they have ended", async () => {
		const { store, records, webhookId } = await fillStore(await database.openEmpty());
		const [record] = await store.webhookRecords([webhookId]);
		await using other = await database.connect();
		await other.query("BEGIN");
		const project = uuidOf("proj", record?.projectId ?? "");
		await other.query("SELECT pg_advisory_xact_lock($1, hashtext($2::text))", [0x4646_0003, project]);
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
	});
});
