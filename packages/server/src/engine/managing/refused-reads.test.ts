// Reads that are refused while a call changes something: the answer says what was changed.
import { expect, it, onTestFinished } from "vitest";

import { ANY_DELIVERY } from "../../ports/contract/store/records/records.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";
import { codeOf, MISSED, NOBODY } from "../test/arrangements.ts";
import { openTestEngine, type TestEngine } from "../test/test-engine.ts";

/** Lets the first reads of a kind through, and refuses the others. */
function refuse(test: TestEngine, name: "delivery" | "deliveries" | "replay", after: number): void {
	const read = test.store[name].bind(test.store) as (...parameters: unknown[]) => Promise<unknown>;
	let count = 0;
	const refusing = (...parameters: unknown[]) =>
		++count > after ? Promise.reject(new StoreError("store_overloaded", "too many reads wait")) : read(...parameters);
	Object.assign(test.engineStore, { [name]: refusing } satisfies Partial<Record<keyof Store, unknown>>);
}

/** An engine with a paused webhook and Held deliveries. */
async function openHeld(count: number) {
	const test = await openTestEngine();
	const { id } = await test.createWebhook(NOBODY);
	await test.engine.webhooks.pause(test.change, id);
	const eventIds = await Promise.all(Array.from({ length: count }, () => test.send()));
	onTestFinished(() => test[Symbol.asyncDispose]());
	return { test, webhookId: id, eventIds };
}

it("a delivery that is cancelled or retried is answered as it is then, without another read", async () => {
	const { test, webhookId } = await openHeld(1);
	const [held] = await test.deliveries();
	test.clock.advance(5);
	refuse(test, "delivery", 1);
	const cancelled = await test.engine.deliveries.cancel(test.change, held!.id);
	expect(cancelled.status).toBe("Cancelled");
	expect(await test.deliveries()).toEqual([cancelled]);
	await test.engine.webhooks.resume(test.change, webhookId);
	refuse(test, "delivery", 1);
	const retried = await test.engine.deliveries.retry(test.change, held!.id);
	expect(retried).toMatchObject({ id: held!.id, status: "Pending", trigger: "manual" });
});

it("a change of many ends with what it has done, and the next call goes on", async () => {
	const { test } = await openHeld(210);
	const filter = { ...ANY_DELIVERY, statuses: ["Held"] } as const;
	refuse(test, "deliveries", 1);
	const many = () => test.engine.deliveries.cancelMany(test.change, filter);
	const goesOnAt = expect.stringMatching(/^[0-9]+[.]dlv_/);
	expect(await many()).toEqual({ matched: 200, changed: 200, complete: false, goesOnAt });
	expect(await codeOf(many)).toBe("store_overloaded");
	refuse(test, "deliveries", Infinity);
	expect(await many()).toEqual({ matched: 10, changed: 10, complete: true, goesOnAt: null });
});

it("a payload that is erased is answered with the number of cancelled deliveries", async () => {
	const { test, eventIds } = await openHeld(1);
	refuse(test, "delivery", 0);
	expect(await test.engine.events.erasePayload(test.change, eventIds[0]!)).toEqual({ cancelledCount: 1 });
});

it("a replay that is cancelled is answered as Cancelled", async () => {
	const { test, webhookId } = await openHeld(0);
	const { id } = await test.engine.replays.start(test.change, webhookId, MISSED);
	test.clock.advance(5);
	refuse(test, "replay", 1);
	const cancelled = await test.engine.replays.cancel(test.change, id);
	expect(cancelled).toMatchObject({ status: "Cancelled", waitingFor: null });
	expect(cancelled).toEqual({ ...(await test.store.replay(test.scope, id)), waitingFor: null });
});
