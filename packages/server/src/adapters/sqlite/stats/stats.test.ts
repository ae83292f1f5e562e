// Stats on the disk: after a SIGKILL at any moment, for data that is older than the stats, and as bytes.
import { DatabaseSync } from "node:sqlite";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { migrate, readMigrations } from "../schema/migrate.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { startChild } from "../test/child-process.ts";
import { decodeLatency, encodeLatency } from "./latency-blob.ts";

const moduleUrl = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
const DAY = 86_400_000;

/** Commits and rolls up in small steps as fast as it can, over some minutes of its own clock. */
const WRITER = `
	import { writeSync } from "node:fs";
	import { openSqliteStore } from ${moduleUrl("../sqlite-store.ts")};
	import { fillStore } from ${moduleUrl("../../../ports/contract/store/records/records.ts")};
	const store = await openSqliteStore({ path: process.argv[1] });
	const { projectId, scope, webhookIds, records } = await fillStore(store, 20);
	writeSync(1, ["world", projectId, ...webhookIds].join(" ") + "\\n");
	let former = [];
	for (let n = 1; ; n++) {
		records.now += 7_000;
		const events = Array.from({ length: 5 }, (_, index) =>
			records.event(projectId, { webhookIds: [webhookIds[(n * 5 + index) % 20]] }),
		);
		const updates = former.map(({ deliveries: [{ id }] }, index) =>
			index === 0 ? records.failure(id, 1) : records.outcome(id, 1),
		);
		await store.commit({ events, updates });
		former = events;
		if (n % 3 === 0) await store.rollUpStats({ keepMinutesFrom: 0, keepHoursFrom: 0, limit: 60 });
		if (n === 100) writeSync(1, "busy\\n");
	}
`;

describe("stats on the disk", () => {
	it("match the log after SIGKILL, and after rolling up has continued from there", { timeout: 60_000 }, async () => {
		for (const lifeMs of [0, 15, 30, 45]) {
			using dir = new TemporaryDir();
			const path = dir.join("fanfare.db");
			await using writer = startChild(WRITER, path);
			await writer.line("busy");
			// The kill may come at any moment. These are some of them; nothing has to happen until then.
			await new Promise((resolve) => setTimeout(resolve, lifeMs));
			await writer.kill();
			const [, projectId = "", ...webhookIds] = writer.lines[0]?.split(" ") ?? [];
			await checkAgainstLog(path, projectId, webhookIds);
		}
	});

	it("count deliveries that are older than the stats", async () => {
		using dir = new TemporaryDir();
		const path = dir.join("old.db");
		const { projectId, webhookId } = await makeOldData(path);
		const scope = projectScope(projectId);
		const store = await openSqliteStore({ path });
		const expected = { Pending: 1, Succeeded: 1, Failed: 0, Held: 0, Cancelled: 0 };
		expect(await store.statusCounts(scope, webhookId)).toEqual(expected);
		expect(await store.statusCounts(scope, null)).toEqual(expected);
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
		await store.close();
	});

	it("keep every latency histogram as bytes", () => {
		const histograms = fc.uniqueArray(fc.tuple(fc.nat({ max: 110 }), fc.integer({ min: 1, max: 2 ** 40 })), {
			selector: ([bucket]) => bucket,
		});
		fc.assert(
			fc.property(histograms, (entries) => {
				const decoded = new Map<number, number>();
				decodeLatency(encodeLatency(new Map(entries)), (bucket, count) => decoded.set(bucket, count));
				expect(decoded).toEqual(new Map(entries));
			}),
		);
	});
});

async function checkAgainstLog(path: string, projectId: string, webhookIds: readonly string[]): Promise<void> {
	const store = await openSqliteStore({ path });
	const scope = projectScope(projectId);
	try {
		const rolledUp = async () => {
			while ((await store.rollUpStats({ keepMinutesFrom: 0, keepHoursFrom: 0, limit: 100 })) > 0);
		};
		for (const before of [() => Promise.resolve(), rolledUp]) {
			await before();
			for (const [index, webhookId] of [...webhookIds, null].entries()) {
				const log = readLog(path, webhookId === null ? null : index);
				const range = { from: 0, to: 21_000 * DAY };
				const buckets = await store.stats({ scope, webhookId, width: "day", ...range, from: 20_000 * DAY });
				const sum = (name: "accepted" | "attemptsSucceeded" | "attemptsFailed" | "succeeded") =>
					buckets.reduce((total, bucket) => total + bucket[name], 0);
				const { Pending, Succeeded } = await store.statusCounts(scope, webhookId);
				expect({
					accepted: sum("accepted"),
					attempts: sum("attemptsSucceeded") + sum("attemptsFailed"),
					succeeded: sum("succeeded"),
					Pending,
					Succeeded,
				}).toEqual(log);
			}
		}
	} finally {
		await store.close();
	}
}

/** Counts the rows of the webhook at this position in order of creation, or of all webhooks if it is null. */
function readLog(path: string, webhookIndex: number | null) {
	using db = new DatabaseSync(path);
	const of = webhookIndex === null ? "TRUE" : "webhook_id = (SELECT id FROM webhooks ORDER BY id LIMIT 1 OFFSET ?)";
	const bound = webhookIndex === null ? [] : [webhookIndex];
	const count = (sql: string) => Number(db.prepare(sql).get(...bound)?.["n"]);
	const deliveries = (status: string) =>
		count(`SELECT count(*) AS n FROM deliveries WHERE ${of} AND status IN (${status})`);
	return {
		accepted: deliveries("0, 1, 2, 3, 4"),
		attempts: count(`SELECT coalesce(sum(attempt_count), 0) AS n FROM deliveries WHERE ${of}`),
		succeeded: deliveries("1"),
		Pending: deliveries("0"),
		Succeeded: deliveries("1"),
	};
}

/** Makes a database as it was before the migration that introduced stats, with two deliveries in it. */
async function makeOldData(path: string) {
	const store = await openSqliteStore({ path });
	const { projectId, webhookId, accept, update, records } = await fillStore(store);
	const [id = ""] = await accept();
	await accept();
	await update(records.outcome(id, 1));
	await store.close();
	using db = new DatabaseSync(path);
	const migrationId = readMigrations().find(({ name }) => name === "statistics")?.id ?? 0;
	for (const table of [
		"figures_journal",
		"figures_done",
		"figures_state",
		"stats",
		"status_counts",
		"webhook_health",
	]) {
		db.exec(`DROP TABLE ${table}`);
	}
	db.exec(`DELETE FROM migrations WHERE id = ${migrationId}`);
	migrate(
		db,
		0,
		readMigrations()
			.filter(({ id }) => id === migrationId)
			.map((migration) => ({ ...migration, id: 1_000 })),
	);
	db.exec(`UPDATE migrations SET id = ${migrationId} WHERE id = 1000`);
	return { projectId, webhookId };
}
