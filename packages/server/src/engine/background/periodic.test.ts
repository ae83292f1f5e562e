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
	const loop: Periodic = new Periodic(
		{ clock, observer },
		{
			everyMs: EVERY_MS,
			...options,
			work: () => {
				const run = Promise.withResolvers<void>();
				runs.push(run);
				return run.promise;
			},
			problem: "the work failed",
		},
	);
	/** Ends the newest run, and waits until the loop has noticed. */
	const end = async (error?: Error) => {
		if (error === undefined) runs.at(-1)?.resolve();
		else runs.at(-1)?.reject(error);
		await nextTurn();
	};
	return { clock, observer, runs, loop, end };
}

/** Whether the promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
	let settled = false;
	void promise.finally(() => (settled = true));
	await nextTurn();
	return settled;
}

it("waits for the interval before the first run, and again after the end of each run", async () => {
	const { clock, runs, loop, end } = setUp();
	loop.start();
	clock.advance(EVERY_MS - 1);
	expect(runs).toHaveLength(0);
	clock.advance(1);
	expect(runs).toHaveLength(1);
	clock.advance(10 * EVERY_MS);
	expect(runs).toHaveLength(1);
	await end();
	clock.advance(EVERY_MS - 1);
	expect(runs).toHaveLength(1);
	clock.advance(1);
	expect(runs).toHaveLength(2);
});

it("waits less before the first run if told so", async () => {
	const { clock, runs, loop, end } = setUp({ firstAfterMs: 5_000 });
	loop.start();
	clock.advance(5_000);
	expect(runs).toHaveLength(1);
	await end();
	clock.advance(EVERY_MS - 1);
	expect(runs).toHaveLength(1);
	clock.advance(1);
	expect(runs).toHaveLength(2);
});

it("reports a failed run and makes the next one at its usual time", async () => {
	const { clock, observer, runs, loop, end } = setUp();
	loop.start();
	clock.advance(EVERY_MS);
	const error = new Error("on purpose");
	await end(error);
	expect(observer.problems).toEqual([{ message: "the work failed", error }]);
	clock.advance(EVERY_MS - 1);
	expect(runs).toHaveLength(1);
	clock.advance(1);
	expect(runs).toHaveLength(2);
});

it("makes no run after a stop while it waits", async () => {
	const { clock, runs, loop } = setUp();
	loop.start();
	await loop.stop();
	expect(loop.running).toBe(false);
	clock.advance(10 * EVERY_MS);
	expect(runs).toHaveLength(0);
});

it("stops once the run under way has ended, and tells that run to end early", async () => {
	const { clock, runs, loop, end } = setUp();
	loop.start();
	clock.advance(EVERY_MS);
	expect(loop.running).toBe(true);
	const stopping = loop.stop();
	const again = loop.stop();
	expect(loop.running).toBe(false);
	expect(await isSettled(Promise.race([stopping, again]))).toBe(false);
	await end();
	await Promise.all([stopping, again]);
	clock.advance(10 * EVERY_MS);
	expect(runs).toHaveLength(1);
});

it("stops without an error when the run under way fails", async () => {
	const { clock, observer, loop, end } = setUp();
	loop.start();
	clock.advance(EVERY_MS);
	const stopping = loop.stop();
	await end(new Error("on purpose"));
	await stopping;
	expect(observer.problems).toHaveLength(1);
});

it("makes no additional runs when it is started twice", async () => {
	const { clock, runs, loop, end } = setUp();
	loop.start();
	clock.advance(EVERY_MS / 2);
	loop.start();
	clock.advance(EVERY_MS / 2);
	expect(runs).toHaveLength(1);
	loop.start();
	await end();
	clock.advance(EVERY_MS / 2);
	expect(runs).toHaveLength(1);
	clock.advance(EVERY_MS / 2);
	expect(runs).toHaveLength(2);
});

it("can be started again after a stop", async () => {
	const { clock, runs, loop } = setUp();
	loop.start();
	await loop.stop();
	loop.start();
	expect(loop.running).toBe(true);
	clock.advance(EVERY_MS);
	expect(runs).toHaveLength(1);
});

it("goes on with one loop when it is started again before the run under way has ended", async () => {
	const { clock, runs, loop, end } = setUp();
	loop.start();
	clock.advance(EVERY_MS);
	const stopping = loop.stop();
	loop.start();
	clock.advance(10 * EVERY_MS);
	expect(runs).toHaveLength(1);
	await end();
	await stopping;
	clock.advance(EVERY_MS);
	expect(runs).toHaveLength(2);
});

it("makes the first run at once with startNow, which resolves when that run has ended", async () => {
	const { clock, observer, runs, loop, end } = setUp();
	const started = loop.startNow();
	expect(runs).toHaveLength(1);
	expect(await isSettled(started)).toBe(false);
	await end(new Error("on purpose"));
	await started;
	expect(observer.problems).toHaveLength(1);
	await loop.startNow();
	expect(runs).toHaveLength(1);
	clock.advance(EVERY_MS);
	expect(runs).toHaveLength(2);
});

it.each([365 * 86_400_000, -365 * 86_400_000])("keeps its interval when the clock jumps by %i ms", async (jumpMs) => {
	const { clock, runs, loop, end } = setUp();
	loop.start();
	clock.advance(EVERY_MS / 2);
	clock.step(jumpMs);
	clock.advance(EVERY_MS / 2 - 1);
	expect(runs).toHaveLength(0);
	clock.advance(1);
	expect(runs).toHaveLength(1);
	clock.step(jumpMs);
	await end();
	clock.advance(EVERY_MS);
	expect(runs).toHaveLength(2);
});

it("pauses between two steps for as long as the work asks", async () => {
	const { clock, loop } = setUp();
	loop.start();
	clock.advance(EVERY_MS);
	const pause = loop.pause(100);
	clock.advance(99);
	expect(await isSettled(pause)).toBe(false);
	clock.advance(1);
	expect(await isSettled(pause)).toBe(true);
});

it("ends the pause under way when it is stopped, and pauses no more", async () => {
	const { clock, loop } = setUp();
	loop.start();
	clock.advance(EVERY_MS);
	const pause = loop.pause(100);
	void loop.stop();
	expect(await isSettled(pause)).toBe(true);
	expect(await isSettled(loop.pause(100))).toBe(true);
});
