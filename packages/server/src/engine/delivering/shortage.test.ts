// Attempts that fail because of Fanfare itself: deliveries are given back, and a lack of resources makes delivery pause.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import type { AttemptOutcome, OwnFailure } from "../../ports/sender.ts";
import { ONCE, openDelivering } from "../test/delivering.ts";
import { eventually, RecordingObserver } from "../test/test-engine.ts";
import { Shortage } from "./shortage.ts";

const REASON = "this process has no free file descriptor (EMFILE)";

function ownFailure(error: OwnFailure): AttemptOutcome {
	const failure = { error, reason: REASON, detail: null, cause: null };
	return { responseCode: 0, ...failure, durationMs: 1, firstByteMs: null, connection: null, response: null };
}

describe("an attempt that fails because of Fanfare itself", () => {
	it.each(["aborted", "queued", "shortage"] as const)("uses no retry and is made again: %s", async (error) => {
		const failures = [ownFailure(error), ownFailure(error)];
		const beforeSend = () => failures.shift() ?? null;
		const { test, receiver, webhook } = await openDelivering(null, { beforeSend, webhook: ONCE });
		const eventId = await test.send();
		await eventually("the attempt to be made", () => {
			test.clock.advance(1_000);
			return receiver.requests.length > 0;
		});
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1, autoAttemptCount: 1 });
		expect(test.observer.returned).toEqual([error, error]);
		expect(test.observer.attempts).toMatchObject([{ result: "success", attemptNumber: 1 }]);
		expect(await test.engine.webhooks.get(test.scope, webhook.id)).toMatchObject({ status: "Enabled" });
	});

	it("makes all attempts pause if it lacks resources, and the server not ready until they are made as usual again", async () => {
		const failures = [ownFailure("shortage")];
		const { test } = await openDelivering(null, {
			beforeSend: () => failures.shift() ?? null,
			limits: { maxInFlight: 4 },
		});
		const first = await test.send();
		await eventually("the delivery to be given back", () => test.observer.returned.length === 1);
		const notReady = (message: string) => ({ ready: false, checks: { dispatcher: { ok: false, message } } });
		const second = await test.send();
		await eventually("its place in flight to be free", () => test.engine.gauges().inFlightAttempts === 0);
		expect(await test.engine.readiness()).toMatchObject(notReady(`${REASON}: no attempt begins`));
		test.clock.advance(999);
		expect(test.engine.gauges()).toMatchObject({ inFlightAttempts: 0 });
		test.clock.advance(1);
		await test.delivery(first, { status: "Succeeded", attemptCount: 1 });
		await test.delivery(second, { status: "Succeeded", attemptCount: 1 });
		expect(await test.engine.readiness()).toMatchObject(notReady(`${REASON}: at most 1 attempt is made at once`));
		test.clock.advance(1_000);
		expect((await test.engine.readiness()).ready).toBe(true);
		expect(test.observer.problems).toMatchObject([{ error: { message: REASON } }]);
		expect(test.observer.notes).toContain("attempts are made as usual again");
	});
});

describe("a shortage", () => {
	function begin() {
		const clock = new ManualClock();
		let resumed = 0;
		const shortage = new Shortage({ clock, observer: new RecordingObserver() }, 100, () => (resumed += 1));
		/** How many attempts may be in flight at once. */
		const most = () => {
			let inFlight = 0;
			while (inFlight < 1_000 && shortage.allows(inFlight)) inFlight += 1;
			return inFlight;
		};
		return { clock, shortage, most, resumed: () => resumed };
	}

	it("allows no attempt for a second, then half of what was in flight, and then more with each second", () => {
		const { clock, shortage, most, resumed } = begin();
		expect(most()).toBe(1_000);
		shortage.began(REASON, 41);
		// Of attempts that began before it.
		shortage.began(REASON, 3);
		expect(most()).toBe(0);
		clock.advance(1_000);
		for (const limit of [20, 80]) {
			expect([most(), shortage.message]).toEqual([
				limit,
				`${REASON}: at most ${limit} ${limit === 1 ? "attempt is" : "attempts are"} made at once`,
			]);
			clock.advance(1_000);
		}
		expect([most(), shortage.message]).toEqual([1_000, null]);
		expect(resumed()).toBe(3);
	});

	it("that comes back begins again with half of what was possible, which is one attempt at least", () => {
		const { clock, shortage, most } = begin();
		for (const [inFlight, half] of [
			[40, 20],
			[15, 7],
			[0, 1],
		] as const) {
			shortage.began(REASON, inFlight);
			expect(most()).toBe(0);
			clock.advance(1_000);
			expect(most()).toBe(half);
		}
	});
});
