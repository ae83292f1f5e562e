// The journal of version 0.1: what is not in the tables yet is kept when it is moved, in one transaction.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { HEALTHY } from "../../../core/policies/webhook-health.ts";
import { idText } from "../codec/ids.ts";
import { createTransact } from "../connection.ts";
import { migrate, readMigrations } from "../schema/migrate.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { moveStatsJournal } from "./move-stats-journal.ts";
import { decodeEntry } from "./stats-bytes.ts";
import { emptyStats, StatsSums } from "./stats-sums.ts";

const MINUTE = 60_000;
const NOW = 1_790_000_040_000;
/** Bytes of ids, in the order of their numbers. A journal may name a webhook and a project that were deleted completely. */
const [PROJECT, GONE_PROJECT] = ["0f".repeat(16), "a0".repeat(16)];
const [FIRST, SECOND, GONE] = ["01", "02", "b0"].map((byte) => byte.repeat(16)) as [string, string, string];

/** Entries of two minutes after the void one, and a note that one webhook of the first minute is in the tables already. */
const VOID = [
	{ minute: NOW - MINUTE, webhooks: [[FIRST, [9, 0, 0, 0, 0, 9, 0, 0, 0, 0], []]], projects: [[PROJECT, 9]] },
];
const FIRST_MINUTE = [
	{
		minute: NOW,
		webhooks: [
			[FIRST, [2, 1, 0, 1, 0, 1, 1, 0, 0, 0], [31, 1]],
			[GONE, [5, 0, 0, 0, 0, 5, 0, 0, 0, 0], []],
		],
		projects: [
			[PROJECT, 2],
			[GONE_PROJECT, 7],
		],
	},
];
const SECOND_MINUTE = [
	{
		minute: NOW + MINUTE,
		webhooks: [
			[SECOND, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0], []],
			[FIRST, [0, 2, 0, 1, 0, -1, 1, 0, 0, 0], [31, 1, 7, 1, 31, 1]],
		],
		projects: [[PROJECT, 1]],
	},
];
const NOTE = [{ minute: NOW, webhooks: [[FIRST, [2, 1, 0, 1, 0, 1, 1, 0, 0, 0], [31, 1]]], projects: [] }];

/** All that is not in the tables. */
function expectedSums(): StatsSums {
	const sums = new StatsSums();
	sums.at(NOW).projects.set(1, 2);
	const { webhooks, projects } = sums.at(NOW + MINUTE);
	projects.set(1, 1);
	webhooks.set(2, { ...emptyStats(), counts: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0] });
	webhooks.set(1, {
		...emptyStats(),
		counts: [0, 2, 0, 1, 0, -1, 1, 0, 0, 0],
		latency: new Map([
			[31, 2],
			[7, 1],
		]),
	});
	return sums;
}

describe("the journal of version 0.1", () => {
	it("is moved with all that is not in the tables yet, in the middle of a round, and so is the health", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		makeOldStore(path);
		const store = await openSqliteStore({ path });
		const scope = projectScope(`proj_${PROJECT}`);
		const [first, second] = [FIRST, SECOND].map((hex) => idText("webhook", Buffer.from(hex, "hex"))) as [
			string,
			string,
		];
		const all = { scope, webhookId: null, width: "day", from: NOW - (NOW % 86_400_000), to: NOW + 86_400_000 } as const;
		const rolledUp = async () => {
			while ((await store.rollUpStats({ keepMinutesFrom: 0, keepHoursFrom: 0, limit: 100 })) > 0);
		};
		for (const before of [() => Promise.resolve(), rolledUp]) {
			await before();
			// One Pending delivery and one Succeeded were in the tables, with their 2 accepted events and 1 attempt.
			expect(await store.statusCounts(scope, first)).toMatchObject({ Pending: 0, Succeeded: 2 });
			expect(await store.stats({ ...all, webhookId: first })).toMatchObject([{ accepted: 2, attemptsSucceeded: 3 }]);
			expect(await store.stats(all)).toMatchObject([{ accepted: 3 }]);
		}
		expect(await store.webhookHealth([first])).toEqual([HEALTHY]);
		expect(await store.webhookHealth([second])).toEqual([
			{ ...HEALTHY, failingSince: NOW, failedCount: 3, exhaustedCount: 3, reportDate: NOW },
		]);
		await store.close();
	});

	it("becomes one entry, without what a deleted webhook or project left", () => {
		using dir = new TemporaryDir(fastParent());
		using db = openOldStore(dir.join("fanfare.db"));
		createTransact(db)(() => moveStatsJournal(db));
		const rows = db.prepare("SELECT seq, changes FROM stats_journal").all();
		expect(rows.map(({ seq }) => seq)).toEqual([3]);
		expect(decodeEntry(rows[0]?.["changes"] as Uint8Array).minutes).toEqual(expectedSums().minutes);
		expect(db.prepare("SELECT count(*) AS count FROM stats_done").get()).toEqual({ count: 0 });
	});

	it("is left as it was if the move is not committed", () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const read = (db: DatabaseSync) =>
			["former_stats_journal", "former_stats_done", "stats_journal"].map((table) =>
				db.prepare(`SELECT * FROM ${table}`).all(),
			);
		const killed = openOldStore(path);
		const before = read(killed);
		expect(before.map((rows) => rows.length)).toEqual([3, 1, 0]);
		killed.exec("BEGIN IMMEDIATE");
		moveStatsJournal(killed);
		killed.close();
		using db = new DatabaseSync(path);
		expect(read(db)).toEqual(before);
	});

	it("is refused at the opening, with what to do, if an entry of it is damaged", async () => {
		const one = (webhook: unknown, project: unknown = [PROJECT, 1]) =>
			JSON.stringify([{ minute: NOW, webhooks: [webhook], projects: [project] }]);
		const counts = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0];
		for (const entry of [
			JSON.stringify(SECOND_MINUTE).slice(0, -8),
			"[1]",
			"{}",
			one([FIRST, counts.slice(1), []]),
			one([FIRST, ["1", ...counts.slice(1)], []]),
			one([FIRST, counts, [31]]),
			one([FIRST, counts, []], [PROJECT, 0.5]),
		]) {
			using dir = new TemporaryDir(fastParent());
			const path = dir.join("fanfare.db");
			makeOldStore(path);
			using db = new DatabaseSync(path);
			db.prepare("UPDATE figures_journal SET changes = ? WHERE seq = 4").run(entry);
			await expect(openSqliteStore({ path })).rejects.toMatchObject({
				code: "store_unavailable",
				message: expect.stringContaining("restore the data directory from a backup"),
			});
		}
	});
});

/** Makes a store of version 0.1 that was killed while it rolled up. */
function makeOldStore(path: string): void {
	const narrowRows = readMigrations().findIndex(({ name }) => name === "narrow-rows");
	using db = new DatabaseSync(path);
	migrate(db, 0, readMigrations().slice(0, narrowRows));
	const id = (hex: string) => Buffer.from(hex, "hex");
	db.prepare("INSERT INTO projects (id, workspace_id, name, create_date) VALUES (?, ?, 'P', 1)").run(
		id(PROJECT),
		Buffer.alloc(16),
	);
	const insertWebhook = db.prepare(`
		INSERT INTO webhooks (id, project_id, name, endpoint, max_retries, max_backoff_ms, timeout_ms, metadata, status,
			header_names, secret_hint, create_date, update_date)
		VALUES (?, ?, 'W', 'https://example.com', 3, 1000, 1000, '{}', 0, '[]', 'wxyz', 1, 1)
	`);
	for (const webhook of [FIRST, SECOND]) insertWebhook.run(id(webhook), id(PROJECT));
	const insertEntry = db.prepare("INSERT INTO figures_journal (seq, changes) VALUES (?, ?)");
	for (const [index, entry] of [VOID, FIRST_MINUTE, SECOND_MINUTE].entries()) {
		insertEntry.run(index + 2, JSON.stringify(entry));
	}
	db.exec("UPDATE figures_state SET through = 2");
	db.prepare("INSERT INTO figures_done (changes) VALUES (?)").run(JSON.stringify(NOTE));
	db.prepare("INSERT INTO status_counts VALUES (?, 1, 1, 0, 0, 0)").run(id(FIRST));
	const insertHealth = db.prepare("INSERT INTO webhook_health VALUES (?, ?, 3)");
	for (const webhook of [SECOND, GONE]) insertHealth.run(id(webhook), NOW);
	const insertStats = db.prepare("INSERT INTO stats VALUES (?, ?, ?, 2, 1, 0, 1, 0, x'1f01')");
	for (const widthMs of [MINUTE, 60 * MINUTE, 24 * 60 * MINUTE]) {
		insertStats.run(widthMs, NOW - (NOW % widthMs), id(FIRST));
	}
}

/** An old store after the migrations, whose rows are not moved yet. */
function openOldStore(path: string): DatabaseSync {
	makeOldStore(path);
	const db = new DatabaseSync(path);
	migrate(db, 0);
	return db;
}
