// The answer of a claim or a commit comes after those of later calls, as it may with a store that has several connections:
// what it brings may have been attempted or cancelled since.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { StoreError } from "../../ports/store/errors.ts";
import type { EngineLimits } from "../parts.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";
import { passTurns } from "../test/two-engines.ts";

/**
 * Holds back the answer of the next claim that brings something. `executed` resolves when it is executed; `answer` lets
 * the answer through.
 */
function holdClaim({ store, engineStore }: TestEngine) {
	const executed = Promise.withResolvers<void>();
	const { promise: held, resolve: answer } = Promise.withResolvers<void>();
	engineStore.claimDue = async (request) => {
		const claim = await store.claimDue(request);
		if (claim.deliveries.length === 0) return claim;
		engineStore.claimDue = store.claimDue.bind(store);
		executed.resolve();
		await held;
		return claim;
	};
	return { executed: executed.promise, answer };
}

/** Holds back all claims before they are executed. `asked` resolves when there is one; `execute` lets them through. */
function holdCalls({ store, engineStore }: TestEngine) {
	const asked = Promise.withResolvers<void>();
	const { promise: held, resolve: execute } = Promise.withResolvers<void>();
	engineStore.claimDue = async (request) => {
		asked.resolve();
		await held;
		return store.claimDue(request);
	};
	return { asked: asked.promise, execute };
}

/** An engine with a delivery whose first attempt is under way, paused and resumed, and whose claim is not answered yet. */
async function openAttempted(receiver: Receiver) {
	const { promise: response, resolve: respond } = Promise.withResolvers<{ status: number }>();
	receiver.script((_request, index) => (index === 0 ? response : {}));
	const test = await openTestEngine();
	const webhook = await test.createWebhook(receiver.url);
	const eventId = await test.send();
	await receiver.waitFor(1);
	await test.engine.webhooks.pause(test.change, webhook.id);
	await test.delivery(eventId, { status: "Held" });
	const claim = holdClaim(test);
	await test.engine.webhooks.resume(test.change, webhook.id);
	await claim.executed;
	return { test, eventId, respond, claim };
}

/** An engine with a delivery that is Held because its webhook was paused before it was sent. */
async function openHeld(receiver: Receiver, limits: Partial<EngineLimits> = {}) {
	const test = await openTestEngine({ limits });
	const webhook = await test.createWebhook(receiver.url);
	await test.engine.webhooks.pause(test.change, webhook.id);
	const eventId = await test.send();
	const { id } = await test.delivery(eventId, { status: "Held" });
	return { test, webhook, eventId, id };
}

/** An engine with a delivery that was never attempted, and whose claim is not answered yet. */
async function openClaimed(receiver: Receiver) {
	const { test, webhook, eventId, id } = await openHeld(receiver);
	const claim = holdClaim(test);
	await test.engine.webhooks.resume(test.change, webhook.id);
	await claim.executed;
	return { test, webhook, eventId, id, claim };
}

async function attemptIsOver({ engine }: TestEngine): Promise<void> {
	await eventually("the attempt is over", () => engine.gauges().inFlightAttempts === 0);
}

/** The ids of the events in the order in which they came. */
function eventsAt(receiver: Receiver): unknown[] {
	return receiver.requests.map(({ headers }) => headers["webhook-id"]);
}

describe("a claim that was made, and whose answer is lost", () => {
	it("leaves nothing leased for longer than some seconds if the store is in another process", async () => {
		await using receiver = await startReceiver();
		const { test, webhook, eventId } = await openHeld(receiver, { mayLoseAnswers: true });
		await using _ = test;
		const { store, engineStore } = test;
		engineStore.claimDue = async (request) => {
			const { deliveries } = await store.claimDue(request);
			if (deliveries.length > 0) engineStore.claimDue = store.claimDue.bind(store);
			throw new StoreError("store_unavailable", "the connection was reset");
		};
		await test.engine.webhooks.resume(test.change, webhook.id);
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
	it("does not bring once more what has succeeded since", async () => {
		await using receiver = await startReceiver();
		const { test, eventId, respond, claim } = await openAttempted(receiver);
		await using _ = test;
		respond({ status: 200 });
		await test.delivery(eventId, { status: "Succeeded" });
		await attemptIsOver(test);
		claim.answer();
		const next = await test.send();
		await test.delivery(next, { status: "Succeeded" });
		expect(eventsAt(receiver)).toEqual([eventId, next]);
	});

	it("leaves the next attempt of what has failed since to its time", async () => {
		await using receiver = await startReceiver();
		const { test, eventId, respond, claim } = await openAttempted(receiver);
		await using _ = test;
		respond({ status: 500 });
		await test.delivery(eventId, { status: "Pending", attemptCount: 1, leaseUntil: null });
		await attemptIsOver(test);
		claim.answer();
		const next = await test.send();
		await test.delivery(next, { status: "Succeeded" });
		expect(eventsAt(receiver)).toEqual([eventId, next]);
		test.clock.advance(1_020);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
	});

	it("does not bring what was cancelled since", async () => {
		await using receiver = await startReceiver();
		const { test, eventId, id, claim } = await openClaimed(receiver);
		await using _ = test;
		expect(await test.engine.deliveries.cancel(test.change, id)).toMatchObject({ status: "Cancelled" });
		claim.answer();
		const next = await test.send();
		await test.delivery(next, { status: "Succeeded" });
		expect(eventsAt(receiver)).toEqual([next]);
		await test.engine.deliveries.retry(test.change, id);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	});

	it("does not bring what was erased since", async () => {
		await using receiver = await startReceiver();
		const { test, eventId, claim } = await openClaimed(receiver);
		await using _ = test;
		await test.engine.events.erasePayload(test.change, eventId);
		claim.answer();
		const next = await test.send();
		await test.delivery(next, { status: "Succeeded" });
		expect(eventsAt(receiver)).toEqual([next]);
	});

	it("does not bring what was in a project that was deleted since, even if a change of its webhook is answered last", async () => {
		await using receiver = await startReceiver();
		const { test, webhook, claim } = await openClaimed(receiver);
		await using _ = test;
		const { promise: held, resolve: answerUpdate } = Promise.withResolvers<void>();
		const executed = Promise.withResolvers<void>();
		test.engineStore.updateWebhook = async (record, options) => {
			const revision = await test.store.updateWebhook(record, options);
			executed.resolve();
			await held;
			return revision;
		};
		const updated = test.engine.webhooks.update(test.change, webhook.id, { description: "new" });
		await executed.promise;
		const other = test.in((await test.engine.projects.create("Other", null)).id);
		await test.engine.projects.delete(test.change);
		answerUpdate();
		await updated;
		claim.answer();
		await other.createWebhook(receiver.url);
		const next = await other.send();
		await other.delivery(next, { status: "Succeeded" });
		expect(eventsAt(receiver)).toEqual([next]);
	});

	it("attempts once what was cancelled and then retried by hand", async () => {
		await using receiver = await startReceiver();
		const { test, eventId, id, claim } = await openClaimed(receiver);
		await using _ = test;
		await test.engine.deliveries.cancel(test.change, id);
		await test.engine.deliveries.retry(test.change, id);
		claim.answer();
		await test.delivery(eventId, { status: "Succeeded" });
		expect(eventsAt(receiver)).toEqual([eventId]);
	});

	it("brings what was cancelled and then retried by hand before the claim was executed", async () => {
		await using receiver = await startReceiver();
		const { test, webhook, eventId, id } = await openHeld(receiver);
		await using _ = test;
		const claims = holdCalls(test);
		await test.engine.webhooks.resume(test.change, webhook.id);
		await claims.asked;
		await test.engine.deliveries.cancel(test.change, id);
		await test.engine.deliveries.retry(test.change, id);
		claims.execute();
		await test.delivery(eventId, { status: "Succeeded" });
		expect(eventsAt(receiver)).toEqual([eventId]);
	});
});

describe("a commit that is answered after later calls", () => {
	it("does not bring what was erased since", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const [executed, answer] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()];
		test.engineStore.commit = async (batch) => {
			test.engineStore.commit = test.store.commit.bind(test.store);
			const result = await test.store.commit(batch);
			executed.resolve(batch.events[0]?.event.id ?? "");
			await answer.promise;
			return result;
		};
		const sent = test.send();
		expect(await test.engine.events.erasePayload(test.change, await executed.promise)).toEqual({ cancelledCount: 1 });
		answer.resolve();
		const eventId = await sent;
		const next = await test.send();
		await test.delivery(next, { status: "Succeeded" });
		expect(eventsAt(receiver)).toEqual([next]);
		expect(await test.deliveries({ eventId })).toMatchObject([{ status: "Cancelled", attemptCount: 0 }]);
	});
});
