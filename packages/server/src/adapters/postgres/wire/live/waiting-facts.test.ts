// Facts that wait for other processes: how many, and whose are lost when there are too many.
import { expect, it } from "vitest";

import type { SharedFact } from "../../../../ports/live-wire.ts";
import { WaitingFacts } from "./waiting-facts.ts";

const FACT = {} as SharedFact;

function add(facts: WaitingFacts, topic: string, count: number): void {
	for (let n = 0; n < count; n++) facts.add(topic, FACT);
}

/** How many facts of each topic are to be written; null that some were lost. */
function taken(facts: WaitingFacts) {
	return facts.take().map((each) => [each.topic, each.facts?.length ?? null]);
}

it("keeps 2,000 facts, where nothing else is said, and says of which topic more were lost", () => {
	const facts = new WaitingFacts();
	add(facts, "p", 2_000);
	expect(taken(facts)).toEqual([["p", 2_000]]);
	add(facts, "p", 2_001);
	expect(taken(facts)).toEqual([
		["p", 2_000],
		["p", null],
	]);
	expect([facts.isEmpty, taken(facts)]).toEqual([true, []]);
});

it("lets the topic that has most lose its facts, and no other one", () => {
	const facts = new WaitingFacts(10);
	add(facts, "quiet", 2);
	add(facts, "busy", 100);
	add(facts, "other", 3);
	add(facts, "busy", 100);
	add(facts, "quiet", 1);
	expect(taken(facts)).toEqual([
		["quiet", 3],
		["other", 3],
		["busy", null],
	]);
});

it("says of a topic that it has lost its facts when it has added no more since", () => {
	const facts = new WaitingFacts(4);
	add(facts, "busy", 4);
	add(facts, "quiet", 1);
	expect(taken(facts)).toEqual([
		["quiet", 1],
		["busy", null],
	]);
});

it("takes nothing from topics that have as many, when there is no room for each", () => {
	const facts = new WaitingFacts(3);
	for (const topic of ["a", "b", "c", "d"]) add(facts, topic, 1);
	expect(taken(facts)).toEqual([
		["a", 1],
		["b", 1],
		["c", 1],
		["d", null],
	]);
});

it("says what was lost in another way, also without a fact", () => {
	const facts = new WaitingFacts();
	facts.lose("p");
	expect([facts.isEmpty, taken(facts)]).toEqual([false, [["p", null]]]);
});
