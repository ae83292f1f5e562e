// The manual clock: what tests and simulations rely on.
import { expect, it } from "vitest";

import { ManualClock } from "./manual-clock.ts";

it("fires timers in the order of their times, those set on the way included, and shows each its own time", () => {
	const clock = new ManualClock(1_000);
	const fired: string[] = [];
	const note = (name: string) => () => fired.push(`${name} ${clock.now()} ${clock.monotonicMs()}`);
	clock.after(20, note("b"));
	clock.after(10, () => {
		note("a")();
		clock.after(5, note("set on the way"));
	});
	clock.after(20, note("c"));
	clock.after(40, note("later"));
	clock.advance(30);
	expect(fired).toEqual(["a 1010 10", "set on the way 1015 15", "b 1020 20", "c 1020 20"]);
	expect([clock.now(), clock.monotonicMs()]).toEqual([1_030, 30]);
});

it("does not fire a timer that was cancelled", () => {
	const clock = new ManualClock();
	let fired = 0;
	const cancel = clock.after(10, () => fired++);
	cancel();
	clock.advance(10);
	expect(fired).toBe(0);
});

it.each([3_600_000, -3_600_000])("a step of %i ms moves the wall time alone", (ms) => {
	const clock = new ManualClock(10_000_000);
	let fired = 0;
	clock.after(10, () => fired++);
	clock.advance(4);
	clock.step(ms);
	expect([clock.now(), clock.monotonicMs(), fired]).toEqual([10_000_004 + ms, 4, 0]);
	clock.advance(5);
	expect(fired).toBe(0);
	clock.advance(1);
	expect([clock.now(), fired]).toEqual([10_000_010 + ms, 1]);
});

it("takes turns of the real event loop, unless it is given others", async () => {
	await new Promise<void>((resolve) => new ManualClock().nextTurn(resolve));
	const turns: (() => void)[] = [];
	let taken = 0;
	new ManualClock(0, { nextTurn: (fire) => turns.push(fire) }).nextTurn(() => taken++);
	expect([turns.length, taken]).toEqual([1, 0]);
	turns[0]?.();
	expect(taken).toBe(1);
});
