// The ready queue: its bounds, its fairness, and the states of deliveries in memory.
import { describe, expect, it } from "vitest";

import { shardOf } from "../../core/cluster/shard.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import { leasedDelivery } from "../test/leased-delivery.ts";
import type { Webhooks } from "./rate-limited-lanes.ts";
import { ReadyQueue, type Owner } from "./ready-queue.ts";

const limits = {
	maxReady: 100,
	maxReadyPerWebhook: 80,
	maxReadyBytes: 10_000,
	maxInFlight: 10,
	maxInFlightPerWebhook: 8,
	maxInFlightWhileFailing: 2,
};
const P = { projectId: "p", customerId: null };
let made = 0;

function openQueue(): ReadyQueue {
	return new ReadyQueue(limits, new ManualClock(), webhooks());
}

/**
 * The owner is the part of a webhook's id before a slash, project and customer with an `@` between them; without a slash, the
 * project is "p". Projects of tests with customers have an upper-case letter.
 */
function ownerOf(webhookId: string): Owner {
	const owner = webhookId.includes("/") ? webhookId.slice(0, webhookId.indexOf("/")) : "p";
	const [projectId = "", customerId = null] = owner.split("@");
	return { projectId, customerId };
}

function projectOf(webhookId: string): string {
	return ownerOf(webhookId).projectId;
}

function webhooks(rateLimitOf: (webhookId: string) => number | null = () => null): Webhooks {
	return {
		webhook: (webhookId) => {
			const perSecond = rateLimitOf(webhookId);
			const rateLimit = perSecond === null ? null : { perSecond };
			return { ...ownerOf(webhookId), rateLimit };
		},
		hasCustomers: (projectId) => projectId !== projectId.toLowerCase(),
	};
}

function delivery(webhookId: string, bytes = 10): LeasedDelivery {
	return leasedDelivery(`dlv_${made++}`, webhookId, bytes, projectOf(webhookId));
}

function reserve(queue: ReadyQueue, webhookId: string, bytes = 10): boolean {
	return queue.reserve({ id: webhookId, ...ownerOf(webhookId) }, bytes, 0);
}

function fill(queue: ReadyQueue, webhookId: string, bytes = 10): number {
	let count = 0;
	while (reserve(queue, webhookId, bytes)) {
		queue.unreserve(ownerOf(webhookId), 1, bytes);
		queue.push(delivery(webhookId, bytes));
		count++;
	}
	return count;
}

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
		const clock = new ManualClock();
		const queue = new ReadyQueue(
			limits,
			clock,
			webhooks((webhookId) => (webhookId === "slow" ? 1 : null)),
		);
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
		const order = Array.from({ length: 5 }, () => queue.take()?.webhookId);
		expect(order).toEqual(["a", "b", "c", "a", "a"]);
	});

	it("allows a lane one more attempt at once with each success, up to the limit, and starts over once it fails", () => {
		const wide = { ...limits, maxReadyPerWebhook: 2_000, maxReady: 10_000, maxReadyBytes: 1e6, maxInFlight: 1_000 };
		const queue = new ReadyQueue({ ...wide, maxInFlightPerWebhook: 100 }, new ManualClock(), webhooks());
		for (let n = 0; n < 1_000; n++) queue.push(delivery("a"));
		const takeAll = () => {
			const taken: LeasedDelivery[] = [];
			for (let next = queue.take(); next !== null; next = queue.take()) taken.push(next);
			return taken;
		};
		const counts: number[] = [];
		for (let round = 0; round < 4; round++) {
			const taken = takeAll();
			counts.push(taken.length);
			for (const each of taken) {
				queue.lane("a").recordSuccess();
				queue.finish(each);
			}
		}
		expect(counts).toEqual([32, 64, 100, 100]);
		for (let n = 0; n < 5; n++) queue.lane("a").recordFailure();
		expect(queue.inFlightLimit("a")).toBe(limits.maxInFlightWhileFailing);
		queue.lane("a").recordSuccess();
		expect(queue.inFlightLimit("a")).toBe(33);
	});

	it("allows a failing lane few attempts at once, until a success", () => {
		const queue = openQueue();
		const lane = queue.lane("a");
		for (let count = 0; count < 5; count++) lane.recordFailure();
		for (let count = 0; count < 5; count++) queue.push(delivery("a"));
		const started = Array.from({ length: 3 }, () => queue.take());
		expect(started.filter((one) => one !== null)).toHaveLength(2);
		lane.recordSuccess();
		queue.finish(started[0]!);
		expect(queue.take()).not.toBeNull();
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
		const clock = new ManualClock();
		const queue = new ReadyQueue(
			limits,
			clock,
			webhooks(() => 2),
		);
		clock.advance(1_000);
		const takeAll = () => {
			let count = 0;
			for (let next = queue.take(); next !== null; next = queue.take(), count++) queue.finish(next);
			return count;
		};
		queue.push(delivery("a"));
		queue.push(delivery("a"));
		expect(takeAll()).toBe(2);
		queue.push(delivery("a"));
		expect(takeAll()).toBe(0);
		expect(queue.nextRateAt()).toBe(clock.monotonicMs() + 500);
		queue.drop("a");
		expect(queue.nextRateAt()).toBe(Infinity);
		queue.push(delivery("a"));
		expect(takeAll()).toBe(0);
		clock.advance(500);
		queue.wakeRateLimited(clock.monotonicMs());
		expect(takeAll()).toBe(1);
	});

	it("allows no burst right after a start, nor after a change of the rate limit", () => {
		const clock = new ManualClock();
		let perSecond = 2;
		const queue = new ReadyQueue(
			limits,
			clock,
			webhooks(() => perSecond),
		);
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
		const clock = new ManualClock();
		const queue = new ReadyQueue(
			limits,
			clock,
			webhooks(() => 2),
		);
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

	it("serves rate-limited lanes on time after the clock was set back", () => {
		const clock = new ManualClock();
		const queue = new ReadyQueue(
			limits,
			clock,
			webhooks(() => 1),
		);
		queue.push(delivery("a"));
		queue.push(delivery("b"));
		expect(queue.take()).toBeNull();
		expect(queue.nextRateAt()).toBe(clock.monotonicMs() + 1_000);
		clock.step(-3_600_000);
		expect(queue.nextRateAt()).toBe(clock.monotonicMs() + 1_000);
		clock.advance(1_000);
		queue.wakeRateLimited(clock.monotonicMs());
		expect(new Set([queue.take()?.webhookId, queue.take()?.webhookId])).toEqual(new Set(["a", "b"]));
	});

	it("allows no burst after the clock was set forward", () => {
		const clock = new ManualClock();
		const queue = new ReadyQueue(
			limits,
			clock,
			webhooks(() => 1),
		);
		queue.push(delivery("a"));
		clock.step(3_600_000);
		expect(queue.take()).toBeNull();
	});

	it("serves the lanes for which a timer was set, even if the clock was set back since", () => {
		const clock = new ManualClock();
		const queue = new ReadyQueue(
			limits,
			clock,
			webhooks(() => 1),
		);
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
		const queue = new ReadyQueue({ ...limits, maxInFlight: 1 }, new ManualClock(), webhooks());
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

/** Takes deliveries until none may start, and says how many each project got. */
function takeAll(queue: ReadyQueue): Record<string, number> {
	const counts: Record<string, number> = {};
	for (let next = queue.take(); next !== null; next = queue.take()) {
		counts[next.projectId] = (counts[next.projectId] ?? 0) + 1;
	}
	return counts;
}

describe("the ready queue of several projects", () => {
	it("serves projects in turn, and in each of them its lanes", () => {
		const queue = openQueue();
		for (const webhookId of ["p/a", "p/a", "p/b", "p/c", "q/a", "q/a"]) queue.push(delivery(webhookId));
		const order = Array.from({ length: 6 }, () => queue.take()?.webhookId);
		expect(order).toEqual(["p/a", "q/a", "p/b", "q/a", "p/c", "p/a"]);
	});

	it("always leaves places in flight to projects that come later, however many webhooks of a project hang", () => {
		const queue = new ReadyQueue(
			{ ...limits, maxInFlight: 64, maxReady: 10_000, maxReadyBytes: 1e6 },
			new ManualClock(),
			webhooks(),
		);
		const push = (projectId: string) => {
			for (let n = 0; n < 2_000; n++) queue.push(delivery(`${projectId}/${n}`));
		};
		push("p");
		expect(takeAll(queue)).toEqual({ p: 48 });
		push("q");
		expect(takeAll(queue)).toEqual({ q: 12 });
		push("r");
		expect(takeAll(queue)).toEqual({ r: 3 });
		expect(queue.isHeldUp).toBe(true);
	});

	it("gives a project that hangs no place that another one has given back, beyond its share", () => {
		const queue = openQueue();
		for (let n = 0; n < 30; n++) queue.push(delivery(`p/${n}`));
		const quick = delivery("q/a");
		queue.push(quick);
		expect(takeAll(queue)).toEqual({ p: 6, q: 1 });
		queue.finish(quick);
		expect(takeAll(queue)).toEqual({ p: 1 });
	});

	it("gives the only place there is to each project in turn", () => {
		const queue = new ReadyQueue({ ...limits, maxInFlight: 1 }, new ManualClock(), webhooks());
		for (const webhookId of ["p/a", "p/b", "q/a", "q/b"]) queue.push(delivery(webhookId));
		const order = Array.from({ length: 4 }, () => {
			const taken = queue.take()!;
			expect(queue.take()).toBeNull();
			queue.finish(taken);
			return taken.webhookId;
		});
		expect(order).toEqual(["p/a", "q/a", "p/b", "q/b"]);
	});

	it("leaves room to projects that come later, for new deliveries and for stored ones, by count", () => {
		const queue = openQueue();
		let reserved = 0;
		for (let n = 0; n < 1_000; n++) if (reserve(queue, `p/${n}`, 1)) reserved++;
		expect(reserved).toBe(75);
		expect(queue.reserveElsewhere(P, 1)).toBe(false);
		expect(queue.storedRoom(queue.lane("q/a"))).toBe(7);
		expect(fill(queue, "q/a", 1)).toBe(6);
		expect(queue.storedRoom(queue.lane("r/a"))).toBeGreaterThan(0);
		expect(reserve(queue, "r/a", 1)).toBe(true);
		expect(queue.reserveElsewhere({ projectId: "r", customerId: null }, 1)).toBe(true);
		queue.unreserve(P, 75, 1);
		expect(fill(queue, "p/a", 1)).toBeGreaterThan(20);
	});

	it("leaves room to projects that come later, for new deliveries and for stored ones, by bytes", () => {
		const queue = openQueue();
		let reserved = 0;
		for (let n = 0; n < 50; n++) if (reserve(queue, `p/${n}`, 1_000)) reserved++;
		expect(reserved).toBe(7);
		expect(queue.storedRoom(queue.lane("p/a"))).toBe(0);
		expect([queue.storedRoom(queue.lane("q/a")) > 0, queue.storedRoomBytes(queue.lane("q/a"))]).toEqual([true, 843]);
		expect([reserve(queue, "q/a", 3_000), reserve(queue, "q/a", 2_000), reserve(queue, "r/a", 500)]).toEqual([
			false,
			true,
			true,
		]);
	});

	it("knows the project of a lane that was made before its webhook was known", () => {
		let known: ReturnType<Webhooks["webhook"]>;
		const queue = new ReadyQueue(limits, new ManualClock(), { webhook: () => known, hasCustomers: () => false });
		expect(queue.lane("a").project.projectId).toBe("");
		known = { projectId: "p", customerId: null, rateLimit: null };
		queue.rateChanged("a");
		expect(queue.lane("a").project.projectId).toBe("p");
		expect(queue.projects).toBe(1);
	});

	it("counts the room of deliveries that are being read from the store for their project", () => {
		const queue = openQueue();
		const unreserve = queue.reserveStored(queue.lane("p/a"), 56, 100);
		expect(queue.storedRoom(queue.lane("p/b"))).toBe(0);
		expect(queue.storedRoom(queue.lane("q/a"))).toBeGreaterThan(10);
		expect(reserve(queue, "p/b")).toBe(true);
		unreserve();
		expect(queue.storedRoom(queue.lane("p/b"))).toBeGreaterThan(20);
	});
});

/** Takes deliveries until none may start, and says how many each owner got. */
function takeAllByOwner(queue: ReadyQueue): Record<string, number> {
	const counts: Record<string, number> = {};
	for (let next = queue.take(); next !== null; next = queue.take()) {
		const owner = next.webhookId.slice(0, next.webhookId.indexOf("/"));
		counts[owner] = (counts[owner] ?? 0) + 1;
	}
	return counts;
}

describe("the ready queue of a project with customers", () => {
	const wide = { ...limits, maxInFlight: 64, maxReady: 10_000, maxReadyBytes: 1e6 };
	const openWide = () => new ReadyQueue(wide, new ManualClock(), webhooks());

	it("serves projects in turn, in each of them its customers, and of each customer its lanes", () => {
		const queue = openQueue();
		for (const id of ["P@a/1", "P@a/2", "P@a/1", "P@b/1", "P/1", "P/2", "q/1", "q/1"]) queue.push(delivery(id));
		const order = Array.from({ length: 8 }, () => {
			const taken = queue.take()!;
			queue.finish(taken);
			return taken.webhookId;
		});
		expect(order).toEqual(["P@a/1", "q/1", "P@b/1", "q/1", "P/1", "P@a/2", "P/2", "P@a/1"]);
	});

	it("leaves places in flight to customers that come later, however many webhooks of a customer hang", () => {
		const queue = openWide();
		const push = (owner: string) => {
			for (let n = 0; n < 2_000; n++) queue.push(delivery(`${owner}/${n}`));
		};
		// A project has 48 places.
		push("P@a");
		expect(takeAllByOwner(queue)).toEqual({ "P@a": 36 });
		push("P@b");
		expect(takeAllByOwner(queue)).toEqual({ "P@b": 9 });
		push("P");
		expect(takeAllByOwner(queue)).toEqual({ P: 2 });
		push("P@c");
		expect(takeAllByOwner(queue)).toEqual({ "P@c": 1 });
		expect(queue.isHeldUp).toBe(true);
	});

	it("leaves places to customers beside webhooks without a customer that hang", () => {
		const queue = openWide();
		for (let n = 0; n < 2_000; n++) queue.push(delivery(`P/${n}`));
		expect(takeAllByOwner(queue)).toEqual({ P: 36 });
		queue.push(delivery("P@a/1"));
		expect(takeAllByOwner(queue)).toEqual({ "P@a": 1 });
	});

	it("looks past 300 customers that have what they may have in flight", () => {
		const queue = new ReadyQueue({ ...wide, maxInFlight: 403 }, new ManualClock(), webhooks());
		for (let n = 0; n < 301; n++) for (let k = 0; k < 3; k++) queue.push(delivery(`P@${n}/${k}`));
		expect(Object.keys(takeAllByOwner(queue))).toHaveLength(301);
		queue.push(delivery("P@quick/1"));
		expect(takeAllByOwner(queue)).toEqual({ "P@quick": 1 });
	});

	it("looks past a customer with more webhooks in flight than one search looks at", () => {
		const queue = new ReadyQueue({ ...wide, maxInFlight: 512 }, new ManualClock(), webhooks());
		for (let n = 0; n < 280; n++) for (let k = 0; k < 3; k++) queue.push(delivery(`P@hanging/${n}`));
		// Until each of its webhooks has as many in flight as the customer has left.
		for (let round = 0; round < 10; round++) takeAllByOwner(queue);
		expect(queue.inFlight).toBeGreaterThan(280);
		queue.push(delivery("P@quick/1"));
		expect(queue.take()?.webhookId).toBe("P@quick/1");
	});

	it("gives the only place there is to each customer in turn", () => {
		const queue = new ReadyQueue({ ...limits, maxInFlight: 1 }, new ManualClock(), webhooks());
		for (const webhookId of ["P@a/1", "P@a/2", "P@b/1", "P/1"]) queue.push(delivery(webhookId));
		const order = Array.from({ length: 4 }, () => {
			const taken = queue.take()!;
			expect(queue.take()).toBeNull();
			queue.finish(taken);
			return taken.webhookId;
		});
		expect(order).toEqual(["P@a/1", "P@b/1", "P/1", "P@a/2"]);
	});

	it("leaves room to customers that come later, for new deliveries and for stored ones, by count", () => {
		const queue = openQueue();
		let reserved = 0;
		for (let n = 0; n < 1_000; n++) if (reserve(queue, `P@a/${n}`, 1)) reserved++;
		// Of the 75 that the project may have.
		expect(reserved).toBe(56);
		const [a, b] = ["a", "b"].map((customerId) => ({ projectId: "P", customerId }));
		expect([queue.reserveElsewhere(a!, 1), queue.storedRoom(queue.lane("P@a/x"))]).toEqual([false, 0]);
		expect([queue.reserveElsewhere(b!, 1), reserve(queue, "P@b/1", 1), reserve(queue, "P/1", 1)]).toEqual([
			true,
			true,
			true,
		]);
		queue.unreserve(a!, 56, 1);
		expect(queue.storedRoom(queue.lane("P@a/x"))).toBeGreaterThan(10);
	});

	it("leaves room to customers that come later, by bytes", () => {
		const queue = openQueue();
		let reserved = 0;
		for (let n = 0; n < 50; n++) if (reserve(queue, `P@a/${n}`, 1_000)) reserved++;
		expect(reserved).toBe(5);
		expect(queue.storedRoom(queue.lane("P@a/x"))).toBe(0);
		expect(queue.storedRoomBytes(queue.lane("P@b/x"))).toBeGreaterThan(200);
		expect([reserve(queue, "P@b/1", 3_000), reserve(queue, "P@b/1", 1_000)]).toEqual([false, true]);
	});

	it("knows the customer of a lane that was made before its webhook was known", () => {
		let known: ReturnType<Webhooks["webhook"]>;
		const queue = new ReadyQueue(limits, new ManualClock(), { webhook: () => known, hasCustomers: () => true });
		expect(queue.lane("w", "P").customer.customerId).toBeNull();
		known = { projectId: "P", customerId: "a", rateLimit: null };
		queue.rateChanged("w");
		expect(queue.lane("w").customer.customerId).toBe("a");
	});

	it("forgets a customer without lanes and reservations", () => {
		const queue = openQueue();
		const next = delivery("P@a/1");
		queue.push(next);
		queue.push(delivery("P@b/1"));
		expect(queue.projects).toBe(3);
		queue.finish(queue.take()!);
		expect(queue.projects).toBe(2);
		queue.finish(queue.take()!);
		expect(queue.projects).toBe(0);
	});
});
