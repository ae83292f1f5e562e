// The rows that lists scan because they are not in an index yet.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { fillStore, setWebhook } from "../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { notePlans, openMemory } from "../test/plans.ts";
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

it("enter the indexes many at once if they come faster than they are served, and few at once when they have waited", () => {
	using db = new DatabaseSync(":memory:");
	db.exec("CREATE TABLE open (seq INTEGER PRIMARY KEY, listed INTEGER NOT NULL)");
	const insert = db.prepare("INSERT INTO open VALUES (?, ?)");
	const listing = new Listing(db, "open", { step: 5, maxTail: 100, shortenStep: 80 });
	const listedAfter = (change: () => void) => {
		change();
		listing.commit();
		const listed = db.prepare("SELECT count(*) AS count, max(seq) AS last FROM open WHERE listed = 1").get();
		expect(listed?.["last"] ?? 0).toBe(listing.mark);
		return listed?.["count"];
	};
	const insertTo = (last: number) => {
		for (let seq = Number(db.prepare("SELECT count(*) AS count FROM open").get()?.["count"]) + 1; seq <= last; seq++) {
			insert.run(seq, listing.inserted(seq));
		}
		listing.shorten();
	};
	expect(listedAfter(() => insertTo(100))).toBe(0);
	expect(listedAfter(() => insertTo(101))).toBe(80);
	expect(listedAfter(() => insertTo(180))).toBe(80);
	expect(listedAfter(() => listing.listStep(180))).toBe(85);
	expect(listedAfter(() => insertTo(400))).toBe(325);
});

it.each(["open", "deliveries"] as const)("are found at a start without a look at the other rows of %s", (table) => {
	using db = openMemory();
	const plans = notePlans(db);
	expect(new Listing(db, table, { step: 10, maxTail: 10 }).mark).toBe(0);
	// An index has its entries in another order: all of them would be read and sorted.
	expect(plans.filter((step) => /INDEX |TEMP/.test(step))).toEqual([]);
});
