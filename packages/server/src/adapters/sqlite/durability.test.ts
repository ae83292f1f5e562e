// Acknowledged commits survive a SIGKILL in the middle of other commits.
import { DatabaseSync } from "node:sqlite";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { projectScope } from "../../core/access/principal.ts";
import { attemptsOf } from "../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { startChild } from "./test/child-process.ts";

const moduleUrl = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Commits batches of events with the outcomes of the batch before, and prints which events and outcomes were acknowledged. */
const WRITER = `
	import { writeSync } from "node:fs";
	import { openSqliteStore } from ${moduleUrl("./sqlite-store.ts")};
	import { fillStore } from ${moduleUrl("../../ports/contract/store/records/records.ts")};
	const store = await openSqliteStore({ path: process.argv[1] });
	const { projectId, scope, webhookId, records } = await fillStore(store);
	writeSync(1, "project " + projectId + "\\n");
	let former = [];
	for (let n = 1; ; n++) {
		const events = Array.from({ length: 100 + (n % 100) }, () =>
			records.event(projectId, { webhookIds: [webhookId], body: Buffer.alloc(2_000, n) }),
		);
		await store.commit({ events, updates: former.map(({ deliveries: [{ id }] }) => records.outcome(id, 1)) });
		for (const { deliveries: [{ id }] } of former) writeSync(1, "recorded " + id + "\\n");
		for (const { event, deliveries: [{ id }] } of events) writeSync(1, "accepted " + event.id + " " + id + "\\n");
		former = events;
		if (n === 3) writeSync(1, "busy\\n");
	}
`;

describe("the embedded store", () => {
	it("has every acknowledged commit, and each of them completely, after SIGKILL", async () => {
		for (const lifeMs of [0, 20, 40, 60]) {
			using dir = new TemporaryDir();
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
	await using store = await disposable(path);
	const acknowledged = (word: string) => lines.filter((line) => line.startsWith(word)).map((line) => line.split(" "));
	const scope = projectScope(acknowledged("project")[0]?.[1] ?? "");
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
	const [events, attempts] = ["events", "deliveries WHERE attempt IS NOT NULL"].map((rows) =>
		Number(db.prepare(`SELECT count(*) AS count FROM ${rows}`).get()?.["count"]),
	);
	expect(wholeBatches()).toContain(events);
	expect(wholeBatches()).toContain(attempts);
}

function wholeBatches(): number[] {
	const sums = [0];
	for (let n = 1; n < 1_000; n++) sums.push((sums.at(-1) ?? 0) + 100 + (n % 100));
	return sums;
}

async function disposable(path: string) {
	const store = await openSqliteStore({ path });
	return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
}
