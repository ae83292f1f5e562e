// A thread that takes long to start: how long checks wait for it, and how to have it start before the first check.
import { expect, it, onTestFinished } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { openAjvValidator } from "./ajv-validator.ts";

/** A validator whose thread can't be ready before the test awaits something, however much time has passed until then. */
function setUp() {
	const clock = new ManualClock();
	clock.advance(1);
	const validator = openAjvValidator({ clock });
	onTestFinished(() => validator.close());
	let started = 0;
	const listener = () => void started++;
	process.on("worker", listener);
	onTestFinished(() => void process.off("worker", listener));
	const check = () => validator.check("proj_1", '{"type":"object"}', "{}");
	return { clock, validator, check, started: () => started };
}

it("is waited for by each check for nearly as long as a client waits", async () => {
	const { clock, check, started } = setUp();
	const first = check();
	clock.advance(10_000);
	const second = check();
	for (let seconds = 10; seconds < 24; seconds++) clock.advance(1_000);
	expect(await Promise.all([first, second])).toEqual([[], []]);
	expect(started()).toBe(1);
});

it("goes on starting for later checks when the first one has waited for too long", async () => {
	const { clock, check, started } = setUp();
	const tooLong = check().catch((error: unknown) => error);
	clock.advance(10_000);
	const later = check();
	for (let seconds = 10; seconds <= 25; seconds++) clock.advance(1_000);
	expect(await later).toEqual([]);
	expect(await tooLong).toMatchObject({
		name: "SchemaCheckError",
		message: "schemas can't be checked: the thread did not start in time",
	});
	expect(started()).toBe(1);
});

it("is given up in the end, and the next check starts another one", async () => {
	const { clock, check, started } = setUp();
	const tooLong = check().catch((error: unknown) => error);
	for (let seconds = 0; seconds < 181; seconds++) clock.advance(1_000);
	expect(await check()).toEqual([]);
	expect(await tooLong).toMatchObject({ name: "SchemaCheckError" });
	expect(started()).toBe(2);
});

it("can be started before the first check, once", async () => {
	const { validator, check, started } = setUp();
	validator.start();
	validator.start();
	// A worker is announced a moment later.
	await expect.poll(started).toBe(1);
	expect(await check()).toEqual([]);
	expect(started()).toBe(1);
	await validator.close();
	validator.start();
	await new Promise(setImmediate);
	expect(started()).toBe(1);
});
