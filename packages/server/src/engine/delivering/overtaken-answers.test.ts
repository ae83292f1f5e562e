// The answer of a claim or a commit comes after those of later calls, as it may with a store that has several connections:
// what it brings may have been attempted or cancelled since.
import type { Receiver, Script } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { StoreError } from "../../ports/store/errors.ts";
import type { EngineLimits } from "../parts.ts";
import { holdCommits, holdFirst, openDelivering, passTurns, received } from "../test/delivering.ts";
import { eventually, type TestEngine } from "../test/test-engine.ts";

/**
 * Holds back the answer of the next claim that brings something. `executed` resolves when it is executed; `answer` lets
 * the answer through.
 */
function holdClaim({ store, engineStore }: TestEngine) {
	const [executed, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
	engineStore.claimDue = async (request) => {
		const claim = await store.claimDue(request);
		if (claim.deliveries.length === 0) return claim;
		engineStore.claimDue = store.claimDue.bind(store);
		executed.resolve();
		await answered.promise;
		return claim;
	};
	return { executed: executed.promise, answer: answered.resolve };
}

/** An engine with a delivery that is Held, and its webhook: it was paused before it was sent or, with a script, after that. */
async function openHeld(script: Script | null = null, limits: Partial<EngineLimits> = {}) {
	const opened = await openDelivering(script, { limits });
	const { test, receiver, webhook } = opened;
	const { webhooks } = test.engine;
	if (script === null) await webhooks.pause(test.change, webhook.id);
	const eventId = await test.send();
	if (script !== null) {
		await receiver.waitFor(1);
		await webhooks.pause(test.change, webhook.id);
	}
	const { id } = await test.delivery(eventId, { status: "Held" });
	const resume = () => webhooks.resume(test.change, webhook.id);
	return { ...opened, eventId, id, resume };
}

/** The same, resumed, with a claim that is executed and not answered yet. */
async function openClaimed(script: Script | null = null) {
	const opened = await openHeld(script);
	const claim = holdClaim(opened.test);
	await opened.resume();
	await claim.executed;
	return { ...opened, answer: claim.answer };
}

/** Expects that the receiver has got these events and, when it has got one more, no others. */
async function expectOnly(test: TestEngine, receiver: Receiver, eventIds: readonly string[]): Promise<void> {
	const next = await test.send();
	await test.delivery(next, { status: "Succeeded" });
	expect(received(receiver)).toEqual([...eventIds, next]);
}

describe("a claim that was made, and whose answer is lost", () => {
	it("leaves nothing leased for longer than some seconds if the store is in another process", async () => {
		const { test, receiver, eventId, resume } = await openHeld(null, { mayLoseAnswers: true });
		const { store, engineStore } = test;
		engineStore.claimDue = async (request) => {
			const { deliveries } = await store.claimDue(request);
			if (deliveries.length > 0) engineStore.claimDue = store.claimDue.bind(store);
			throw new StoreError("store_unavailable", "the connection was reset");
		};
		await resume();
		await eventually("the claim fails", () => test.observer.problems.length > 0);
		expect(await store.leasedDeliveries(null, 0)).toHaveLength(1);
		for (let passedMs = 0; passedMs < 12_000; passedMs += 500) {
			test.clock.advance(500);
			await passTurns();
		}
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
	});
});

describe("a claim that is answered after later calls", () => {
	it.each([200, 500])("does not bring once more what was answered with %i since", async (status) => {
		const { script, answer: respond } = holdFirst();
		const { test, receiver, eventId, answer } = await openClaimed(script);
		respond({ status });
		await test.delivery(eventId, { attemptCount: 1, leaseUntil: null });
		await eventually("the attempt is over", () => test.engine.gauges().inFlightAttempts === 0);
		answer();
		await expectOnly(test, receiver, [eventId]);
		// The next attempt of what has failed is left to its time.
		test.clock.advance(1_020);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: status === 200 ? 1 : 2 });
	});

	it("does not bring what was cancelled since", async () => {
		const { test, receiver, eventId, id, answer } = await openClaimed();
		expect(await test.engine.deliveries.cancel(test.change, id)).toMatchObject({ status: "Cancelled" });
		answer();
		await expectOnly(test, receiver, []);
		await test.engine.deliveries.retry(test.change, id);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	});

	it("does not bring what was erased since", async () => {
		const { test, receiver, eventId, answer } = await openClaimed();
		await test.engine.events.erasePayload(test.change, eventId);
		answer();
		await expectOnly(test, receiver, []);
	});

	it("does not bring what was in a project that was deleted since, even if a change of its webhook is answered last", async () => {
		const { test, receiver, webhook, answer } = await openClaimed();
		const [executed, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		test.engineStore.updateWebhook = async (record, options) => {
			const revision = await test.store.updateWebhook(record, options);
			executed.resolve();
			await held.promise;
			return revision;
		};
		const updated = test.engine.webhooks.update(test.change, webhook.id, { description: "new" });
		await executed.promise;
		const other = test.in((await test.engine.projects.create("Other", null)).id);
		await test.engine.projects.delete(test.change);
		held.resolve();
		await updated;
		answer();
		await other.createWebhook(receiver.url);
		await expectOnly(other, receiver, []);
	});

	it("attempts once what was cancelled and then retried by hand, before the claim was executed or after it", async () => {
		for (const isExecuted of [true, false]) {
			const { test, receiver, eventId, id, resume } = await openHeld();
			const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
			const claim = holdClaim(test);
			if (!isExecuted) {
				test.engineStore.claimDue = async (request) => {
					asked.resolve();
					await held.promise;
					return test.store.claimDue(request);
				};
			}
			await resume();
			await (isExecuted ? claim.executed : asked.promise);
			await test.engine.deliveries.cancel(test.change, id);
			await test.engine.deliveries.retry(test.change, id);
			claim.answer();
			held.resolve();
			await test.delivery(eventId, { status: "Succeeded" });
			expect(received(receiver)).toEqual([eventId]);
		}
	});
});

describe("a commit that is answered after later calls", () => {
	it("does not bring what was erased since", async () => {
		const { test, receiver } = await openDelivering();
		const { executed, answer } = holdCommits(test);
		const sent = test.send();
		expect(await test.engine.events.erasePayload(test.change, await executed)).toEqual({ cancelledCount: 1 });
		answer();
		const eventId = await sent;
		await expectOnly(test, receiver, []);
		expect(await test.deliveries({ eventId })).toMatchObject([{ status: "Cancelled", attemptCount: 0 }]);
	});
});
