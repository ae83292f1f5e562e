// Request bodies share the time of the main thread.
import { expect, it } from "vitest";

import { CHARACTERS_PER_TURN, Turns } from "./turns.ts";

/** Turns of the event loop that the test makes. */
function openTurns() {
	const next: (() => void)[] = [];
	const turns = new Turns({ nextTurn: (fire) => next.push(fire) });
	/** Makes one turn, and lets everybody who was waiting for it go on. */
	const turn = async (): Promise<void> => {
		for (const fire of next.splice(0)) fire();
		await Promise.resolve();
	};
	const done: string[] = [];
	const work = async (owner: string, length: number): Promise<void> => {
		const leave = turns.take(owner, length);
		if (leave !== null) await leave;
		done.push(owner);
	};
	return { turn, work, done, armed: () => next.length };
}

it("lets work begin at once until the turn's share of text is used, and then one turn later", async () => {
	const { turn, work, done } = openTurns();
	void work("a", CHARACTERS_PER_TURN / 2);
	void work("a", CHARACTERS_PER_TURN / 2);
	void work("b", 1);
	await Promise.resolve();
	expect(done).toEqual(["a", "a"]);
	await turn();
	expect(done).toEqual(["a", "a", "b"]);
});

it("serves projects in turn, however much one of them has waiting", async () => {
	const { turn, work, done } = openTurns();
	for (let n = 0; n < 5; n++) void work("greedy", CHARACTERS_PER_TURN);
	void work("other", CHARACTERS_PER_TURN);
	for (let n = 0; n < 2; n++) await turn();
	expect(done).toEqual(["greedy", "greedy", "other"]);
	for (let n = 0; n < 3; n++) await turn();
	expect(done).toEqual(["greedy", "greedy", "other", "greedy", "greedy", "greedy"]);
});

it("gives a text that is longer than a turn's share a turn alone", async () => {
	const { turn, work, done } = openTurns();
	void work("a", CHARACTERS_PER_TURN * 20);
	void work("b", 1);
	await Promise.resolve();
	expect(done).toEqual(["a"]);
	await turn();
	expect(done).toEqual(["a", "b"]);
});

it("begins no long text in what another one has left of a turn", async () => {
	const { turn, work, done } = openTurns();
	void work("a", CHARACTERS_PER_TURN - 1);
	void work("a", CHARACTERS_PER_TURN - 1);
	void work("a", 2);
	void work("b", 2);
	await Promise.resolve();
	expect(done).toEqual(["a"]);
	await turn();
	expect(done).toEqual(["a", "a"]);
	await turn();
	expect(done).toEqual(["a", "a", "b", "a"]);
});

it("asks for no turn while nobody has work", async () => {
	const { turn, work, armed } = openTurns();
	expect(armed()).toBe(0);
	void work("a", 1);
	void work("a", 1);
	expect(armed()).toBe(1);
	await turn();
	expect(armed()).toBe(0);
});
