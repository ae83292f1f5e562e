// The line of starved lanes: whose turn it is.
import { describe, expect, it } from "vitest";

import { Lane } from "../lane.ts";
import { ProjectLanes, type CustomerLanes } from "./project-lanes.ts";
import { StarvedLanes } from "./starved-lanes.ts";

const project = (projectId: string) => new ProjectLanes<Lane>(projectId, false).customer(null);

function open() {
	const starved = new StarvedLanes();
	const [p, q, r] = [project("p"), project("q"), project("r")];
	const add = (to: CustomerLanes<Lane>, ...names: readonly string[]) => {
		for (const name of names) starved.add(new Lane(name, to));
	};
	/** Serves as many lanes. */
	const serve = (count: number) =>
		Array.from({ length: count }, () => {
			const lane = starved.next();
			if (lane !== undefined) starved.delete(lane);
			return lane?.webhookId;
		});
	return { starved, p, q, r, add, serve };
}

describe("starved lanes", () => {
	it("are served in turns by project, the one that has waited longest first", () => {
		const { p, q, r, add, serve } = open();
		add(p, "p1", "p2", "p3", "p4");
		add(q, "q1");
		add(r, "r1", "r2");
		expect(serve(8)).toEqual(["p1", "q1", "r1", "p2", "r2", "p3", "p4", undefined]);
	});

	it("of a project that comes later wait for one lane of each other project", () => {
		const { p, q, add, serve } = open();
		add(p, ...Array.from({ length: 3_000 }, (_, n) => `p${n}`));
		expect(serve(2)).toEqual(["p0", "p1"]);
		add(q, "q1");
		expect(serve(2)).toEqual(["p2", "q1"]);
		add(q, "q2");
		expect(serve(2)).toEqual(["p3", "q2"]);
	});

	it("are served in turns by customer when it is their project's turn", () => {
		const { q, add, serve } = open();
		const shared = new ProjectLanes<Lane>("shared", true);
		const [none, acme, globex] = [shared.customer(null), shared.customer("acme"), shared.customer("globex")];
		add(acme, ...Array.from({ length: 50 }, (_, n) => `acme${n}`));
		add(globex, "globex0");
		add(none, "none0", "none1");
		add(q, "q1", "q2");
		expect(serve(9)).toEqual(["acme0", "q1", "globex0", "q2", "none0", "acme1", "none1", "acme2", "acme3"]);
	});

	it("are passed over if they can't be served: the turn is that of the next project all the same", () => {
		const { starved, p, q, add } = open();
		add(p, "p1");
		add(q, "q1");
		expect([1, 2, 3].map(() => starved.next()?.webhookId)).toEqual(["p1", "q1", "p1"]);
		expect(starved.customers).toBe(2);
	});

	it("tell how many claims come before the next one of a lane", () => {
		const { starved, p, q, add } = open();
		const [first, second] = [new Lane("p1", p), new Lane("q1", q)];
		expect(starved.before(first)).toBe(0);
		add(p, "p2", "p3", "p4");
		expect([starved.before(first), starved.before(second)]).toEqual([3, 1]);
		for (let n = 0; n < 5; n++) add(q.project.customer(`customer ${n}`), `${n}`);
		expect([starved.before(first), starved.before(second)]).toEqual([3, 5]);
	});
});
