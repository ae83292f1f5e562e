// Event types that are read by their names: how many calls that takes, and what each of them sees.
import { expect, it } from "vitest";

import { NamedTypes } from "./named-types.ts";

/** Reads that end when the test says so: with no types, or with an error. */
function open() {
	const calls: { project: string; names: readonly string[]; end: (error?: Error) => void }[] = [];
	const types = new NamedTypes((project, names) => {
		const { promise, resolve, reject } = Promise.withResolvers<null[]>();
		const end = (error?: Error) => (error === undefined ? resolve(names.map(() => null)) : reject(error));
		calls.push({ project, names, end });
		return promise;
	});
	return { types, calls };
}

/** What is due now, without I/O. */
const settled = () => new Promise(setImmediate);

it("reads a batch of names with few calls, one after the other, and projects side by side", async () => {
	const { types, calls } = open();
	const read = Array.from({ length: 150 }, (_, n) => types.read("p", `t${n}`));
	const other = types.read("q", "t");
	await settled();
	expect(calls.map(({ project, names }) => [project, names.length])).toEqual([
		["p", 64],
		["q", 1],
	]);
	for (const at of [0, 1, 2, 3]) {
		calls[at]?.end();
		await settled();
	}
	expect(calls.map(({ names }) => names.length)).toEqual([64, 1, 64, 22]);
	expect(await Promise.all([other, ...read])).toEqual(Array(151).fill(null));
});

it("reads a name anew that is asked for while it is read, since it may have changed", async () => {
	const { types, calls } = open();
	const first = types.read("p", "t");
	await settled();
	const second = types.read("p", "t");
	calls[0]?.end();
	await first;
	await settled();
	expect(calls).toHaveLength(2);
	calls[1]?.end();
	await second;
});

it("goes on after a call that has failed, which only those notice whose names it had", async () => {
	const { types, calls } = open();
	const failed = types.read("p", "a").catch((error: unknown) => error);
	await settled();
	const next = types.read("p", "b");
	calls[0]?.end(new Error("busy"));
	expect(await failed).toEqual(new Error("busy"));
	await settled();
	calls[1]?.end();
	expect(await next).toBeNull();
	const later = types.read("p", "a");
	await settled();
	calls[2]?.end();
	expect(await later).toBeNull();
});
