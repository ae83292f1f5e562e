// The ready queue of several projects and customers: nobody's deliveries take the turns, the places and the room of others.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { delivery, fill, limits, openQueue, P, reserve, takeAll, takeInTurn } from "../test/filled-queue.ts";
import type { Webhooks } from "./rate-limited-lanes.ts";
import { ReadyQueue } from "./ready-queue.ts";

/** Takes deliveries until none may start, and says how many each owner got, as the part of the webhooks' ids before a slash. */
function countAll(queue: ReadyQueue): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const { webhookId } of takeAll(queue)) {
		const owner = webhookId.slice(0, webhookId.indexOf("/"));
		counts[owner] = (counts[owner] ?? 0) + 1;
	}
	return counts;
}

/** Pushes a delivery to each of this many webhooks of an owner. */
function pushMany(queue: ReadyQueue, owner: string, webhooks: number): void {
	for (let n = 0; n < webhooks; n++) queue.push(delivery(`${owner}/${n}`));
}

/** Reserves room for new deliveries to many webhooks of an owner, and says for how many there was room. */
function reserveMany(queue: ReadyQueue, owner: string, bytes: number): number {
	let reserved = 0;
	for (let n = 0; n < 1_000; n++) if (reserve(queue, `${owner}/${n}`, bytes)) reserved++;
	return reserved;
}

const WIDE = { maxInFlight: 64, maxReady: 10_000, maxReadyBytes: 1e6 };

/** A queue whose webhooks are known once `known.webhook` is set. */
function openUnknown(hasCustomers: boolean) {
	const known: { webhook: ReturnType<Webhooks["webhook"]> } = { webhook: undefined };
	const webhooks = { webhook: () => known.webhook, hasCustomers: () => hasCustomers };
	return { known, queue: new ReadyQueue(limits, new ManualClock(), webhooks) };
}

it.each([
	// Lanes of a project in turn; projects, then their customers, then their lanes.
	["p/a p/a p/b p/c q/a q/a", "p/a q/a p/b q/a p/c p/a"],
	["P@a/1 P@a/2 P@a/1 P@b/1 P/1 P/2 q/1 q/1", "P@a/1 q/1 P@b/1 q/1 P/1 P@a/2 P/2 P@a/1"],
])("the ready queue serves %s in turn by project, customer and lane", (pushed, served) => {
	const queue = openQueue();
	for (const webhookId of pushed.split(" ")) queue.push(delivery(webhookId));
	expect(takeInTurn(queue, served.split(" ").length).join(" ")).toBe(served);
});

it.each([
	["p/a p/b q/a q/b", "p/a q/a p/b q/b"],
	["P@a/1 P@a/2 P@b/1 P/1", "P@a/1 P@b/1 P/1 P@a/2"],
])("the ready queue gives the only place there is to each owner of %s in turn", (pushed, served) => {
	const queue = openQueue({ maxInFlight: 1 });
	for (const webhookId of pushed.split(" ")) queue.push(delivery(webhookId));
	const order = Array.from({ length: 4 }, () => {
		const taken = takeAll(queue);
		expect(taken).toHaveLength(1);
		queue.finish(taken[0]!);
		return taken[0]?.webhookId;
	});
	expect(order.join(" ")).toBe(served);
});

it.each([
	// What each owner gets, in the order in which they come. A project has 48 places for its customers.
	[{ p: 48, q: 12, r: 3 }],
	[{ "P@a": 36, "P@b": 9, P: 2, "P@c": 1 }],
	[{ P: 36, "P@a": 9 }],
])("the ready queue leaves places in flight to owners that come later, however many webhooks hang: %o", (places) => {
	const queue = openQueue(WIDE);
	for (const [owner, count] of Object.entries(places)) {
		pushMany(queue, owner, 2_000);
		expect(countAll(queue)).toEqual({ [owner]: count });
	}
	expect(queue.isHeldUp).toBe(true);
});

describe("the ready queue of several projects", () => {
	it("gives a project that hangs no place that another one has given back, beyond its share", () => {
		const queue = openQueue();
		pushMany(queue, "p", 30);
		const quick = delivery("q/a");
		queue.push(quick);
		expect(countAll(queue)).toEqual({ p: 6, q: 1 });
		queue.finish(quick);
		expect(countAll(queue)).toEqual({ p: 1 });
	});

	it("leaves room to projects that come later, for new deliveries and for stored ones, by count", () => {
		const queue = openQueue();
		expect(reserveMany(queue, "p", 1)).toBe(75);
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
		expect(reserveMany(queue, "p", 1_000)).toBe(7);
		expect(queue.storedRoom(queue.lane("p/a"))).toBe(0);
		expect([queue.storedRoom(queue.lane("q/a")) > 0, queue.storedRoomBytes(queue.lane("q/a"))]).toEqual([true, 843]);
		expect([reserve(queue, "q/a", 3_000), reserve(queue, "q/a", 2_000), reserve(queue, "r/a", 500)]).toEqual([
			false,
			true,
			true,
		]);
	});

	it("knows the project of a lane that was made before its webhook was known", () => {
		const { known, queue } = openUnknown(false);
		expect(queue.lane("a").project.projectId).toBe("");
		known.webhook = { projectId: "p", customerId: null, rateLimit: null };
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

describe("the ready queue of a project with customers", () => {
	it("looks past 300 customers that have what they may have in flight", () => {
		const queue = openQueue({ ...WIDE, maxInFlight: 403 });
		for (let n = 0; n < 301; n++) pushMany(queue, `P@${n}`, 3);
		expect(Object.keys(countAll(queue))).toHaveLength(301);
		queue.push(delivery("P@quick/1"));
		expect(countAll(queue)).toEqual({ "P@quick": 1 });
	});

	it("looks past a customer with more webhooks in flight than one search looks at", () => {
		const queue = openQueue({ ...WIDE, maxInFlight: 512 });
		for (let n = 0; n < 3; n++) pushMany(queue, "P@hanging", 280);
		// Until each of its webhooks has as many in flight as the customer has left.
		for (let round = 0; round < 10; round++) countAll(queue);
		expect(queue.inFlight).toBeGreaterThan(280);
		queue.push(delivery("P@quick/1"));
		expect(queue.take()?.webhookId).toBe("P@quick/1");
	});

	it("leaves room to customers that come later, for new deliveries and for stored ones, by count", () => {
		const queue = openQueue();
		// Of the 75 that the project may have.
		expect(reserveMany(queue, "P@a", 1)).toBe(56);
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
		expect(reserveMany(queue, "P@a", 1_000)).toBe(5);
		expect(queue.storedRoom(queue.lane("P@a/x"))).toBe(0);
		expect(queue.storedRoomBytes(queue.lane("P@b/x"))).toBeGreaterThan(200);
		expect([reserve(queue, "P@b/1", 3_000), reserve(queue, "P@b/1", 1_000)]).toEqual([false, true]);
	});

	it("knows the customer of a lane that was made before its webhook was known", () => {
		const { known, queue } = openUnknown(true);
		expect(queue.lane("w", "P").customer.customerId).toBeNull();
		known.webhook = { projectId: "P", customerId: "a", rateLimit: null };
		queue.rateChanged("w");
		expect(queue.lane("w").customer.customerId).toBe("a");
	});

	it("forgets a customer without lanes and reservations", () => {
		const queue = openQueue();
		queue.push(delivery("P@a/1"));
		queue.push(delivery("P@b/1"));
		expect(queue.projects).toBe(3);
		for (const left of [2, 0]) {
			queue.finish(queue.take()!);
			expect(queue.projects).toBe(left);
		}
	});
});
