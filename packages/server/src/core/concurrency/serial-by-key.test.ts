// The order of tasks, which the test ends one by one.
import { setImmediate as nextTurn } from "node:timers/promises";

import { expect, it } from "vitest";

import { SerialByKey } from "./serial-by-key.ts";

function setUp() {
	const serial = new SerialByKey();
	const started: string[] = [];
	/** Gives a task to the executor; it ends when the test says so. */
	const give = (key: string, name: string) => {
		const gate = Promise.withResolvers<string>();
		const result = serial.run(key, () => {
			started.push(name);
			return gate.promise;
		});
		return { result, succeed: () => gate.resolve(name), fail: () => gate.reject(new Error(name)) };
	};
	return { serial, started, give };
}

it("starts a task of one key only after the earlier ones have ended, in the order of the calls", async () => {
	const { started, give } = setUp();
	const tasks = [give("a", "first"), give("a", "second"), give("a", "third")];
	for (const [index, task] of tasks.entries()) {
		await nextTurn();
		expect(started).toEqual(["first", "second", "third"].slice(0, index + 1));
		task.succeed();
	}
	expect(await Promise.all(tasks.map(({ result }) => result))).toEqual(["first", "second", "third"]);
});

it("runs tasks of different keys side by side", async () => {
	const { started, give } = setUp();
	const [one, other] = [give("a", "one"), give("b", "other")];
	await nextTurn();
	expect(started).toEqual(["one", "other"]);
	other.succeed();
	expect(await other.result).toBe("other");
	one.succeed();
	expect(await one.result).toBe("one");
});

it("rejects when a task rejects, or throws before it returns a promise, and still runs the next one", async () => {
	const { serial, started, give } = setUp();
	const failing = give("a", "failing");
	const thrown = serial.run("a", () => {
		throw new Error("at once");
	});
	const next = give("a", "next");
	failing.fail();
	await expect(failing.result).rejects.toThrow("failing");
	await expect(thrown).rejects.toThrow("at once");
	await nextTurn();
	expect(started).toEqual(["failing", "next"]);
	next.succeed();
	expect(await next.result).toBe("next");
});

it("keeps nothing of a key whose tasks have all ended, and is idle when all have, whether they succeeded or failed", async () => {
	const { serial, give } = setUp();
	await serial.idle();
	const [first, second, failing] = [give("a", "first"), give("a", "second"), give("b", "failing")];
	let isIdle = false;
	const idle = serial.idle().then(() => (isIdle = true));
	first.succeed();
	await first.result;
	await nextTurn();
	expect(serial.size).toBe(2);
	failing.fail();
	await expect(failing.result).rejects.toThrow("failing");
	await nextTurn();
	expect([serial.size, isIdle]).toEqual([1, false]);
	second.succeed();
	await second.result;
	await idle;
	expect(serial.size).toBe(0);
});
