// Steps of retention read and change about as many rows as they may, however many an event or a webhook has, and write nothing in vain.
import { DatabaseSync, StatementSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it, onTestFinished, vi } from "vitest";

import { fillStore } from "../../../../ports/contract/store/records/records.ts";
import type { PurgeResult, PurgeStep } from "../../../../ports/store/retention.ts";
import type { Store } from "../../../../ports/store/store.ts";
import { openSqliteStore } from "../../sqlite-store.ts";

const WIDTH = 600;
const LIMIT = 50;
const VERSIONS = 40;

/** A store in a file. */
async function open() {
	const dir = new TemporaryDir(fastParent());
	onTestFinished(() => dir[Symbol.dispose]());
	const path = dir.join("fanfare.db");
	const store = await openSqliteStore({ path });
	onTestFinished(() => store.close());
	return { path, ...(await fillStore(store)) };
}

/** A store with an event whose many deliveries have succeeded, each with a response. */
async function openWide() {
	const world = await open();
	const { store, records, projectId, scope, webhookId, update } = world;
	const webhookIds = Array.from({ length: WIDTH }, () => webhookId);
	const sent = records.event(projectId, { body: Buffer.from("a payload"), webhookIds });
	await store.commit({ events: [sent], updates: [] });
	const response = { headers: {}, body: "a response", bodyTruncated: false };
	const ids = sent.deliveries.map(({ id }) => id);
	await update(...ids.map((id) => ({ ...records.outcome(id, 1), attempt: records.attempt(1, { response }) })));
	const before = records.now + 1;
	const step: Omit<PurgeStep, "after"> = { projectId, at: before, before, limit: LIMIT };
	const responsesOf = async (from: Store) => {
		const pages = await Promise.all(ids.map((id) => from.attempts(scope, id, { limit: 1, cursor: null })));
		return pages.flatMap(({ rows }) => rows).filter(({ response }) => response?.body !== "").length;
	};
	return { ...world, step, responsesOf, eventId: sent.event.id };
}

it("deletes a wide event in steps that read no more deliveries than they delete", async () => {
	const { store, projectId, step } = await openWide();
	// oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this`
	const all = StatementSync.prototype.all;
	let most = 0;
	const spy = vi.spyOn(StatementSync.prototype, "all").mockImplementation(function (this: StatementSync, ...values) {
		const rows = all.apply(this, values);
		most = Math.max(most, rows.length);
		return rows;
	});
	onTestFinished(() => spy.mockRestore());
	let [deliveries, steps, after] = [0, 0, null as string | null];
	for (let done = false; !done; steps++) {
		const result: PurgeResult = await store.purgeEvents({ ...step, after });
		({ after, done } = result);
		deliveries += result.purged.deliveries;
	}
	expect({ deliveries, isBounded: most <= LIMIT + 1 }).toEqual({ deliveries: WIDTH, isBounded: true });
	expect(steps).toBeGreaterThan(WIDTH / LIMIT / 2);
	expect((await store.usage([projectId])).projects).toEqual([0]);
});

it("erases its responses in steps, and the payload with the last of them, also if the process ends in between", async () => {
	const { path, store, step, responsesOf, eventId, scope } = await openWide();
	let left = WIDTH;
	let result = await store.purgePayloads({ ...step, after: null });
	for (let steps = 1; steps < 4; steps++) {
		const now = await responsesOf(store);
		expect(left - now).toBeGreaterThan(0);
		expect(left - now).toBeLessThanOrEqual(LIMIT);
		left = now;
		expect([result.done, result.purged.payloads]).toEqual([false, 0]);
		result = await store.purgePayloads({ ...step, after: result.after });
	}
	expect(await store.eventBody(scope, eventId)).not.toBeNull();
	await store.close();

	const again = await openSqliteStore({ path });
	onTestFinished(() => again.close());
	let payloads = 0;
	do {
		result = await again.purgePayloads({ ...step, after: result.after });
		payloads += result.purged.payloads;
	} while (!result.done);
	expect([payloads, await responsesOf(again), await again.eventBody(scope, eventId)]).toEqual([1, 0, null]);
});

/** A store with webhooks of a project, which were moved often and then deleted with it. */
async function openMoved(count: number) {
	const { store, records, addProject } = await open();
	const project = await addProject();
	const ids: string[] = [];
	for (let n = 0; n < count; n++) {
		const webhook = records.webhook(project.id);
		ids.push(webhook.id);
		let revision = Number(await store.insertWebhook(webhook, null));
		for (let version = 1; version < VERSIONS; version++) {
			const moved = { ...webhook, endpoint: `https://example.com/${version}`, revision };
			revision = Number(await store.updateWebhook(moved, { expected: revision, entry: null }));
		}
	}
	await store.deleteProject(project.id, records.now, null);
	return { store, left: async () => (await store.webhookRecords(ids)).length };
}

it("removes no further webhook in a step once it has removed as many rows as it should, and goes on in the next one", async () => {
	const few = await openMoved(4);
	const counts: number[] = [];
	for (let done = false; !done;) {
		({ done } = await few.store.purgeDeletedProjects(null, VERSIONS));
		counts.push(await few.left());
	}
	expect(counts.slice(0, 4)).toEqual([3, 2, 1, 0]);

	// A step over all webhooks removes a thousand rows.
	const { store, left } = await openMoved(30);
	const after = await store.purgeDeletedWebhooks(null, 200, Infinity);
	expect(after).not.toBeNull();
	expect(await left()).toBe(30 - Math.ceil(1_000 / (VERSIONS + 2)));
	expect(await store.purgeDeletedWebhooks(after, 200, Infinity)).toBeNull();
	expect(await left()).toBe(0);
});

it("writes nothing if there is nothing left to erase, with deliveries or without", async () => {
	const { path, store, scope, records, projectId, webhookId } = await open();
	const events = [records.event(projectId, { webhookIds: [webhookId] }), records.event(projectId)];
	await store.commit({ events, updates: [] });
	using reader = new DatabaseSync(path, { readOnly: true });
	const version = () => reader.prepare("PRAGMA data_version").get()?.["data_version"];
	for (const { event } of events) {
		const erase = () =>
			store.erasePayload(scope, event.id, { reason: "erased", at: records.now, limit: 100, entry: records.entry() });
		expect(await erase()).toMatchObject({ changed: true, done: true });
		const before = version();
		expect(await erase()).toMatchObject({ changed: false, done: true });
		expect(version()).toBe(before);
	}
});
