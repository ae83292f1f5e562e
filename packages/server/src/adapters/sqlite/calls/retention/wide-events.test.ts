// Retention of events with many deliveries: a step reads and changes about as many rows as it may, whatever the event's size is.
import { StatementSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it, onTestFinished, vi } from "vitest";

import { fillStore } from "../../../../ports/contract/store/records/records.ts";
import type { PurgeResult, PurgeStep } from "../../../../ports/store/retention.ts";
import type { Store } from "../../../../ports/store/store.ts";
import { openSqliteStore } from "../../sqlite-store.ts";

const WIDTH = 600;
const LIMIT = 50;

/** A store with an event whose many deliveries have succeeded, each with a response. */
async function open() {
	const dir = new TemporaryDir(fastParent());
	onTestFinished(() => dir[Symbol.dispose]());
	const path = dir.join("fanfare.db");
	const store = await openSqliteStore({ path });
	const { records, projectId, scope, webhookId, update } = await fillStore(store);
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
	return { path, store, projectId, step, responsesOf, eventId: sent.event.id, scope };
}

it("deletes such an event in steps that read no more deliveries than they delete", async () => {
	const { store, projectId, step } = await open();
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
	await store.close();
});

it("erases its responses in steps, and the payload with the last of them, also if the process ends in between", async () => {
	const { path, store, step, responsesOf, eventId, scope } = await open();
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
	let payloads = 0;
	do {
		result = await again.purgePayloads({ ...step, after: result.after });
		payloads += result.purged.payloads;
	} while (!result.done);
	expect([payloads, await responsesOf(again), await again.eventBody(scope, eventId)]).toEqual([1, 0, null]);
	await again.close();
});
