// How many tellings are remembered: what is forgotten is told again.
import { expect, it } from "vitest";

import { ToldOthers } from "./told-others.ts";

it("remembers 50,000, and tells again of the one from the longest ago when there are more", async () => {
	const told = new ToldOthers();
	const of = (n: number) => ({ id: `dlv_${n}`, at: 1 });
	const all = Array.from({ length: 50_000 }, (_, n) => of(n));
	const again: string[] = [];
	const tell = (ids: readonly string[]) => {
		again.push(...ids);
		return Promise.resolve(true);
	};
	expect(await told.tell("proj_a", all, tell)).toBe(true);
	again.length = 0;
	await told.tell("proj_a", [of(0), of(1), of(2)], tell);
	expect(again).toEqual([]);
	await told.tell("proj_a", [of(50_000)], tell);
	await told.tell("proj_a", [of(0), of(3)], tell);
	expect(again).toEqual(["dlv_50000", "dlv_3"]);
});
