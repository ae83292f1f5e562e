import { expect, it } from "vitest";

import { divide } from "./slices.ts";

const itself = (seconds: number) => seconds;

it("puts each item into one slice, of about the same weight", () => {
	const items = [9, 1, 1, 1, 8, 2, 7, 3, 1, 1];
	const slices = divide(items, 3, itself);
	const sorted = (some: readonly number[]) => some.toSorted((a, b) => a - b);
	expect(sorted(slices.flat())).toEqual(sorted(items));
	expect(sorted(slices.map((slice) => slice.reduce((a, b) => a + b)))).toEqual([11, 11, 12]);
});

it("leaves slices empty if there are fewer items", () => expect(divide([5], 2, itself)).toEqual([[5], []]));
