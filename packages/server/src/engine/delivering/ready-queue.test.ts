// The ready queue: its bounds, the turns of its lanes, and the states of deliveries in memory.
import { describe, expect, it } from "vitest";

import { shardOf } from "../../core/cluster/shard.ts";
import { delivery, fill, limits, openLimited, openQueue, P, reserve, takeAll } from "../test/filled-queue.ts";

describe("the ready queue", () => {
	it("leaves half of the free room to other lanes, so that lanes which fill up never take the last of it", () => {
		const queue = openQueue();
		const counts = ["a", "b", "c", "d", "e"].map((webhookId) => fill(queue, webhookId));
		expect(counts[0]).toBeLessThanOrEqual(50);
		for (const count of counts) expect(count).toBeGreaterThan(0);
		expect(queue.ready).toBeLessThan(limits.maxReady);
	});

	it("keeps a delivery that is claimed again while it goes back to the store without an attempt", () => {
		const queue = openQueue();
		const returned = delivery("a");
		queue.push(returned);
		expect(queue.take()).toBe(returned);
		queue.markReturning(returned.id);
		const claimed = { ...returned, leaseUntil: 2_000 };
		queue.push(claimed);
		queue.finish(returned);
		expect(queue.take()).toBe(claimed);
	});

	it("tells an open claim that a delivery was attempted, and not that it has gone back without an attempt", () => {
		const queue = openQueue();
		const [attempted, returned] = [delivery("a"), delivery("a")];
		queue.push(attempted);
		queue.push(returned);
		const claim = queue.claims.open();
		for (const taken of [queue.take(), queue.take()]) {
			if (taken === returned) queue.markReturning(returned.id);
			if (taken !== null) queue.finish(taken);
		}
		expect([attempted, returned].map((claimed) => claim.isOutdated(claimed))).toEqual([true, false]);
	});

	it("gives a delivery that was discarded and then claimed again, unless it is discarded again", () => {
		const queue = openQueue();
		const cancelled = delivery("a");
		queue.push(cancelled);
		queue.discard(cancelled.id);
		const retried = { ...cancelled, trigger: "manual" as const };
		queue.push(retried);
		expect(queue.take()).toBe(retried);
		queue.finish(retried);

		queue.push(cancelled);
		queue.discard(cancelled.id);
		queue.push(retried);
		queue.discard(cancelled.id);
		expect(queue.take()).toBeNull();
		expect(queue.ready).toBe(0);
	});

	it("leaves deliveries in the store that a rate limit delays, so that they do not fill the room of other webhooks", () => {
		const { queue } = openLimited((webhookId) => (webhookId === "slow" ? 1 : null));
		expect(fill(queue, "slow")).toBe(10);
		expect(queue.storedRoom(queue.lane("slow"))).toBe(0);
		expect(queue.lowWater(queue.lane("slow"))).toBe(5);
		expect(queue.lowWater(queue.lane("fast"))).toBe(40);
		expect(fill(queue, "fast")).toBe(22);
	});

	it("keeps the last quarter of a project's room for new deliveries", () => {
		const queue = openQueue();
		const read = ["a", "b", "c", "d", "e", "f"].map((webhookId) => {
			const room = queue.storedRoom(queue.lane(webhookId));
			for (let n = 0; n < room; n++) queue.push(delivery(webhookId));
			return room;
		});
		expect(read[0]).toBe(28);
		expect(queue.ready).toBeLessThanOrEqual(56);
		expect(queue.storedRoom(queue.lane("z"))).toBeLessThanOrEqual(1);
		expect(fill(queue, "new")).toBeGreaterThan(5);
	});

	it("reserves room for deliveries that are being read from the store, by count and by bytes, until they are here", () => {
		const queue = openQueue();
		const unreserve = queue.reserveStored(queue.lane("a"), 40, 4_000);
		expect(queue.storedRoom(queue.lane("b"))).toBe(8);
		expect(queue.storedRoomBytes(queue.lane("b"))).toBe(812);
		unreserve();
		expect(queue.storedRoom(queue.lane("b"))).toBe(28);
		expect(queue.storedRoomBytes(queue.lane("b"))).toBe(2_812);
	});

	it("counts the bytes of claims that overlap exactly, whatever fractions the shares are", () => {
		const queue = openQueue();
		for (let n = 0; n < 1_000; n++) {
			const open = Array.from({ length: 3 }, (_, lane) => {
				const bytes = queue.storedRoomBytes(queue.lane(`${lane}`));
				return queue.reserveStored(queue.lane(`${lane}`), 1, bytes);
			});
			queue.push(delivery("a", 7 + (n % 13)));
			for (const unreserve of open) unreserve();
			queue.finish(queue.take()!);
		}
		expect(queue.storedRoomBytes(queue.lane("b"))).toBe(2_812);
	});

	it("sends new deliveries through the store while older ones of the same webhook are being read from it", () => {
		const queue = openQueue();
		const lane = queue.lane("a");
		lane.claiming = true;
		expect(reserve(queue, "a")).toBe(false);
		// The read before this one has found all that there was.
		lane.isReadToEnd = true;
		expect(reserve(queue, "a")).toBe(true);
		lane.noteDue(0);
		expect(reserve(queue, "a")).toBe(false);
	});

	it("does so also while those are read that had no room, or that have come while the webhook was stopped", () => {
		const queue = openQueue();
		const lane = queue.lane("a");
		lane.claiming = true;
		lane.isReadToEnd = true;
		expect(reserve(queue, "a", limits.maxReadyBytes)).toBe(false);
		expect(reserve(queue, "a")).toBe(false);
		lane.isReadToEnd = true;
		expect(reserve(queue, "a")).toBe(true);
		queue.drop("a");
		expect(reserve(queue, "a")).toBe(false);
	});

	it("is bounded by the bytes of bodies, too", () => {
		const queue = openQueue();
		for (const webhookId of ["a", "b", "c", "d", "e", "f", "g", "h"]) fill(queue, webhookId, 1_000);
		expect(queue.ready).toBeLessThanOrEqual(11);
	});

	it("serves lanes round robin", () => {
		const queue = openQueue();
		for (const webhookId of ["a", "a", "a", "b", "c"]) queue.push(delivery(webhookId));
		expect(takeAll(queue).map(({ webhookId }) => webhookId)).toEqual(["a", "b", "c", "a", "a"]);
	});

	it("allows a lane one more attempt at once with each success, up to the limit, and starts over once it fails", () => {
		const wide = { ...limits, maxReadyPerWebhook: 2_000, maxReady: 10_000, maxReadyBytes: 1e6, maxInFlight: 1_000 };
		const queue = openQueue({ ...wide, maxInFlightPerWebhook: 100 });
		for (let n = 0; n < 1_000; n++) queue.push(delivery("a"));
		const counts: number[] = [];
		for (let round = 0; round < 4; round++) {
			const taken = takeAll(queue);
			counts.push(taken.length);
			for (const each of taken) {
				queue.lane("a").recordSuccess();
				queue.finish(each);
			}
		}
		expect(counts).toEqual([32, 64, 100, 100]);
		for (let n = 0; n < 5; n++) queue.lane("a").recordFailure();
		expect(queue.inFlightLimit("a")).toBe(limits.maxInFlightWhileFailing);
		expect(takeAll(queue)).toHaveLength(limits.maxInFlightWhileFailing);
		queue.lane("a").recordSuccess();
		expect(queue.inFlightLimit("a")).toBe(33);
	});

	it("has its room back when deliveries are finished, by count and by bytes", () => {
		const queue = openQueue();
		for (let round = 0; round < 20; round++) {
			expect(reserve(queue, "a", 2_000)).toBe(true);
			queue.unreserve(P, 1, 2_000);
			const heavy = delivery("a", 2_000);
			queue.push(heavy);
			expect(queue.take()).toBe(heavy);
			queue.finish(heavy);
		}
		expect(queue.storedRoomBytes(queue.lane("a"))).toBe(2_812);
		expect(queue.storedRoom(queue.lane("a"))).toBe(28);
	});

	it("keeps a delivery that was claimed for its next attempt before the last one was finished", () => {
		const queue = openQueue();
		const first = delivery("a");
		queue.push(first);
		queue.take();
		const next = { ...first, attemptCount: 1 };
		expect(queue.push(next)).toBe(false);
		queue.finish(first);
		expect(queue.take()).toBe(next);
	});

	it("only extends the lease of a delivery that is claimed again while it is ready", () => {
		const queue = openQueue();
		const ready = delivery("a");
		queue.push(ready);
		expect(queue.push({ ...ready, leaseUntil: 9_000 })).toBe(false);
		expect(queue.push({ ...ready, leaseUntil: 5_000 })).toBe(false);
		expect(queue.leaseUntil(ready.id)).toBe(9_000);
		expect(queue.ready).toBe(1);
		queue.finish(queue.take()!);
		expect(queue.leaseUntil(ready.id)).toBe(0);
		expect(queue.take()).toBeNull();
	});

	it("extends the leases that end too soon, of ready deliveries and of those in flight, and no others", () => {
		const queue = openQueue();
		const [inFlight, ready, late] = [delivery("a"), delivery("a"), { ...delivery("a"), leaseUntil: 3_000 }];
		queue.push(inFlight);
		queue.take();
		queue.push(ready);
		queue.push(late);
		expect(queue.extendLeases(2_000, 4_000)).toEqual([inFlight.id, ready.id]);
		expect(queue.leaseUntil(inFlight.id)).toBe(4_000);
		expect(queue.extendLeases(2_000, 5_000)).toEqual([]);
		expect(queue.extendLeases(3_500, 5_000)).toEqual([late.id]);
	});

	it("takes a delivery that was dropped, or cancelled in flight, when it is claimed again later", () => {
		const queue = openQueue();
		const [dropped, cancelled] = [delivery("a"), delivery("b")];
		queue.push(dropped);
		queue.lane("a").noteDue(0);
		queue.drop("a");
		expect([...queue.lanes()]).toEqual([]);
		expect([queue.ready, queue.take()]).toEqual([0, null]);
		expect(queue.push(dropped)).toBe(true);
		expect(queue.take()).toBe(dropped);

		queue.push(cancelled);
		queue.take();
		queue.discard(cancelled.id);
		queue.finish(cancelled);
		expect(queue.push(cancelled)).toBe(true);
		expect(queue.take()).toBe(cancelled);
	});

	it("remembers what was sent to a rate-limited webhook until its bucket is full again, and waits for no dropped lane", () => {
		const { clock, queue } = openLimited(() => 2);
		clock.advance(1_000);
		const finishAll = () => {
			const taken = takeAll(queue);
			for (const each of taken) queue.finish(each);
			return taken.length;
		};
		queue.push(delivery("a"));
		queue.push(delivery("a"));
		expect(finishAll()).toBe(2);
		queue.push(delivery("a"));
		expect(finishAll()).toBe(0);
		expect(queue.nextRateAt()).toBe(clock.monotonicMs() + 500);
		queue.drop("a");
		expect(queue.nextRateAt()).toBe(Infinity);
		queue.push(delivery("a"));
		expect(finishAll()).toBe(0);
		clock.advance(500);
		queue.wakeRateLimited(clock.monotonicMs());
		expect(finishAll()).toBe(1);
	});

	it("allows no burst right after a start, nor after a change of the rate limit", () => {
		let perSecond = 2;
		const { clock, queue } = openLimited(() => perSecond);
		for (let n = 0; n < 20; n++) queue.push(delivery("a"));
		expect(queue.take()).toBeNull();
		expect(queue.nextRateAt()).toBe(clock.monotonicMs() + 500);
		clock.advance(5_000);
		perSecond = 4;
		queue.rateChanged("a");
		expect(queue.take()).toBeNull();
		expect(queue.nextRateAt()).toBe(clock.monotonicMs() + 250);
	});

	it("allows no burst right after a shard was gained, whether the webhook had a lane before or not", () => {
		const { clock, queue } = openLimited(() => 2);
		clock.advance(5_000);
		queue.push(delivery("a"));
		queue.push(delivery("a"));
		expect(queue.take()).not.toBeNull();
		queue.drop("a");
		clock.advance(5_000);
		queue.gained([shardOf("a"), shardOf("b")]);
		for (const webhookId of ["a", "b", "c"]) queue.push(delivery(webhookId));
		expect(queue.take()?.webhookId).toBe("c");
		expect(queue.take()).toBeNull();
		expect(queue.nextRateAt()).toBe(clock.monotonicMs() + 500);
		clock.advance(500);
		queue.wakeRateLimited(clock.monotonicMs());
		expect(new Set([queue.take()?.webhookId, queue.take()?.webhookId])).toEqual(new Set(["a", "b"]));
	});

	it("serves rate-limited lanes on time after the clock was set back, and allows no burst after it was set forward", () => {
		const { clock, queue } = openLimited(() => 1);
		queue.push(delivery("a"));
		queue.push(delivery("b"));
		for (const stepMs of [3_600_000, -3_600_000]) {
			clock.step(stepMs);
			expect(queue.take()).toBeNull();
			expect(queue.nextRateAt()).toBe(clock.monotonicMs() + 1_000);
		}
		clock.advance(1_000);
		queue.wakeRateLimited(clock.monotonicMs());
		expect(new Set([queue.take()?.webhookId, queue.take()?.webhookId])).toEqual(new Set(["a", "b"]));
	});

	it("serves the lanes for which a timer was set, even if the clock was set back since", () => {
		const { clock, queue } = openLimited(() => 1);
		queue.push(delivery("a"));
		expect(queue.take()).toBeNull();
		const at = queue.nextRateAt();
		clock.step(-3_600_000);
		clock.advance(1_000);
		queue.wakeRateLimited(at);
		clock.advance(1_000);
		queue.wakeRateLimited(clock.monotonicMs());
		expect(queue.take()?.webhookId).toBe("a");
	});

	it("refuses to end more reservations than there are", () => {
		const queue = openQueue();
		expect(reserve(queue, "a")).toBe(true);
		queue.unreserve(P, 1, 10);
		expect(() => queue.unreserve(P, 1, 10)).toThrow("-1 reserved deliveries");
	});

	it("forgets a lane that has no work left, and a project without lanes and reservations", () => {
		const queue = openQueue();
		queue.push(delivery("a"));
		queue.finish(queue.take()!);
		expect([...queue.lanes()]).toEqual([]);
		expect(queue.reserveElsewhere(P, 10)).toBe(true);
		expect(queue.projects).toBe(1);
		queue.unreserve(P, 1, 10);
		expect(queue.projects).toBe(0);
	});

	it("keeps a webhook's new lane when the turn of one comes that was dropped before", () => {
		const queue = openQueue({ maxInFlight: 1 });
		const hanging = delivery("other");
		queue.push(hanging);
		queue.take();
		queue.push(delivery("a"));
		queue.drop("a");
		const next = delivery("a");
		queue.push(next);
		queue.finish(hanging);
		expect(queue.take()).toBe(next);
		queue.finish(next);
		expect([queue.inFlight, queue.ready, [...queue.lanes()], queue.projects]).toEqual([0, 0, [], 0]);
	});
});
