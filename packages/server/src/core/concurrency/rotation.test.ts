// Rotation: who comes next, by project, by customer and in the order of the items.
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Rotation } from "./rotation.ts";

/** Items are named after their project, their customer and their number: `p/acme/1`. */
function add(turns: Rotation<string>, ...items: readonly string[]): void {
	for (const item of items) {
		const [project = "", customer = ""] = item.split("/");
		turns.add(project, customer, item);
	}
}

function takeAll(turns: Rotation<string>): string[] {
	const taken: string[] = [];
	for (let next = turns.take(); next !== undefined; next = turns.take()) taken.push(next);
	return taken;
}

describe("a rotation", () => {
	it("are those of projects, then of their customers, then of the items", () => {
		const turns = new Rotation<string>();
		add(turns, "p/acme/1", "p/acme/2", "p/globex/1", "q/acme/1", "q/acme/2", "p/acme/3");
		expect(turns.customers).toBe(3);
		expect(takeAll(turns)).toEqual(["p/acme/1", "q/acme/1", "p/globex/1", "q/acme/2", "p/acme/2", "p/acme/3"]);
		expect([turns.customers, turns.isEmpty]).toEqual([0, true]);
	});

	it("give each other project one turn before the next one of an item that comes back", () => {
		const turns = new Rotation<string>();
		add(turns, ...Array.from({ length: 300 }, (_, n) => `p/acme/${n}`), "q/acme/1");
		const taken = Array.from({ length: 6 }, () => {
			const item = turns.take() ?? "";
			add(turns, item);
			return item;
		});
		expect(taken).toEqual(["p/acme/0", "q/acme/1", "p/acme/1", "q/acme/1", "p/acme/2", "q/acme/1"]);
	});

	it("keep the place of an item that is added again", () => {
		const turns = new Rotation<string>();
		add(turns, "p/acme/1", "p/acme/2", "p/acme/1");
		expect(takeAll(turns)).toEqual(["p/acme/1", "p/acme/2"]);
	});

	it("have each item once, whatever is added and deleted, and never let one project have two turns beside another", () => {
		const item = fc.constantFrom(
			...["p", "q", "r"].flatMap((p) => ["a", "b"].flatMap((c) => [`${p}/${c}/1`, `${p}/${c}/2`])),
		);
		const change = fc.record({ item, isAdded: fc.boolean() });
		fc.assert(
			fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
				const turns = new Rotation<string>();
				const expected = new Set<string>();
				for (const { item, isAdded } of changes) {
					const [project = "", customer = ""] = item.split("/");
					if (isAdded) add(turns, item);
					else turns.delete(project, customer, item);
					if (isAdded) expected.add(item);
					else expected.delete(item);
				}
				const taken = takeAll(turns);
				expect(taken.toSorted()).toEqual([...expected].toSorted());
				const projects = taken.map(([project]) => project);
				for (const [index, project] of projects.slice(1).entries()) {
					if (project !== projects[index]) continue;
					expect(new Set(projects.slice(index)).size).toBe(1);
				}
			}),
		);
	});
});
