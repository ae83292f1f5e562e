// Retention keeps the database file from growing, shrinks it, and leaves nothing of an erased payload in it.
import { copyFileSync, readFileSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { fillStore, type World } from "../../../../ports/contract/store/records/records.ts";
import type { Store } from "../../../../ports/store/store.ts";
import { openSqliteStore } from "../../sqlite-store.ts";

const DAY_MS = 86_400_000;
const BATCHES = 20;

/** Commits the events of a day, each delivered at the second attempt. */
async function fillDay({ store, records, projectId, webhookId, update }: World): Promise<void> {
	for (let batch = 0; batch < BATCHES; batch++) {
		const body = Buffer.alloc(2_000, "payload ");
		const events = Array.from({ length: 50 }, () => records.event(projectId, { body, webhookIds: [webhookId] }));
		await store.commit({ events, updates: [] });
		const ids = events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
		await update(...ids.map((id) => records.failure(id, 1)), ...ids.map((id) => records.outcome(id, 2)));
		records.now += DAY_MS / BATCHES;
	}
}

async function purge(store: Store, projectId: string, before: number): Promise<void> {
	let after: string | null = null;
	for (let done = false; !done;) {
		({ after, done } = await store.purgeEvents({ projectId, at: before, before, after, limit: 100 }));
	}
}

async function release(store: Store): Promise<number> {
	let sum = 0;
	for (let bytes = 1; bytes > 0; sum += bytes) bytes = await store.releaseSpace(256 * 1_024);
	return sum;
}

describe("the database file", () => {
	it("stops growing once as much is deleted as is added, even if no space is released", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path });
		const world = await fillStore(store);
		const sizes: number[] = [];
		for (let day = 0; day < 10; day++) {
			await fillDay(world);
			await purge(store, world.projectId, world.records.now - 2 * DAY_MS);
			sizes.push(statSync(path).size);
		}
		const [, , , fourth = 0] = sizes;
		expect(Math.max(...sizes.slice(4))).toBeLessThan(fourth * 1.1);
		await store.close();
	});

	it("shrinks when much is deleted, except for the space kept for new data", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path });
		const world = await fillStore(store);
		for (let day = 0; day < 3; day++) await fillDay(world);
		const full = statSync(path).size;
		await purge(store, world.projectId, world.records.now);
		const released = await release(store);
		expect(released).toBeGreaterThan(full / 2);
		expect(statSync(path).size).toBeLessThan(full / 4);
		await fillDay(world);
		await store.close();
		using db = new DatabaseSync(path);
		expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
	});

	it("reuses free space if created without auto_vacuum, and can be converted to release it", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const older = new DatabaseSync(path);
		older.exec("PRAGMA auto_vacuum = NONE; CREATE TABLE t (n)");
		older.close();
		const store = await openSqliteStore({ path });
		const world = await fillStore(store);
		for (let day = 0; day < 2; day++) await fillDay(world);
		await purge(store, world.projectId, world.records.now);
		expect(await release(store)).toBe(0);
		await store.close();
		const full = statSync(path).size;
		// As described in docs/operating.md.
		const shell = new DatabaseSync(path);
		shell.exec("PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
		shell.close();
		expect(statSync(path).size).toBeLessThan(full / 4);
		const again = await openSqliteStore({ path });
		const update: World["update"] = (...updates) => again.commit({ events: [], updates });
		for (let day = 0; day < 2; day++) await fillDay({ ...world, store: again, update });
		await purge(again, world.projectId, world.records.now);
		expect(await release(again)).toBeGreaterThan(0);
		await again.close();
	});

	it.each([100, 100_000])("keeps nothing of an erased payload of %d bytes or of its responses", async (size) => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path });
		const world = await fillStore(store);
		const { records, projectId, scope, webhookId, update } = world;
		await fillDay(world);
		const secret = "a payload that must not be found again, ".repeat(Math.ceil(size / 38));
		const event = records.event(projectId, { body: Buffer.from(secret), webhookIds: [webhookId] });
		await store.commit({ events: [event], updates: [] });
		const [delivery] = event.deliveries;
		const outcome = records.failure(delivery?.id ?? "", 1);
		const response = { headers: {}, body: "a response that repeats the payload", bodyTruncated: false };
		await update({ ...outcome, attempt: records.attempt(1, { response }) });
		await fillDay(world);
		const found = () => {
			const bytes = [path, `${path}-wal`].map((file) => readFileSync(file).toString("latin1")).join("");
			return [bytes.includes("must not be found"), bytes.includes("that repeats the payload")];
		};
		expect(found()).toEqual([true, true]);
		await store.erasePayload(scope, event.event.id, { reason: "erased", at: records.now, limit: 1_000, entry: null });
		expect(await store.releaseSpace(0)).toBe(0);
		expect(found()).toEqual([false, false]);
		await store.close();
	});

	it("keeps nothing of an event that was erased in steps, also if the process ends after one of them", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path });
		const { records, projectId, scope, webhookId, update } = await fillStore(store);
		const webhookIds = Array.from({ length: 300 }, () => webhookId);
		const event = records.event(projectId, { body: Buffer.from("a payload that must not be found again"), webhookIds });
		await store.commit({ events: [event], updates: [] });
		const response = { headers: {}, body: "a response that repeats the payload", bodyTruncated: false };
		const attempt = records.attempt(1, { response });
		await update(...event.deliveries.map(({ id }) => ({ ...records.outcome(id, 1), attempt })));
		const erasure = { eventId: event.event.id, reason: "erased", at: records.now, limit: 50 };
		await store.erasePayload(scope, event.event.id, { ...erasure, entry: null });
		await store.continueErasure(erasure);
		// The files as a process leaves them that is killed now.
		const copy = dir.join("copy.db");
		for (const suffix of ["", "-wal"]) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
		await store.close();

		const found = (text: string) =>
			["", "-wal"].some((suffix) => readFileSync(`${copy}${suffix}`).toString("latin1").includes(text));
		expect(found("must not be found")).toBe(true);
		const again = await openSqliteStore({ path: copy });
		expect(found("must not be found")).toBe(false);
		expect(await again.erasures(1)).toHaveLength(1);
		while ((await again.continueErasure(erasure))?.done === false);
		expect(await again.releaseSpace(0)).toBe(0);
		expect(found("that repeats the payload")).toBe(false);
		await again.close();
	});

	it("says so if another program, such as a backup, keeps it from overwriting", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path });
		const { records, projectId, scope } = await fillStore(store);
		const event = records.event(projectId, { body: Buffer.from("a payload that must not be found again") });
		await store.commit({ events: [event], updates: [] });
		using backup = new DatabaseSync(path, { readOnly: true });
		backup.exec("BEGIN");
		backup.prepare("SELECT count(*) FROM events").get();
		await store.erasePayload(scope, event.event.id, { reason: "erased", at: records.now, limit: 1_000, entry: null });
		const found = () => readFileSync(`${path}-wal`).includes("must not be found");
		await expect(store.releaseSpace(0)).rejects.toMatchObject({ code: "store_unavailable" });
		expect(found()).toBe(true);
		backup.exec("COMMIT");
		expect(await store.releaseSpace(0)).toBe(0);
		expect(found()).toBe(false);
		await store.close();
	});

	it.each([100, 100_000])("keeps nothing of a payload of %d bytes that was deleted with its event", async (size) => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("fanfare.db");
		const store = await openSqliteStore({ path });
		const world = await fillStore(store);
		const { records, projectId, webhookId, update } = world;
		await fillDay(world);
		const body = Buffer.from("a payload that must not be found again, ".repeat(Math.ceil(size / 38)));
		const event = records.event(projectId, { body, webhookIds: [webhookId] });
		await store.commit({ events: [event], updates: [] });
		const response = { headers: {}, body: "a response that repeats the payload", bodyTruncated: false };
		const outcome = records.outcome(event.deliveries[0]?.id ?? "", 1);
		await update({ ...outcome, attempt: records.attempt(1, { response }) });
		records.now += DAY_MS;
		await fillDay(world);
		const found = () => {
			const bytes = [path, `${path}-wal`].map((file) => readFileSync(file).toString("latin1")).join("");
			return [bytes.includes("must not be found"), bytes.includes("that repeats the payload")];
		};
		expect(found()).toEqual([true, true]);
		await purge(store, projectId, records.now - DAY_MS);
		expect(await store.releaseSpace(0)).toBe(0);
		expect(found()).toEqual([false, false]);
		await store.close();
	});
});
