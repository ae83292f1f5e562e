// Stats on the disk: for data that is older than the stats or their form, of what was deleted, and if they are damaged.
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { changeWebhook, fillStore, Records } from "../../../ports/contract/store/records/records.ts";
import { allWebhooks } from "../../../ports/contract/store/records/webhooks.ts";
import { migrate, readMigrations } from "../schema/migrate.ts";
import { openSqliteStore } from "../sqlite-store.ts";

const DAY = 86_400_000;

describe("stats on the disk", () => {
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
