// The ready queue of several projects and customers: nobody's deliveries take the turns, the places and the room of others.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { delivery, fill, limits, openQueue, P, reserve, webhooks } from "../test/filled-queue.ts";
import type { Webhooks } from "./rate-limited-lanes.ts";
import { ReadyQueue } from "./ready-queue.ts";

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
