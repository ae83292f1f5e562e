// The keys of sends that a schema has checked, within the bound that projects share.
import { expect, it } from "vitest";

import { CheckedKeys } from "./checked-keys.ts";

it("knows the 10,000 keys that were used last", () => {
	const keys = new CheckedKeys();
	for (let n = 0; n < 10_000; n++) keys.note("proj_a", `key-${n}`);
	expect(keys.has("proj_a", "key-0")).toBe(true);
	keys.note("proj_a", "another");
	expect(["key-0", "key-1", "key-2", "another"].map((key) => keys.has("proj_a", key))).toEqual([
		true,
		false,
		true,
		true,
	]);
	expect([keys.has("proj_b", "key-0"), keys.has("proj_a", null)]).toEqual([false, false]);
});

it("knows keys of a mebi of characters, and forgets those of the project that has most", () => {
	const keys = new CheckedKeys();
	const long = (n: number) => String(n).padEnd(256 * 1_024, "x");
	keys.note("proj_b", "one");
	for (let n = 0; n < 5; n++) keys.note("proj_a", long(n));
	expect([0, 1, 2, 3, 4].map((n) => keys.has("proj_a", long(n)))).toEqual([false, false, true, true, true]);
	expect(keys.has("proj_b", "one")).toBe(true);
});
