// Projects share the time for schema checks evenly, however many checks one of them has and however slow they are.
import { expect, it } from "vitest";

import { Lines } from "./lines.ts";

const check = (projectId: string) => ({ projectId, length: 1 });

function linesWith(checks: Readonly<Record<string, number>>) {
	const lines = new Lines<ReturnType<typeof check>>();
	for (const [projectId, count] of Object.entries(checks)) {
		for (let n = 0; n < count; n++) lines.push(check(projectId));
	}
	return lines;
}

const countOf = (taken: readonly { projectId: string }[], projectId: string) =>
	taken.filter((one) => one.projectId === projectId).length;

it("takes from each project in turn, and no more than asked for", () => {
	const lines = linesWith({ greedy: 1_000, other: 5 });
	const taken = lines.take(64, Infinity);
	expect(taken).toHaveLength(64);
	expect(countOf(taken, "other")).toBe(5);
	expect(lines.size).toBe(941);
});

it("lets a project that has used much time sit out until the others have had as much", () => {
	const lines = linesWith({ greedy: 10, other: 300 });
	lines.used("greedy", 500);
	const taken = lines.take(200, Infinity);
	expect(countOf(taken, "greedy")).toBe(0);
	expect(countOf(taken, "other")).toBe(200);
});

it("serves a project that has used much time at once when nobody else waits", () => {
	const lines = linesWith({ greedy: 3 });
	lines.used("greedy", 1e9);
	expect(lines.take(64, Infinity)).toHaveLength(3);
});

it("remembers what a project has used while it has no checks", () => {
	const lines = linesWith({ greedy: 1 });
	lines.take(64, Infinity);
	lines.used("greedy", 500);
	for (const projectId of ["greedy", "other"]) lines.push(check(projectId));
	expect(lines.take(1, Infinity)).toEqual([check("other")]);
});

it("stops at the length of the data, after at least one check", () => {
	const lines = linesWith({ one: 10 });
	expect(lines.take(64, 3)).toHaveLength(3);
	expect(lines.take(64, 0.5)).toHaveLength(1);
});

it("puts checks back before the others of their projects, in order", () => {
	const lines = new Lines<{ projectId: string; length: number; name: string }>();
	for (const name of ["a", "b", "c"]) lines.push({ projectId: "p", length: 1, name });
	lines.putBack(lines.take(2, Infinity));
	expect(lines.take(64, Infinity).map(({ name }) => name)).toEqual(["a", "b", "c"]);
	expect(lines.size).toBe(0);
});
