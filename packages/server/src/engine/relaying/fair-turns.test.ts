// Turns: how many tasks run at once, and whose is next.
import { expect, it } from "vitest";

import { FairTurns } from "./fair-turns.ts";

it("runs a few tasks at once, and those that wait project by project", async () => {
	const turns = new FairTurns(2);
	const begun: string[] = [];
	const ends: PromiseWithResolvers<void>[] = [];
	const run = (name: string) =>
		turns.run(name.slice(0, 1), async () => {
			begun.push(name);
			const end = Promise.withResolvers<void>();
			ends.push(end);
			await end.promise;
			return name;
		});
	const all = ["a1", "a2", "a3", "a4", "b1", "c1", "b2"].map(run);
	expect(begun).toEqual(["a1", "a2"]);
	for (let ended = 0; ended < all.length; ended++) {
		await expect.poll(() => ends.length).toBeGreaterThan(ended);
		// A task that fails gives up its place, too.
		if (ended === 0) ends[ended]?.reject(new Error("the store is away"));
		else ends[ended]?.resolve();
	}
	expect(await Promise.allSettled(all)).toMatchObject([
		{ reason: new Error("the store is away") },
		...["a2", "a3", "a4", "b1", "c1", "b2"].map((value) => ({ value })),
	]);
	expect(begun).toEqual(["a1", "a2", "a3", "b1", "c1", "a4", "b2"]);
	expect(await turns.run("d", async () => "free again")).toBe("free again");
});
