// A store that fails on demand: sends are refused, outcomes are kept and written later.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { StoreError } from "../../ports/store/errors.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";

describe("a failing store", () => {
	it("makes sends fail with the store's error code, and gets the outcomes of attempts when it has recovered", async () => {
		let full = false;
		await using receiver = await startReceiver();
		await using test = await openTestEngine({
			beforeCommit() {
				if (full) throw new StoreError("store_full", "no space");
			},
		});
		await test.createWebhook(receiver.url);
		receiver.script(() => {
			full = true;
			return {};
		});
		const eventId = await test.send();
		await receiver.waitFor(1);
		await eventually("the outcome could not be written", () => test.observer.problems.length > 0);
		await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
		full = false;
		test.clock.advance(1_000);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
		receiver.script(() => ({}));
		await test.delivery(await test.send(), { status: "Succeeded" });
	});

	it("makes the attempt again when the lease ends, if the outcome could not be written", async () => {
		await using receiver = await startReceiver();
		let refusals = 1;
		await using test = await openTestEngine({
			beforeCommit({ updates }) {
				if (updates.length > 0 && refusals-- > 0) throw new StoreError("store_conflict", "no");
			},
		});
		await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await eventually("the failure is reported", () =>
			test.observer.problems.some(({ message }) => message.startsWith("a delivery could not be handled")),
		);
		const { leaseUntil } = await test.delivery(eventId, { status: "Pending", attemptCount: 0 });
		await eventually("no attempt is in flight", () => test.engine.gauges().inFlightAttempts === 0);
		test.clock.advance(leaseUntil! - test.clock.now() + 20);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(2);
	});

	it("fails only the send that it can't write", async () => {
		await using test = await openTestEngine({
			beforeCommit({ events }) {
				if (events.some(({ event }) => event.type === "poison")) throw new StoreError("store_conflict", "no");
			},
		});
		const sends = ["fine", "poison", "fine", "fine"].map((type) => test.send({ type }));
		const results = await Promise.allSettled(sends);
		expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
	});
});
