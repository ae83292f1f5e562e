// Acknowledged commits survive a SIGKILL in the middle of other commits and of the rolling up of stats.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { projectScope, type Scope } from "../../core/access/principal.ts";
import { attemptsOf } from "../../ports/contract/store/records/records.ts";
import { DAY, KEEP_ALL } from "../../ports/contract/store/records/stats.ts";
import type { Store } from "../../ports/store/store.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { startChild } from "./test/child-process.ts";

const moduleUrl = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/**
 * Commits batches of events with the outcomes of the batch before, and prints which events and outcomes were acknowledged. Rolls up stats in small
 * steps in between, over some minutes of its own clock.
 */
const WRITER = `
	import { writeSync } from "node:fs";
	import { openSqliteStore } from ${moduleUrl("./sqlite-store.ts")};
	import { fillStore } from ${moduleUrl("../../ports/contract/store/records/records.ts")};
	const store = await openSqliteStore({ path: process.argv[1] });
	const { projectId, webhookIds, records } = await fillStore(store, 20);
	writeSync(1, ["world", projectId, ...webhookIds].join(" ") + "\\n");
	let former = [];
	for (let n = 1; ; n++) {
		records.now += 7_000;
		const events = Array.from({ length: 100 + (n % 100) }, (_, index) =>
			records.event(projectId, { webhookIds: [webhookIds[(n + index) % 20]], body: Buffer.alloc(2_000, n) }),
		);
		await store.commit({ events, updates: former.map(({ deliveries: [{ id }] }) => records.outcome(id, 1)) });
		for (const { deliveries: [{ id }] } of former) writeSync(1, "recorded " + id + "\\n");
		for (const { event, deliveries: [{ id }] } of events) writeSync(1, "accepted " + event.id + " " + id + "\\n");
		former = events;
		if (n % 3 === 0) await store.rollUpStats({ keepMinutesFrom: 0, keepHoursFrom: 0, limit: 60 });
		if (n === 10) writeSync(1, "busy\\n");
	}
`;

describe("the embedded store", () => {
	it("has every acknowledged commit, each of them completely, and stats that match the log, after SIGKILL", async () => {
		for (const lifeMs of [0, 15, 40]) {
			using dir = new TemporaryDir(fastParent());
			const path = dir.join("fanfare.db");
			await using writer = startChild(WRITER, path);
			await writer.line("busy");
			// The kill may come at any moment. These are some of them; nothing has to happen until then.
			await new Promise((resolve) => setTimeout(resolve, lifeMs));
			await writer.kill();
			await check(path, writer.lines);
		}
	});
});

async function check(path: string, lines: readonly string[]): Promise<void> {
	const store = await openSqliteStore({ path });
	await using _closing = { [Symbol.asyncDispose]: () => store.close() };
	const acknowledged = (word: string) => lines.filter((line) => line.startsWith(word)).map((line) => line.split(" "));
	const [[, projectId = "", ...webhookIds] = []] = acknowledged("world");
	const scope = projectScope(projectId);
	const [accepted, recorded] = [acknowledged("accepted"), acknowledged("recorded")];
	expect(accepted.length).toBeGreaterThan(10);
	for (const [, eventId = "", deliveryId = ""] of accepted) {
		expect(await store.event(scope, eventId)).not.toBeNull();
		expect(await store.delivery(scope, deliveryId)).toMatchObject({ eventId });
	}
	for (const [, deliveryId = ""] of recorded) {
		expect(await store.delivery(scope, deliveryId)).toMatchObject({ status: "Succeeded" });
		expect(await attemptsOf({ store, scope }, deliveryId)).toHaveLength(1);
	}
	using db = new DatabaseSync(path);
	expect(db.prepare("PRAGMA integrity_check").all()).toMatchObject([{ integrity_check: "ok" }]);
	expect(db.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
	const torn = db.prepare(`
		SELECT count(*) AS count FROM events e
		LEFT JOIN open o ON o.seq = e.seq + 1
		LEFT JOIN deliveries d ON d.seq = e.seq + 1
		WHERE (o.seq IS NULL) = (d.seq IS NULL) OR (d.attempt_count > 0) <> (d.attempt IS NOT NULL)
	`);
	expect(torn.get()).toMatchObject({ count: 0 });
	// The writer makes batches of 100–199 events and records the outcomes of each in the next: the store has whole batches only.
	const count = (rows: string) => Number(db.prepare(`SELECT count(*) AS count FROM ${rows}`).get()?.["count"]);
	expect(wholeBatches()).toContain(count("events"));
	expect(wholeBatches()).toContain(count("deliveries WHERE attempt IS NOT NULL"));

	const log = [...webhookIds, null].map((_, index) => {
		const of = index === webhookIds.length ? "TRUE" : `webhook = ${index + 1}`;
		const [open, done] = [count(`open WHERE ${of}`), count(`deliveries WHERE status = 1 AND ${of}`)];
		return { accepted: open + done, attempts: done, succeeded: done, Pending: open, Succeeded: done };
	});
	const stats = () => Promise.all([...webhookIds, null].map((owner) => statsOf(store, scope, owner)));
	expect(await stats()).toEqual(log);
	while ((await store.rollUpStats(KEEP_ALL)) > 0);
	expect(await stats()).toEqual(log);
}

async function statsOf(store: Store, scope: Scope, webhookId: string | null) {
	const buckets = await store.stats({ scope, webhookId, width: "day", from: 20_000 * DAY, to: 21_000 * DAY });
	const sum = (name: "accepted" | "attemptsSucceeded" | "attemptsFailed" | "succeeded") =>
		buckets.reduce((total, bucket) => total + bucket[name], 0);
	const { Pending, Succeeded } = await store.statusCounts(scope, webhookId);
	const attempts = sum("attemptsSucceeded") + sum("attemptsFailed");
	return { accepted: sum("accepted"), attempts, succeeded: sum("succeeded"), Pending, Succeeded };
}

function wholeBatches(): number[] {
	const sums = [0];
	for (let n = 1; n < 1_000; n++) sums.push((sums.at(-1) ?? 0) + 100 + (n % 100));
	return sums;
}
