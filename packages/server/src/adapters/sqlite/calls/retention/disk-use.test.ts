// Retention keeps the database file from growing, shrinks it, and leaves nothing of an erased payload in it.
import { copyFileSync, readFileSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it, onTestFinished } from "vitest";

import { fillStore, type World } from "../../../../ports/contract/store/records/records.ts";
import type { Store } from "../../../../ports/store/store.ts";
import { openSqliteStore } from "../../sqlite-store.ts";

const DAY_MS = 86_400_000;
const BATCHES = 8;
const PAYLOAD = "a payload that must not be found again";
const RESPONSE = { headers: {}, body: "a response that repeats the payload", bodyTruncated: false };

/** A store in a file. */
async function open(prepare = (_path: string) => {}) {
	const dir = new TemporaryDir(fastParent());
	onTestFinished(() => dir[Symbol.dispose]());
	const path = dir.join("fanfare.db");
	prepare(path);
	const store = await openSqliteStore({ path });
	onTestFinished(() => store.close());
	return { ...(await fillStore(store)), path, copy: dir.join("copy.db") };
}

/** Commits the events of a day, each delivered at the second attempt. */
async function fillDay({ store, records, projectId, webhookId }: World, days = 1): Promise<void> {
	for (let batch = 0; batch < days * BATCHES; batch++) {
		const body = Buffer.alloc(2_000, "payload ");
		const events = Array.from({ length: 50 }, () => records.event(projectId, { body, webhookIds: [webhookId] }));
		await store.commit({ events, updates: [] });
		const ids = events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
		const failures = ids.map((id) => records.failure(id, 1));
		await store.commit({ events: [], updates: [...failures, ...ids.map((id) => records.outcome(id, 2))] });
		records.now += DAY_MS / BATCHES;
	}
}

async function release(store: Store): Promise<number> {
	let sum = 0;
	for (let bytes = 1; bytes > 0; sum += bytes) bytes = await store.releaseSpace(256 * 1_024);
	return sum;
}

/** Whether the files have the payload and the response. */
function found(path: string): boolean[] {
	const bytes = [path, `${path}-wal`].map((file) => readFileSync(file).toString("latin1")).join("");
	return ["must not be found", "that repeats the payload"].map((text) => bytes.includes(text));
}

describe("the database file", () => {
	it("stops growing once as much is deleted as is added, and shrinks, except for the space kept for new data", async () => {
		const world = await open();
		const { store, path, purge, records } = world;
		const sizes: number[] = [];
		for (let day = 0; day < 8; day++) {
			await fillDay(world);
			await purge("purgeEvents", records.now - 2 * DAY_MS);
			sizes.push(statSync(path).size);
		}
		const [, , , fourth = 0] = sizes;
		expect(Math.max(...sizes.slice(4))).toBeLessThan(fourth * 1.1);
		await fillDay(world, 2);
		const full = statSync(path).size;
		await purge("purgeEvents", records.now);
		expect(await release(store)).toBeGreaterThan(full / 2);
		expect(statSync(path).size).toBeLessThan(full / 4);
		await fillDay(world);
		await store.close();
		using db = new DatabaseSync(path);
		expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
	});

	it("reuses free space if created without auto_vacuum, and can be converted to release it", async () => {
		const world = await open((path) => {
			using older = new DatabaseSync(path);
			older.exec("PRAGMA auto_vacuum = NONE; CREATE TABLE t (n)");
		});
		const { path, records } = world;
		await fillDay(world, 3);
		await world.purge("purgeEvents", records.now);
		expect(await release(world.store)).toBe(0);
		await world.store.close();
		const full = statSync(path).size;
		// As described in docs/operating.md.
		const shell = new DatabaseSync(path);
		shell.exec("PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
		shell.close();
		expect(statSync(path).size).toBeLessThan(full / 2);
		const store = await openSqliteStore({ path });
		await fillDay({ ...world, store }, 3);
		const step = { projectId: world.projectId, at: records.now, before: records.now, limit: 100_000, after: null };
		expect(await store.purgeEvents(step)).toMatchObject({ done: true });
		expect(await release(store)).toBeGreaterThan(0);
		await store.close();
	});

	it.each([100, 100_000])(
		"keeps nothing of a payload of %d bytes that was erased, or deleted with its event",
		async (size) => {
			const world = await open();
			const { store, path, records, projectId, scope, webhookId, update } = world;
			const body = Buffer.from(`${PAYLOAD}, `.repeat(Math.ceil(size / 38)));
			const send = async () => {
				await fillDay(world);
				const { event, ...sent } = records.event(projectId, { body, webhookIds: [webhookId] });
				await store.commit({ events: [{ event, ...sent }], updates: [] });
				const outcome = records.outcome(sent.deliveries[0]?.id ?? "", 1);
				await update({ ...outcome, attempt: records.attempt(1, { response: RESPONSE }) });
				await fillDay(world);
				expect(found(path)).toEqual([true, true]);
				return event.id;
			};
			await store.erasePayload(scope, await send(), { reason: "erased", at: records.now, limit: 1_000, entry: null });
			expect(await store.releaseSpace(0)).toBe(0);
			expect(found(path)).toEqual([false, false]);
			await send();
			await world.purge("purgeEvents", records.now - DAY_MS / 2);
			expect(await store.releaseSpace(0)).toBe(0);
			expect(found(path)).toEqual([false, false]);
		},
	);

	it("keeps nothing of an event that was erased in steps, also if the process ends after one of them", async () => {
		const { store, path, copy, records, projectId, scope, webhookId, update } = await open();
		const webhookIds = Array.from({ length: 300 }, () => webhookId);
		const event = records.event(projectId, { body: Buffer.from(PAYLOAD), webhookIds });
		await store.commit({ events: [event], updates: [] });
		const attempt = records.attempt(1, { response: RESPONSE });
		await update(...event.deliveries.map(({ id }) => ({ ...records.outcome(id, 1), attempt })));
		const erasure = { eventId: event.event.id, reason: "erased", at: records.now, limit: 50 };
		await store.erasePayload(scope, event.event.id, { ...erasure, entry: null });
		await store.continueErasure(erasure);
		// The files as a process leaves them that is killed now.
		for (const suffix of ["", "-wal"]) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
		expect(found(copy)).toEqual([true, true]);
		const again = await openSqliteStore({ path: copy });
		expect(found(copy)).toEqual([false, true]);
		expect(await again.erasures(1)).toHaveLength(1);
		while ((await again.continueErasure(erasure))?.done === false);
		expect(await again.releaseSpace(0)).toBe(0);
		expect(found(copy)).toEqual([false, false]);
		await again.close();
	});

	it("says so if another program, such as a backup, keeps it from overwriting", async () => {
		const { store, path, records, projectId, scope } = await open();
		const event = records.event(projectId, { body: Buffer.from(PAYLOAD) });
		await store.commit({ events: [event], updates: [] });
		using backup = new DatabaseSync(path, { readOnly: true });
		backup.exec("BEGIN");
		backup.prepare("SELECT count(*) FROM events").get();
		await store.erasePayload(scope, event.event.id, { reason: "erased", at: records.now, limit: 1_000, entry: null });
		await expect(store.releaseSpace(0)).rejects.toMatchObject({ code: "store_unavailable" });
		expect(found(path)).toEqual([true, false]);
		backup.exec("COMMIT");
		expect(await store.releaseSpace(0)).toBe(0);
		expect(found(path)).toEqual([false, false]);
	});
});
