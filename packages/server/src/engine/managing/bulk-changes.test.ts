// Calls that retry or cancel many deliveries, several at the same time: each counts what it has changed itself.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it, onTestFinished } from "vitest";

import type { AuditDraft } from "../../core/access/audit.ts";
import type { DeliveryStatus } from "../../core/delivery.ts";
import { ANY_DELIVERY, ANY_ENTRY, NEWEST } from "../../ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../ports/store/log.ts";
import type { ManyChanged } from "../calls.ts";
import { ANY_ITEM, draft, itemsOf, NOBODY, subscribe } from "../test/arrangements.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const CALLS = 10;
const DELIVERIES = 50;

/** An engine with a paused webhook and deliveries that are Held. */
async function openHeld(url: string) {
	let mayCommit = Promise.resolve();
	let mostUpdates = 0;
	const test = await openTestEngine({
		beforeCommit: ({ updates }) => {
			mostUpdates = Math.max(mostUpdates, updates.length);
			return mayCommit;
		},
	});
	const { id } = await test.createWebhook(url);
	await test.engine.webhooks.pause(test.change, id);
	await Promise.all(Array.from({ length: DELIVERIES }, () => test.send()));
	/** Makes the calls at once. Each finds what the first one has found, as if it had read it in another process at the same time. */
	const allAtOnce = async (call: (audit: AuditDraft) => Promise<ManyChanged>): Promise<ManyChanged[]> => {
		let first: ReturnType<TestEngine["store"]["deliveries"]> | null = null;
		test.engineStore.deliveries = (...parameters) => (first ??= test.store.deliveries(...parameters));
		const calls = Array.from({ length: CALLS }, (_, n) =>
			call(draft("delivery.cancel_many", { requestId: `req_${n}` })),
		);
		const results = await Promise.all(calls);
		test.engineStore.deliveries = (...parameters) => test.store.deliveries(...parameters);
		return results;
	};
	const hold = () => {
		const gate = Promise.withResolvers<void>();
		mayCommit = gate.promise;
		return gate.resolve;
	};
	onTestFinished(() => test[Symbol.asyncDispose]());
	return { test, webhookId: id, allAtOnce, hold, mostUpdates: () => mostUpdates };
}

/** Each call that has changed something has one audit entry, and the others have none. */
async function expectOwnCounts(test: TestEngine, results: readonly ManyChanged[]): Promise<void> {
	expect(results.map(({ matched }) => matched)).toEqual(results.map(() => DELIVERIES));
	expect(results.reduce((sum, { changed }) => sum + changed, 0)).toBe(DELIVERIES);
	const { rows } = await test.store.auditEntries({ ...ANY_ENTRY, action: "delivery.cancel_many" }, NEWEST);
	const changing = results.flatMap(({ changed }, index) => (changed > 0 ? [`req_${index}`] : []));
	expect(new Set(rows.map(({ requestId }) => requestId))).toEqual(new Set(changing));
	expect(rows).toHaveLength(changing.length);
}

const OF_STATUS = (status: DeliveryStatus): DeliveryFilter => ({ ...ANY_DELIVERY, statuses: [status] });

it("cancels each delivery once when ten cancel many at once, and each call counts its own", async () => {
	const { test, allAtOnce, mostUpdates } = await openHeld(NOBODY);
	const updates = itemsOf(subscribe(test, { filter: { ...ANY_ITEM, kinds: ["delivery.updated"] } }));
	const results = await allAtOnce((audit) =>
		test.engine.deliveries.cancelMany({ scope: test.scope, audit }, OF_STATUS("Held")),
	);
	await expectOwnCounts(test, results);
	expect(await updates(DELIVERIES)).toHaveLength(DELIVERIES);
	// Those of one call: the others wait for their turn, and outcomes of attempts do not come behind them.
	expect(mostUpdates()).toBe(DELIVERIES);
});

it("looks for what its filter finds only when it has its turn: what has changed until then is left out", async () => {
	const { test, hold } = await openHeld(NOBODY);
	let reads = 0;
	test.engineStore.deliveries = (...parameters) => {
		reads++;
		return test.store.deliveries(...parameters);
	};
	const goOn = hold();
	const calls = [1, 2].map(() => test.engine.deliveries.cancelMany(test.change, OF_STATUS("Held")));
	await eventually("the first call has read", () => Promise.resolve(reads > 0));
	expect(reads).toBe(1);
	goOn();
	expect(await Promise.all(calls)).toMatchObject([
		{ matched: DELIVERIES, changed: DELIVERIES },
		{ matched: 0, changed: 0 },
	]);
});

it("puts the steps of four projects before the outcomes of attempts at once, and refuses calls behind too many others of their project", async () => {
	const sizes: number[] = [];
	const gate = Promise.withResolvers<void>();
	await using test = await openTestEngine({
		beforeCommit: ({ updates }) => {
			if (updates.length === 0) return Promise.resolve();
			sizes.push(updates.length);
			return gate.promise;
		},
	});
	const projects = [test];
	for (const name of "bcdef") projects.push(test.in((await test.engine.projects.create(name, null)).id));
	for (const each of projects) {
		const { id } = await each.createWebhook(NOBODY);
		await test.engine.webhooks.pause(each.change, id);
		await each.send();
	}
	const cancel = (each: TestEngine) => test.engine.deliveries.cancelMany(each.change, OF_STATUS("Held"));
	const first = projects.map(cancel);
	await eventually("a commit", () => Promise.resolve(sizes.length > 0));
	// One of its calls is under way.
	const more = Promise.allSettled(Array.from({ length: 257 }, () => cancel(test)));
	gate.resolve();
	expect(await Promise.all(first)).toMatchObject(first.map(() => ({ matched: 1, changed: 1 })));
	// Four in the first commit and in the one that was made of what had gathered behind it, however they are divided.
	const sums = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size));
	expect(sums.slice(0, 2)).toContain(4);
	expect(sums.at(-1)).toBe(6);
	// All are about the same part of the project, which has three quarters of the 256 places to wait.
	const refused = (await more).filter(({ status }) => status === "rejected");
	expect(refused).toHaveLength(257 - 192);
	expect(refused[0]).toMatchObject({ reason: { code: "overloaded" } });
});

it("retries each delivery once when ten retry many at once, and each call counts its own", async () => {
	await using receiver = await startReceiver();
	const { test, webhookId, allAtOnce } = await openHeld(receiver.url);
	await test.engine.deliveries.cancelMany(test.change, OF_STATUS("Held"));
	await test.engine.webhooks.resume(test.change, webhookId);
	const results = await allAtOnce((audit) =>
		test.engine.deliveries.retryMany({ scope: test.scope, audit }, OF_STATUS("Cancelled")),
	);
	await expectOwnCounts(test, results);
	await eventually("all are delivered", async () => {
		const delivered = await test.deliveries({ statuses: ["Succeeded"] });
		return delivered.length === DELIVERIES;
	});
	expect(receiver.requests).toHaveLength(DELIVERIES);
});
