// Lines whose parts take turns.
import { expect, it } from "vitest";

import { Parts } from "./parts.ts";

function all<T>(line: Parts<T>): T[] {
	return Array.from({ length: line.size }, () => line.next()!);
}

it("goes from part to part, and keeps the order within each", () => {
	const line = new Parts<string>();
	for (const item of ["a1", "a2", "a3", "b1", "c1", "c2"]) line.add(item.slice(0, 1), item);
	expect([line.next(), line.next()]).toEqual(["a1", "b1"]);
	// It has nothing any more, so it comes behind the others.
	line.add("b", "b2");
	expect(all(line)).toEqual(["c1", "a2", "b2", "c2", "a3"]);
	expect(line.next()).toBeUndefined();
});

it("knows how many items there are, also after some were taken away, which never come", () => {
	const line = new Parts<string>().add("a", "a1").add("a", "a2").add("b", "b1");
	expect([line.size, line.sizeOf("a"), line.sizeOf("b"), line.sizeOf("x")]).toEqual([3, 2, 1, 0]);
	line.remove("b", "b1");
	for (let n = 0; n < 2; n++) line.remove("a", "a1");
	line.remove("x", "a2");
	expect([line.size, line.sizeOf("a"), line.sizeOf("b")]).toEqual([1, 1, 0]);
	expect(all(line)).toEqual(["a2"]);
});
