// The budgets of the live streams, by kind of client, by project and by customer.
import { describe, expect, it } from "vitest";

import { StreamPlaces } from "./stream-places.ts";

type Places = StreamPlaces<"api" | "portal">;

/** Takes places until none is free. Returns how many. */
function takeAll(places: Places, projectId: string, kind: "api" | "portal" = "api"): number {
	let count = 0;
	for (; places.ask(kind, projectId).kind === "free"; count++) places.take(kind, projectId);
	return count;
}

const places = (max: number) => new StreamPlaces<"api" | "portal">({ api: (3 * max) / 4, portal: max / 4 });

describe("the places for streams", () => {
	it("are divided by kind, so that no kind takes those of another", () => {
		const all = places(400);
		for (const projectId of ["a", "b", "c"]) takeAll(all, projectId);
		expect(takeAll(all, "a", "portal")).toBe(50);
	});

	it("leave half of what is free to others, and one to each while any is free", () => {
		const all = places(128);
		const counts = Array.from({ length: 8 }, (_, n) => takeAll(all, `p${n}`));
		expect(counts).toEqual([48, 24, 12, 6, 3, 1, 1, 1]);
		expect(counts.reduce((sum, count) => sum + count)).toBe(96);
	});

	it("are taken from the project that has most when none is free, until both have as many", () => {
		const all = places(128);
		for (let n = 0; n < 8; n++) takeAll(all, `p${n}`);
		const asked = () => all.ask("api", "late");
		let taken = 0;
		for (let answer = asked(); answer.kind === "give up"; answer = asked()) {
			all.giveBack("api", answer.projectId);
			all.take("api", "late");
			taken++;
		}
		// p0 had 48. It has 24 now, and so have p1 and the late one.
		expect(taken).toBe(24);
		expect(asked()).toEqual({ kind: "refused" });
		expect(all.ask("api", "p0")).toEqual({ kind: "refused" });
	});

	it("are free again once they were given back", () => {
		const all = places(4);
		takeAll(all, "a");
		expect(all.ask("api", "a")).toEqual({ kind: "refused" });
		all.giveBack("api", "a");
		expect(all.ask("api", "a")).toEqual({ kind: "free" });
	});
});

describe("the places of customers", () => {
	/** Takes a place for a customer, if need be from another one. */
	function take(all: Places, projectId: string, customerId: string): string {
		const answer = all.ask("api", projectId, customerId);
		if (answer.kind === "refused") return "refused";
		if (answer.kind === "give up") all.giveBack("api", answer.projectId, answer.customerId);
		all.take("api", projectId, customerId);
		return answer.kind === "free" ? "free" : `from ${answer.projectId} ${answer.customerId}`;
	}
	const api = () => new StreamPlaces<"api" | "portal">({ api: 24, portal: 8 });

	it("are taken from the customer who has most when the project has its share, until each has one", () => {
		const all = api();
		for (let n = 0; n < 12; n++) expect(take(all, "p", n < 7 ? "greedy" : "modest")).toBe("free");
		expect(take(all, "p", "greedy")).toBe("refused");
		for (let n = 0; n < 2; n++) expect(take(all, "p", `late ${n}`)).toBe("from p greedy");
		for (let n = 2; n < 10; n++) expect(take(all, "p", `late ${n}`)).toMatch(/^from p (greedy|modest)$/);
		// Twelve customers have one each.
		expect(take(all, "p", "late 10")).toBe("refused");
		expect(take(all, "p", "late 1")).toBe("refused");
		expect(take(all, "q", "late")).toBe("free");
	});

	it("are taken from the project that has most, and there from the customer who has most, when none is free", () => {
		const all = api();
		for (let n = 0; n < 12; n++) take(all, "p", n < 5 ? "a" : "b");
		for (let n = 0; n < 12; n++) expect(take(all, `q${n}`, "c")).toBe("free");
		expect(take(all, "late", "d")).toBe("from p b");
		// No other project has more, so its customers divide what it has.
		expect(take(all, "p", "e")).toBe("from p b");
	});
});
