// The deletion of a project with many webhooks: nobody else waits for it, and a crash right after it changes nothing.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it, onTestFinished } from "vitest";

import { createAloneWire } from "../../adapters/alone/alone-wire.ts";
import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Wire } from "../../ports/wire.ts";
import type { LiveHub } from "../live/live-hub.ts";
import { NO_SETTINGS, NOBODY } from "../test/arrangements.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const MANY = 2_000;
/** More than what is done in one step. */
const SOME = 600;
/** Longer than a test takes by its clock before. */
const RETRY_AFTER_MS = 3_600_000;

/** Adds copies of a webhook. */
async function addMany(test: TestEngine, webhookId: string, count = MANY): Promise<void> {
	const [record] = await test.store.webhookRecords([webhookId]);
	const copy = (number: number) => record!.id.replace(/.{12}$/, String(number).padStart(12, "0"));
	for (let number = 0; number < count; number++) await test.store.insertWebhook({ ...record!, id: copy(number) }, null);
}

it("lets the event loop turn while the parts of the engine learn of its webhooks", async () => {
	await using one = await openTestEngine();
	const { id } = await one.createWebhook(NOBODY);
	await addMany(one, id);
	await using test = await openTestEngine({ store: one.store });
	let turns = 0;
	const count = () => {
		turns++;
		setImmediate(count);
	};
	const counting = setImmediate(count);
	await test.engine.projects.delete(one.change);
	clearImmediate(counting);
	expect(turns).toBeGreaterThan(MANY / 250 - 1);
	await test.stop();
});

it("is confirmed by another process before each of its parts knows of each webhook, and nothing is attempted from then on", async () => {
	const store = await openSqliteStore({ path: ":memory:" });
	const one = await openTestEngine({ store });
	const retries = { maxRetries: 1, maxBackoffMs: RETRY_AFTER_MS, scheduleMs: [RETRY_AFTER_MS] };
	const { id } = await one.createWebhook(NOBODY, { retries });
	const { id: deliveryId } = await one.delivery(await one.send(), { attemptCount: 1, status: "Pending" });
	// Their ids come before that of the webhook, which is told last.
	await addMany(one, id, SOME);
	await one.stop();
	const held: (() => void)[] = [];
	let areHeld = false;
	const nextTurn = (fire: () => void) => void (areHeld ? held.push(fire) : setImmediate(fire));
	let confirmed: Parameters<Wire["follow"]>[0] = () => Promise.reject(new Error("nobody follows"));
	const wire: Wire = { ...createAloneWire(), follow: (follow) => void (confirmed = follow) };
	const other = await openTestEngine({ store, clock: new ManualClock(one.clock.now(), { nextTurn }), wire });
	areHeld = true;
	const version = await store.deleteProject(one.projectId, one.clock.now(), null);
	let isConfirmed = false;
	void confirmed(null, version ?? 0).then(() => (isConfirmed = true));
	await eventually("the deletion to be confirmed", () => isConfirmed);
	expect(() => other.engine.projects.get(one.scope)).toThrow("No such project");
	expect(held.length).toBeGreaterThan(0);
	other.clock.advance(RETRY_AFTER_MS);
	await other.engine.projects.create("the store has been asked since", null);
	expect(other.observer.attempts).toEqual([]);
	areHeld = false;
	for (const fire of held) fire();
	const isCancelled = async () => (await store.delivery(one.scope, deliveryId))?.status === "Cancelled";
	await eventually("the delivery to be cancelled", isCancelled);
	expect(other.observer.attempts).toEqual([]);
	await other.stop();
	await store.close();
});

/** The path of a store on a file, until the end of the test. */
function filePath(): string {
	const dir = new TemporaryDir(fastParent());
	onTestFinished(() => dir[Symbol.dispose]());
	return dir.join("fanfare.db");
}

describe("the webhooks of a deleted project, whose rows are all that earlier versions look at", () => {
	/** An engine on a file, with many webhooks, one of which has a delivery that waits. */
	async function openMany() {
		const path = filePath();
		const store = await openSqliteStore({ path });
		onTestFinished(() => store.close());
		const test = await openTestEngine({ store });
		onTestFinished(() => test.stop());
		const { id } = await test.createWebhook(NOBODY);
		const delivery = await test.delivery(await test.send(), { attemptCount: 1, status: "Pending" });
		await addMany(test, id, SOME);
		const isCancelled = async () => (await store.delivery(test.scope, delivery.id))?.status === "Cancelled";
		return { test, rows: () => rowsOf(path), isCancelled };
	}

	it("are all marked when the call is answered, in steps", async () => {
		const { test, rows } = await openMany();
		const markWebhooksDeleted = test.engineStore.markWebhooksDeleted.bind(test.engineStore);
		let steps = 0;
		test.engineStore.markWebhooksDeleted = (place, limit) => {
			steps++;
			expect(limit).toBeLessThanOrEqual(250);
			return markWebhooksDeleted(place, limit);
		};
		await test.engine.projects.delete(test.change);
		expect(rows()).toMatchObject({ marked: SOME + 1, webhooks: SOME + 1 });
		expect(steps).toBeGreaterThan(SOME / 250);
	});

	it("are all marked when the call is answered, also if the process is being stopped", async () => {
		const { test, rows } = await openMany();
		const { promise: stopped, resolve: stop } = Promise.withResolvers<Promise<void>>();
		test.engineStore.markWebhooksDeleted = (place, limit) => {
			if (place.projectId !== null) stop(test.engine.stop());
			return test.store.markWebhooksDeleted(place, limit);
		};
		const isDeleted = test.engine.projects.delete(test.change);
		// The store is closed after this.
		await stopped;
		expect(rows().marked).toBe(rows().webhooks);
		await isDeleted;
	});

	it("are marked and swept within a minute by a process that lives on, if the one that has deleted it dies first", async () => {
		const { test, rows, isCancelled } = await openMany();
		// The engine never learns of it, as if another one had died before it could tell.
		await test.store.deleteProject(test.projectId, test.clock.now(), null);
		expect(rows()).toMatchObject({ marked: 0, webhooks: SOME + 1 });
		test.clock.advance(60_000);
		// Retention may remove some of them at the same time.
		await eventually("all are marked", () => rows().marked === rows().webhooks);
		await eventually("the delivery is cancelled", isCancelled);
	});

	it("are marked later if the store fails, and the project is deleted all the same", async () => {
		const { test, rows } = await openMany();
		const markWebhooksDeleted = test.engineStore.markWebhooksDeleted.bind(test.engineStore);
		test.engineStore.markWebhooksDeleted = () => Promise.reject(new StoreError("store_unavailable", "it hangs"));
		await test.engine.projects.delete(test.change);
		expect(rows()).toMatchObject({ marked: 0, webhooks: SOME + 1 });
		const message =
			"keys of a deleted project could not be removed, or its webhooks not be marked as deleted; this is tried again";
		expect(test.observer.problems).toMatchObject([{ message, facts: { projectId: test.projectId } }]);
		let isDone = false;
		test.engineStore.markWebhooksDeleted = async (place, limit) => {
			const step = await markWebhooksDeleted(place, limit);
			isDone = step.next === null && place.projectId === null;
			return step;
		};
		test.clock.advance(60_000);
		await eventually("all are marked", () => isDone);
	});
});

describe("the keys of a deleted project", () => {
	/** Two steps, and a third for the rest. */
	const KEYS = 600;
	const PAGE = { limit: 1_000, cursor: null };

	/** An engine on a file, with a project that has many keys. `secretKey` is one of them. */
	async function openKeys(path: string) {
		const store = await openSqliteStore({ path });
		const test = await openTestEngine({ store });
		const { key, secretKey } = await test.engine.keys.create(
			{ name: "k", scope: "write", projectId: test.projectId },
			null,
		);
		const [record] = (await store.keys()).filter(({ id }) => id === key.id);
		for (let number = 1; number < KEYS; number++) {
			const id = key.id.replace(/.{12}$/, String(number).padStart(12, "0"));
			const digest = Uint8Array.from({ length: 32 }, (_, index) => (index < 2 ? number >> (8 * index) : 1));
			await store.insertKey({ ...record!, id, digest }, null);
		}
		return { store, test, secretKey };
	}

	function keysIn(path: string): unknown {
		using db = new DatabaseSync(path, { readOnly: true });
		return db.prepare("SELECT count(*) AS count FROM keys WHERE project_id IS NOT NULL").get()?.["count"];
	}

	it("open nothing while they are removed, which is done in steps before the call is answered", async () => {
		const path = filePath();
		const { store, test, secretKey } = await openKeys(path);
		const removeKeysOfDeleted = test.engineStore.removeKeysOfDeleted.bind(test.engineStore);
		const left: number[] = [];
		// The engine reads the keys that it does not know.
		await test.engine.projects.update(test.change, {});
		// Whoever has streams looks through all of them, so they are told of all keys at once.
		const told: number[] = [];
		const { live } = test.engine as unknown as { live: Pick<LiveHub, "keysDeleted"> };
		live.keysDeleted = (ids) => void told.push(ids.size);
		test.engineStore.removeKeysOfDeleted = (projectId, limit) => {
			left.push(Number(keysIn(path)));
			expect(limit).toBeLessThanOrEqual(250);
			expect(test.engine.keys.authenticate(secretKey)).toBeNull();
			expect(test.engine.keys.list(PAGE).rows.filter((key) => key.projectId !== null)).toEqual([]);
			return removeKeysOfDeleted(projectId, limit);
		};
		await test.engine.projects.delete(test.change);
		// What deletes the rest of the project takes some of them, too.
		expect(left.length).toBeGreaterThan(2);
		expect(left[0]).toBeGreaterThan(250);
		expect([left.at(-1), keysIn(path)]).toEqual([0, 0]);
		expect(told).toEqual([KEYS]);
		await test.stop();
		await store.close();
	});

	it("stay closed, and go on being removed, if the process dies between two steps", async () => {
		const path = filePath();
		const { store, test, secretKey } = await openKeys(path);
		await test.engine.projects.create("stays", null);
		// The engine never learns of it, as if it had died.
		await store.deleteProject(test.projectId, test.clock.now(), null);
		expect(await store.removeKeysOfDeleted(test.projectId, 250)).toBe(true);
		await test.stop();
		await store.close();
		expect(keysIn(path)).toBe(KEYS - 250);

		const again = await openSqliteStore({ path });
		expect(await again.keys()).toHaveLength(1);
		const other = await openTestEngine({ store: again });
		expect(other.engine.keys.authenticate(secretKey)).toBeNull();
		await eventually("the rows are gone", () => keysIn(path) === 0);
		await other.stop();
		await again.close();
	});
});

it("is whole if the process is killed right after the call, which changes no row of a webhook", async () => {
	const path = filePath();
	const first = await openSqliteStore({ path });
	const one = await openTestEngine({ store: first });
	const { id } = await one.createWebhook(NOBODY);
	await one.engine.eventTypes.create(one.change, "test.event", NO_SETTINGS);
	await one.engine.projects.create("stays", null);
	const eventId = await one.send();
	const { id: deliveryId } = await one.delivery(eventId, { attemptCount: 1, status: "Pending" });
	await addMany(one, id);
	// The engine never learns of it, as if it had died.
	expect(await first.deleteProject(one.projectId, one.clock.now(), null)).not.toBeNull();
	await one.stop();
	await first.close();
	expect(rowsOf(path)).toEqual({ marked: 0, webhooks: MANY + 1, eventTypes: 1 });

	const store = await openSqliteStore({ path });
	const test = await openTestEngine({ store, clock: one.clock });
	const statusOf = async () => (await store.delivery(one.scope, deliveryId))?.status;
	await eventually("the delivery to be cancelled", async () => (await statusOf()) === "Cancelled");
	expect(test.observer.attempts).toEqual([]);
	await eventually("the rows to be gone", async () => {
		test.clock.advance(60_000);
		return (await store.webhookRecords([id])).length === 0 && (await statusOf()) === undefined;
	});
	await test.stop();
	await store.close();
});

/** What a store that is closed has of webhooks and event types. */
function rowsOf(path: string) {
	using db = new DatabaseSync(path, { readOnly: true });
	const count = (from: string) => db.prepare(`SELECT count(*) AS count FROM ${from}`).get()?.["count"];
	return {
		marked: count("webhooks WHERE delete_date IS NOT NULL"),
		webhooks: count("webhooks"),
		eventTypes: count("event_types"),
	};
}
