// Which sends come into the next commit: projects take turns, and its bounds hold.
import { describe, expect, it } from "vitest";

import { Records } from "../../ports/contract/store/records/records.ts";
import type { PendingSend } from "./pending.ts";
import { SendQueue } from "./send-queue.ts";

const records = new Records();
const unexpected = (_send: PendingSend, error: unknown) => {
	throw error;
};

/** A send whose event has this many deliveries. The type of its event is `name`. */
function pending(projectId: string, name: string, deliveries = 1, bytes = 1): PendingSend {
	const webhookIds = Array.from({ length: deliveries }, () => "webhook_1");
	const build = () => records.event(projectId, { type: name, webhookIds });
	return { projectId, bytes, build, done: () => {}, failed: () => {} };
}

function take(queue: SendQueue): string[] {
	const { sends, events } = queue.take(unexpected);
	expect(sends).toHaveLength(events.length);
	return events.map(({ event }) => event.type);
}

describe("the queue of sends", () => {
	it("serves projects in turn, and the sends of each in order", () => {
		const queue = new SendQueue();
		for (const name of ["a1", "a2", "a3", "b1", "a4", "c1", "c2"]) queue.push(pending(name.slice(0, 1), name));
		expect(queue.length).toBe(7);
		expect(take(queue)).toEqual(["a1", "b1", "c1", "a2", "c2", "a3", "a4"]);
		expect([queue.length, queue.bytes]).toEqual([0, 0]);
		expect(take(queue)).toEqual([]);
	});

	it("takes 6,000 deliveries at most, whole events, and a larger event alone", () => {
		const queue = new SendQueue();
		for (let n = 0; n < 7; n++) queue.push(pending("a", `a${n}`, 2_000));
		expect(take(queue)).toEqual(["a0", "a1", "a2"]);
		expect(take(queue)).toEqual(["a3", "a4", "a5"]);
		expect(take(queue)).toEqual(["a6"]);
		for (const name of ["c0", "c1"]) queue.push(pending("c", name, 25_000));
		expect(take(queue)).toEqual(["c0"]);
		expect(take(queue)).toEqual(["c1"]);
	});

	it("divides the deliveries among the projects that wait, so that many small sends pass a few wide ones", () => {
		const queue = new SendQueue();
		for (let n = 0; n < 5; n++) queue.push(pending("a", `a${n}`, 2_000));
		for (let n = 0; n < 50; n++) queue.push(pending("b", "b"));
		expect(take(queue)).toEqual(["a0", ...Array.from({ length: 50 }, () => "b")]);
		expect(take(queue)).toEqual(["a1", "a2", "a3"]);
		queue.push(pending("c", "c"));
		// The project that had to wait goes first.
		expect(take(queue)).toEqual(["a4", "c"]);
	});

	it("takes all that another project has sent with each event of a batch that fills a commit alone", () => {
		const queue = new SendQueue();
		for (let n = 0; n < 3; n++) queue.push(pending("a", `a${n}`, 10_000));
		for (let n = 0; n < 3; n++) {
			for (let send = 0; send < 8; send++) queue.push(pending("b", "b"));
			for (let send = 0; send < 2; send++) queue.push(pending("c", "c"));
			expect(take(queue).toSorted()).toEqual([`a${n}`, ...Array.from({ length: 8 }, () => "b"), "c", "c"]);
		}
		expect(queue.length).toBe(0);
	});

	it("goes beyond the bound by two events at most, however many projects send wide ones", () => {
		const queue = new SendQueue();
		for (let n = 0; n < 20; n++) queue.push(pending(`p${n}`, `p${n}`, 1_500));
		// The fifth is known to be wide only once it is built.
		for (let n = 0; n < 4; n++) expect(take(queue)).toHaveLength(5);
		for (let n = 0; n < 20; n++) queue.push(pending(`p${n}`, `p${n}`, 5_000));
		for (let n = 0; n < 20 / 3; n++) expect(take(queue).length).toBeLessThanOrEqual(3);
		expect(queue.length).toBe(0);
	});

	it("goes on with the next send if an event can't be built", () => {
		const queue = new SendQueue();
		const broken = {
			...pending("a", "broken"),
			build: () => {
				throw new TypeError("no event");
			},
		};
		for (const send of [pending("a", "first"), broken, pending("a", "last")]) queue.push(send);
		const failed: [PendingSend, unknown][] = [];
		const { events } = queue.take((send, error) => failed.push([send, error]));
		expect(events.map(({ event }) => event.type)).toEqual(["first", "last"]);
		expect(failed).toEqual([[broken, expect.any(TypeError)]]);
		expect(queue.length).toBe(0);
	});
});
