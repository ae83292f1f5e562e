// The budgets of the live streams, by kind of client and by project.
import { describe, expect, it } from "vitest";

import { StreamPlaces } from "./stream-places.ts";

type Places = StreamPlaces<"api" | "portal">;

/** Takes places until none is free. Returns how many. */
function takeAll(places: Places, projectId: string, kind: "api" | "portal" = "api"): number {
	let count = 0;
	for (; places.ask(kind, projectId).kind === "free"; count++) places.take(kind, projectId);
	return count;
}

const places = (max: number) => new StreamPlaces<"api" | "portal">(max, { api: { parts: 3 }, portal: { parts: 1 } });

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
