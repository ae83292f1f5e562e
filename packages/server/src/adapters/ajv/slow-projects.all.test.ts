// The second thread: which projects it serves, that it works half of the time, and when it ends.
import type { Worker } from "node:worker_threads";

import { eventually } from "@fanfare/testkit/eventually";
import { expect, it, onTestFinished } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { openAjvValidator } from "./ajv-validator.ts";

/** A check that takes some tenths of a second, as a quadratic one does. */
const DATA = JSON.stringify(Array.from({ length: 3_000 }, (_, a) => ({ a })));
const schemaOf = (n: number) => JSON.stringify({ uniqueItems: true, title: String(n) });

/** The threads that were started since, and how many of them have ended. */
function watchThreads() {
	const threads = { started: 0, ended: 0 };
	const listener = (worker: Worker) => {
		threads.started++;
		worker.once("exit", () => threads.ended++);
	};
	process.on("worker", listener);
	onTestFinished(() => void process.off("worker", listener));
	return threads;
}

function setUp() {
	const clock = new ManualClock();
	// lru-cache takes a start at 0 for none.
	clock.advance(1);
	const threads = watchThreads();
	const validator = openAjvValidator({ clock, timeLimitMs: 20_000 });
	onTestFinished(() => validator.close());
	let count = 0;
	/** Makes slow checks, each by another schema, until a second thread was started for them. */
	const makeSlow = async (projectId: string) => {
		for (; threads.started < 2 && count < 200; count++) await validator.check(projectId, schemaOf(count), DATA);
	};
	/** Whether a check ends although the clock stands still. */
	const endsAtOnce = async (projectId: string) => {
		const ended = validator.check(projectId, "{}", "1").then(() => "ended");
		const other = validator.check("proj_third", "{}", "1").then(() => "waits");
		// Both threads are asked at the same time, so the third project is asked again to give the other one time.
		await other;
		for (let n = 0; n < 20; n++) await validator.check("proj_third", "{}", String(n));
		return Promise.race([ended, Promise.resolve("waits")]);
	};
	return { clock, threads, validator, makeSlow, endsAtOnce };
}

it("serves a project whose slow checks take too much time, and no other, half of the time", async () => {
	const { clock, threads, validator, makeSlow, endsAtOnce } = setUp();
	await makeSlow("proj_slow");
	expect(threads).toEqual({ started: 2, ended: 0 });
	// The second thread has made one check, and rests for as long as that took.
	expect(await endsAtOnce("proj_other")).toBe("ended");
	expect(await endsAtOnce("proj_slow")).toBe("waits");
	const waiting = validator.check("proj_slow", "{}", "2");
	clock.advance(10_000);
	expect(await waiting).toEqual([]);
	expect(threads).toEqual({ started: 2, ended: 0 });
});

it("ends a minute after its last check, and the project is served like others again", async () => {
	const { clock, threads, validator, makeSlow } = setUp();
	await makeSlow("proj_slow");
	const rested = validator.check("proj_slow", "{}", "1");
	await eventually("the thread to have rested", async () => {
		clock.advance(100);
		return (await Promise.race([rested, Promise.resolve(null)])) !== null;
	});
	await eventually("the idle thread to end", () => {
		clock.advance(10_000);
		return threads.ended === 1;
	});
	expect(await validator.check("proj_slow", "{}", "2")).toEqual([]);
	expect(threads).toEqual({ started: 2, ended: 1 });
});
