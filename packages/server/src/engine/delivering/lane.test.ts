// The queue of one webhook: its order, what it remembers, and when it may be forgotten.
import { describe, expect, it } from "vitest";

import { TokenBucket } from "../../core/policies/token-bucket.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import { leasedDelivery } from "../test/leased-delivery.ts";
import { Lane } from "./lane.ts";
import { ProjectLanes } from "./shares/project-lanes.ts";

const openLane = () => new Lane("w", new ProjectLanes<Lane>("p", false).customer(null));
const delivery = (n: number) => leasedDelivery(`dlv_${n}`, "w", n % 10);

describe("a lane", () => {
	it("gives each delivery once and in order, however many pass through it", () => {
		const lane = openLane();
		const all = Array.from({ length: 5_000 }, (_, n) => delivery(n));
		const given: (LeasedDelivery | undefined)[] = [];
		for (const [n, each] of all.entries()) {
			lane.push(each);
			if (n % 2 === 1) given.push(lane.shift());
		}
		const bytes = (some: readonly (LeasedDelivery | undefined)[]) =>
			some.reduce((sum, one) => sum + (one?.body.length ?? 0), 0);
		expect([lane.ready, lane.readyBytes]).toEqual([2_500, bytes(all) - bytes(given)]);
		while (lane.ready > 0) given.push(lane.shift());
		expect(given).toEqual(all);
		// And when it has run empty.
		for (let round = 0; round < 3; round++) {
			expect([lane.ready, lane.readyBytes, lane.peek(), lane.shift()]).toEqual([0, 0, undefined, undefined]);
			const more = all.slice(0, 70);
			for (const each of more) lane.push(each);
			expect(lane.peek()).toBe(more[0]);
			expect(more.map(() => lane.shift())).toEqual(more);
		}
	});

	it("remembers when the earliest delivery in the store is due", () => {
		const lane = openLane();
		for (const at of [20, 10, 30]) lane.noteDue(at);
		expect(lane.storeDueAt).toBe(10);
	});

	it("may be forgotten when no delivery is ready, in flight, due or being read, and its bucket is full", () => {
		const lane = openLane();
		expect(lane.isIdle(0)).toBe(true);
		for (const [busy, free] of [
			[() => lane.push(delivery(1)), () => lane.shift()],
			[() => lane.inFlight++, () => lane.inFlight--],
			[() => lane.noteDue(5), () => (lane.storeDueAt = Infinity)],
			[() => (lane.claiming = true), () => (lane.claiming = false)],
			[() => (lane.bucket = new TokenBucket(1, 0, 0)), () => (lane.bucket = new TokenBucket(1, 1, 0))],
		] as const) {
			busy();
			expect(lane.isIdle(0)).toBe(false);
			free();
			expect(lane.isIdle(0)).toBe(true);
		}
	});
});
