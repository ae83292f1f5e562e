// The rows that lists scan because they are not in an index yet.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { fillStore, setWebhook } from "../../../ports/contract/store/records/records.ts";
import { migrate } from "../schema/migrate.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { Listing } from "./listing.ts";

it("stay few when many deliveries of a webhook become full rows at its pause", async () => {
	using dir = new TemporaryDir(fastParent());
	const path = dir.join("fanfare.db");
	const store = await openSqliteStore({ path });
	const { records, projectId, webhookId } = await fillStore(store);
	for (let batch = 0; batch < 6; batch++) {
		const events = Array.from({ length: 1_000 }, () => records.event(projectId, { webhookIds: [webhookId] }));
		await store.commit({ events, updates: [] });
	}
	await setWebhook(store, webhookId, { status: "Paused" });
	while (!(await store.sweepWebhook(webhookId, records.now, 500)).done);
	using db = new DatabaseSync(path, { readOnly: true });
	const unlisted = db.prepare("SELECT count(*) AS count FROM deliveries WHERE listed = 0").get();
	await store.close();
	expect(unlisted?.["count"]).toBeLessThanOrEqual(4_000);
	expect(unlisted?.["count"]).toBeGreaterThan(3_000);
});

it.each(["open", "deliveries"] as const)("are found at a start without a look at the other rows of %s", (table) => {
	using db = new DatabaseSync(":memory:");
	migrate(db, 0);
	const plans: unknown[] = [];
	const prepare = db.prepare.bind(db);
	db.prepare = (sql) => {
		plans.push(...prepare(`EXPLAIN QUERY PLAN ${sql}`).all());
		return prepare(sql);
	};
	expect(new Listing(db, table, { step: 10, maxTail: 10 }).mark).toBe(0);
	// An index has its entries in another order: all of them would be read and sorted.
	expect(plans.map((step) => (step as { detail: string }).detail).filter((step) => /INDEX |TEMP/.test(step))).toEqual(
		[],
	);
});
