// The loop on a clock that the test moves, with runs that the test ends.
import { setImmediate as nextTurn } from "node:timers/promises";

import { expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { RecordingObserver } from "../test/test-engine.ts";
import { Periodic } from "./periodic.ts";

const EVERY_MS = 60_000;

function setUp(options: { readonly firstAfterMs?: number } = {}) {
	const clock = new ManualClock();
	const observer = new RecordingObserver();
	const runs: PromiseWithResolvers<void>[] = [];
	const work = () => {
		const run = Promise.withResolvers<void>();
		runs.push(run);
		return run.promise;
	};
	const problem = "the work failed";
	const loop: Periodic = new Periodic({ clock, observer }, { everyMs: EVERY_MS, ...options, work, problem });
	/** Ends the newest run, and waits until the loop has noticed. */
	const end = async (error?: Error) => {
		if (error === undefined) runs.at(-1)?.resolve();
		else runs.at(-1)?.reject(error);
		await nextTurn();
	};
	/** Expects that the next run begins after this time, and no sooner. */
	const expectRunAfter = (ms: number) => {
		const before = runs.length;
		clock.advance(ms - 1);
		expect(runs).toHaveLength(before);
		clock.advance(1);
		expect(runs).toHaveLength(before + 1);
	};
	const expectNoRun = () => {
		const before = runs.length;
		clock.advance(10 * EVERY_MS);
		expect(runs).toHaveLength(before);
	};
	return { clock, observer, runs, loop, end, expectRunAfter, expectNoRun };
}

/** Whether the promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
	let settled = false;
	void promise.finally(() => (settled = true));
	await nextTurn();
	return settled;
}

it.each([undefined, 5_000])(
	"waits for the interval before the first run, or %s ms, and again after the end of each run",
	async (firstAfterMs) => {
		const { loop, end, expectRunAfter, expectNoRun } = setUp(firstAfterMs === undefined ? {} : { firstAfterMs });
		loop.start();
		expectRunAfter(firstAfterMs ?? EVERY_MS);
		expectNoRun();
		await end();
		expectRunAfter(EVERY_MS);
	},
);

it("reports a failed run and makes the next one at its usual time", async () => {
	const { observer, loop, end, expectRunAfter } = setUp();
	loop.start();
	expectRunAfter(EVERY_MS);
	const error = new Error("on purpose");
	await end(error);
	expect(observer.problems).toEqual([{ message: "the work failed", error }]);
	expectRunAfter(EVERY_MS);
});

it("makes no run after a stop while it waits, and can be started again", async () => {
	const { loop, expectRunAfter, expectNoRun } = setUp();
	loop.start();
	await loop.stop();
	expect(loop.running).toBe(false);
	expectNoRun();
	loop.start();
	expect(loop.running).toBe(true);
	expectRunAfter(EVERY_MS);
});

it.each([undefined, new Error("on purpose")])(
	"stops once the run under way has ended with %s, and tells that run to end early",
	async (failure) => {
		const { observer, loop, end, expectRunAfter, expectNoRun } = setUp();
		loop.start();
		expectRunAfter(EVERY_MS);
		expect(loop.running).toBe(true);
		const [stopping, again] = [loop.stop(), loop.stop()];
		expect(loop.running).toBe(false);
		expect(await isSettled(Promise.race([stopping, again]))).toBe(false);
		await end(failure);
		await Promise.all([stopping, again]);
		expectNoRun();
		expect(observer.problems).toHaveLength(failure === undefined ? 0 : 1);
	},
);

it("makes no additional runs when it is started twice", async () => {
	const { clock, loop, end, expectRunAfter } = setUp();
	loop.start();
	clock.advance(EVERY_MS / 2);
	loop.start();
	expectRunAfter(EVERY_MS / 2);
	loop.start();
	await end();
	expectRunAfter(EVERY_MS);
});

it("goes on with one loop when it is started again before the run under way has ended", async () => {
	const { loop, end, expectRunAfter, expectNoRun } = setUp();
	loop.start();
	expectRunAfter(EVERY_MS);
	const stopping = loop.stop();
	loop.start();
	expectNoRun();
	await end();
	await stopping;
	expectRunAfter(EVERY_MS);
});

it("makes the first run at once with startNow, which resolves when that run has ended", async () => {
	const { observer, runs, loop, end, expectRunAfter } = setUp();
	const started = loop.startNow();
	expect(runs).toHaveLength(1);
	expect(await isSettled(started)).toBe(false);
	await end(new Error("on purpose"));
	await started;
	expect(observer.problems).toHaveLength(1);
	await loop.startNow();
	expect(runs).toHaveLength(1);
	expectRunAfter(EVERY_MS);
});

it.each([365 * 86_400_000, -365 * 86_400_000])("keeps its interval when the clock jumps by %i ms", async (jumpMs) => {
	const { clock, loop, end, expectRunAfter } = setUp();
	loop.start();
	clock.advance(EVERY_MS / 2);
	clock.step(jumpMs);
	expectRunAfter(EVERY_MS / 2);
	clock.step(jumpMs);
	await end();
	expectRunAfter(EVERY_MS);
});

it("pauses between two steps for as long as the work asks, and no more once it is stopped", async () => {
	const { clock, loop } = setUp();
	loop.start();
	clock.advance(EVERY_MS);
	const pause = loop.pause(100);
	clock.advance(99);
	expect(await isSettled(pause)).toBe(false);
	clock.advance(1);
	expect(await isSettled(pause)).toBe(true);
	const next = loop.pause(100);
	void loop.stop();
	expect([await isSettled(next), await isSettled(loop.pause(100))]).toEqual([true, true]);
});
