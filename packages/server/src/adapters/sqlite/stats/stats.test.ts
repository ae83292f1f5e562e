// Stats on the disk: after a SIGKILL at any moment, for data that is older than the stats or their form, and if they are damaged.
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { changeWebhook, fillStore, Records } from "../../../ports/contract/store/records/records.ts";
import { allWebhooks } from "../../../ports/contract/store/records/webhooks.ts";
import { migrate, readMigrations } from "../schema/migrate.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { startChild } from "../test/child-process.ts";

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
	it("match the log after SIGKILL, and after rolling up has continued from there", async () => {
		for (const lifeMs of [0, 15, 30, 45]) {
			using dir = new TemporaryDir(fastParent());
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
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("old.db");
		const { projectId, webhookId } = makeOldData(path);
		const scope = projectScope(projectId);
		const store = await openSqliteStore({ path });
		const expected = { Pending: 1, Succeeded: 1, Failed: 0, Held: 0, Cancelled: 0 };
		expect(await store.statusCounts(scope, webhookId)).toEqual(expected);
		expect(await store.statusCounts(scope, null)).toEqual(expected);
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
		await store.close();
	});

	it("of a deleted webhook are taken off its project's before the webhook is removed", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path });
		const { scope, projectId, webhookIds, accept, update, records } = await fillStore(store, 2);
		const rollUp = async () => {
			while ((await store.rollUpStats({ keepMinutesFrom: 0, keepHoursFrom: 0, limit: 100 })) > 0);
		};
		const [, deleted = ""] = webhookIds;
		for (const id of await accept({ webhookIds: [deleted] })) await update(records.outcome(id, 1));
		await rollUp();
		const record = (await allWebhooks(store)).find(({ id }) => id === deleted);
		if (record === undefined) throw new Error("the webhook is missing");
		await changeWebhook(store, record, { deleteDate: records.now });
		const at = records.now + DAY;
		await store.purgeEvents({ projectId, at, before: at, after: null, limit: 100 });
		for (const webhooks of [2, 1]) {
			await store.purgeDeletedWebhooks(null, 100, Infinity);
			using db = new DatabaseSync(path);
			expect(db.prepare("SELECT count(*) AS count FROM webhooks").get()).toEqual({ count: webhooks });
			await rollUp();
			expect(await store.statusCounts(scope, null)).toMatchObject({ Pending: 0, Succeeded: 0 });
		}
		await store.close();
	});

	it("are rolled up without what a removed project left", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path });
		const { projectId, accept, records } = await fillStore(store);
		await accept({ webhookIds: [] });
		await store.deleteProject(projectId, records.now, null);
		while (!(await store.purgeDeletedProjects(null, 100)).done);
		const step = { keepMinutesFrom: 0, keepHoursFrom: 0, limit: 100 };
		expect(await store.rollUpStats(step)).toBe(1);
		while ((await store.rollUpStats(step)) > 0);
		await store.close();
		using db = new DatabaseSync(path);
		const countIn = (table: string) => db.prepare(`SELECT count(*) AS count FROM ${table}`).get();
		expect(["projects", "stats", "stats_journal"].map(countIn)).toEqual([{ count: 0 }, { count: 0 }, { count: 0 }]);
	});

	it("are refused at the opening, with what to do, if an entry of the journal is damaged", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path });
		await (await fillStore(store)).accept();
		await store.close();
		expect(damageJournal(path)).toBe(1);
		await expect(openSqliteStore({ path })).rejects.toMatchObject({
			code: "store_unavailable",
			message: expect.stringContaining("restore the data directory from a backup"),
		});
	});
});

/** Cuts each entry of the journal off after its first bytes, and returns how many there were. */
function damageJournal(path: string): number {
	using db = new DatabaseSync(path);
	const { changes } = db.prepare("UPDATE stats_journal SET changes = substr(changes, 1, 4)").run();
	return Number(changes);
}

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
	const of = webhookIndex === null ? "TRUE" : `webhook = ${webhookIndex + 1}`;
	const count = (sql: string) => Number(db.prepare(sql).get()?.["n"]);
	const open = count(`SELECT count(*) AS n FROM open WHERE ${of}`);
	const full = (status: string) => count(`SELECT count(*) AS n FROM deliveries WHERE ${of} AND status IN (${status})`);
	return {
		accepted: open + full("0, 1, 2, 3, 4"),
		attempts: count(`SELECT coalesce(sum(attempt_count), 0) AS n FROM deliveries WHERE ${of}`),
		succeeded: full("1"),
		Pending: open + full("0"),
		Succeeded: full("1"),
	};
}

/** Makes a database as it was before the migration that introduced stats, with two deliveries in it. */
function makeOldData(path: string): { projectId: string; webhookId: string } {
	const firstStats = readMigrations().findIndex(({ name }) => name === "statistics");
	using db = new DatabaseSync(path);
	migrate(db, 0, readMigrations().slice(0, firstStats));
	const records = new Records();
	const project = records.project();
	const webhook = records.webhook(project.id);
	const insert = (table: string, row: Readonly<Record<string, SQLInputValue>>) =>
		db
			.prepare(
				`INSERT INTO ${table} (${Object.keys(row).join()}) VALUES (${Object.keys(row)
					.map(() => "?")
					.join()})`,
			)
			.run(...Object.values(row));
	const id = (text: string) => Buffer.from(text.slice(text.indexOf("_") + 1).replaceAll("-", ""), "hex");
	const owner = { project_id: id(project.id), create_date: 1 };
	insert("projects", { id: id(project.id), workspace_id: Buffer.alloc(16), name: "P", create_date: 1 });
	insert("webhooks", {
		...owner,
		id: id(webhook.id),
		name: "W",
		endpoint: "https://example.com",
		max_retries: 3,
		max_backoff_ms: 1_000,
		timeout_ms: 1_000,
		metadata: "{}",
		status: 0,
		header_names: "[]",
		secret_hint: "wxyz",
		update_date: 1,
	});
	const event = id(records.ids.make("evt", records.now));
	insert("events", { ...owner, id: event, type: "a", timestamp: 1, delivery_count: 2, body: Buffer.from("{}") });
	for (const status of [0, 1]) {
		insert("deliveries", {
			id: id(records.ids.make("dlv", records.now)),
			project_id: owner.project_id,
			webhook_id: id(webhook.id),
			event_id: event,
			event_type: "a",
			status,
			attempt_count: status,
			auto_attempt_count: status,
			next_attempt_at: status === 0 ? 1 : null,
			trigger: 0,
			update_date: 1,
			due_at: status === 0 ? 1 : null,
		});
	}
	return { projectId: project.id, webhookId: webhook.id };
}
