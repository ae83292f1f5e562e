// Calls that retry or cancel many deliveries, several at the same time: each counts what it has changed itself.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import type { AuditDraft } from "../../core/access/audit.ts";
import { generateSecretKey, makeKey } from "../../core/access/key.ts";
import type { DeliveryStatus } from "../../core/delivery.ts";
import { ANY_DELIVERY, NEWEST } from "../../ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../ports/store/log.ts";
import type { ManyChanged } from "../calls.ts";
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
		const calls = Array.from({ length: CALLS }, (_, index) =>
			call({
				keyId: null,
				customerId: null,
				sessionId: null,
				portalSessionId: null,
				actor: null,
				action: "many",
				fields: [],
				requestId: `req_${index}`,
			}),
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
	return { test, webhookId: id, allAtOnce, hold, mostUpdates: () => mostUpdates };
}

/** Counts the items of the live stream that tell of a delivery, until it is read. */
function watchUpdates(test: TestEngine) {
	const key = makeKey("key_1", generateSecretKey(systemChance), { name: "k", scope: "read", projectId: null }, 0);
	const subscription = test.engine.live.subscribe({
		kind: "api",
		scope: test.scope,
		principal: { kind: "key", key, digest: key.digest, session: null },
		filter: { kinds: ["delivery.updated"], customerId: null, webhookId: null, eventTypes: null },
		lastEventId: null,
		abandon: () => {},
	});
	return async (count: number) => {
		let items = 0;
		while (items < count) items += ((await subscription.next()) ?? []).filter(({ type }) => type === "item").length;
		return items;
	};
}

/** Each call that has changed something has one audit entry, and the others have none. */
async function expectOwnCounts(test: TestEngine, results: readonly ManyChanged[]): Promise<void> {
	expect(results.map(({ matched }) => matched)).toEqual(results.map(() => DELIVERIES));
	expect(results.reduce((sum, { changed }) => sum + changed, 0)).toBe(DELIVERIES);
	const filter = { keyId: null, projectId: null, objectId: null, action: "many", after: null, before: null };
	const { rows } = await test.store.auditEntries(filter, NEWEST);
	const changing = results.flatMap(({ changed }, index) => (changed > 0 ? [`req_${index}`] : []));
	expect(new Set(rows.map(({ requestId }) => requestId))).toEqual(new Set(changing));
	expect(rows).toHaveLength(changing.length);
}

const OF_STATUS = (status: DeliveryStatus): DeliveryFilter => ({ ...ANY_DELIVERY, statuses: [status] });

it("cancels each delivery once when ten cancel many at once, and each call counts its own", async () => {
	const { test, allAtOnce, mostUpdates } = await openHeld("http://127.0.0.1:1/");
	await using _test = test;
	const updates = watchUpdates(test);
	const results = await allAtOnce((audit) =>
		test.engine.deliveries.cancelMany({ scope: test.scope, audit }, OF_STATUS("Held")),
	);
	await expectOwnCounts(test, results);
	expect(await updates(DELIVERIES)).toBe(DELIVERIES);
	// Those of one call: the others wait for their turn, and outcomes of attempts do not come behind them.
	expect(mostUpdates()).toBe(DELIVERIES);
});

it("looks for what its filter finds only when it has its turn: what has changed until then is left out", async () => {
	const { test, hold } = await openHeld("http://127.0.0.1:1/");
	await using _test = test;
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
	for (const name of ["b", "c", "d", "e", "f"])
		projects.push(test.in((await test.engine.projects.create(name, null)).id));
	for (const each of projects) {
		const { id } = await each.createWebhook("http://127.0.0.1:1/");
		await test.engine.webhooks.pause(each.change, id);
		await each.send();
	}
	const cancel = (each: TestEngine) => test.engine.deliveries.cancelMany(each.change, OF_STATUS("Held"));
	const first = projects.map(cancel);
	await eventually("a commit", () => Promise.resolve(sizes.length > 0));
	// One of its calls is under way.
	const more = Promise.allSettled(Array.from({ length: 257 }, () => cancel(test)));
	gate.resolve();
	expect(await Promise.all(first)).toEqual(
		first.map(() => expect.objectContaining({ matched: 1, changed: 1 }) as unknown),
	);
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
	await using _test = test;
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
