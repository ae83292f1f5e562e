// Calls of several owners: whose turn it is, who is refused, and in which order they begin.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../manual-clock.ts";
import { Turns, type Place } from "./turns.ts";

class Refusal extends Error {}

/** Calls that end when the test says so. */
function openTurns(most: number, mostOfOne = 1) {
	const clock = new ManualClock();
	const turns = new Turns({ most, mostOfOne, maxWaitMs: 1_000, clock, refusal: (message) => new Refusal(message) });
	const begun: string[] = [];
	const ends = new Map<string, () => void>();
	const call = (owner: string, title: string, mostWaiting = 10, place: Partial<Place> = {}) =>
		turns.run(owner, { mostWaiting, ...place }, async () => {
			begun.push(title);
			await new Promise<void>((resolve) => ends.set(title, resolve));
			return title;
		});
	/** Ends a call. Resolves when the next one has begun. */
	const end = async (title: string) => {
		ends.get(title)?.();
		await new Promise(setImmediate);
	};
	return { turns, clock, begun, call, end };
}

describe("turns", () => {
	it("go from owner to owner, each of which has one call under way", async () => {
		const { begun, call, end } = openTurns(2);
		const calls = ["a1", "a2", "a3", "b1", "c1", "b2"].map((title) => call(title.slice(0, 1), title));
		expect(begun).toEqual(["a1", "b1"]);
		for (const title of ["a1", "a2", "b1", "c1", "b2", "a3"]) await end(title);
		expect(begun).toEqual(["a1", "b1", "a2", "c1", "b2", "a3"]);
		expect(await Promise.all(calls)).toHaveLength(6);
	});

	it("go on after a call that has failed", async () => {
		const { turns } = openTurns(1);
		const failed = turns.run("a", { mostWaiting: 1 }, () => Promise.reject(new Error("it broke")));
		const next = turns.run("a", { mostWaiting: 1 }, () => Promise.resolve("next"));
		await expect(failed).rejects.toThrow("it broke");
		expect(await next).toBe("next");
	});

	it("are refused to an owner of whose calls too many wait, and not to others", async () => {
		const { begun, call } = openTurns(2);
		for (let n = 0; n < 4; n++) void call("a", `a${n}`, 3);
		await expect(call("a", "more", 3)).rejects.toThrow("3 calls of this project wait already");
		void call("a", "more important", 6);
		void call("b", "b1", 3);
		expect(begun).toEqual(["a0", "b1"]);
	});

	it("are refused to calls that have waited for too long, while the one before them hangs, and leave no trace", async () => {
		const { clock, begun, call, end } = openTurns(1);
		const first = call("a", "a1");
		const late = ["a2", "a3"].map((title) => call("a", title, 2).catch((error: unknown) => error));
		clock.advance(999);
		const other = call("b", "b1");
		clock.advance(1);
		for (const refused of late)
			expect(await refused).toEqual(
				new Refusal("earlier calls of this project take too long: try again a little later"),
			);
		// The places of those that were refused are free.
		const after = call("a", "a4", 1);
		await end("a1");
		await end("b1");
		await end("a4");
		expect([await first, await other, await after, begun]).toEqual(["a1", "b1", "a4", ["a1", "b1", "a4"]]);
	});

	it("go to an owner's urgent calls first", async () => {
		const { begun, call, end } = openTurns(1);
		const calls = [call("a", "a1"), call("a", "list"), call("a", "row", 10, { isUrgent: true })];
		for (const title of ["a1", "row", "list"]) await end(title);
		expect(begun).toEqual(["a1", "row", "list"]);
		await Promise.all(calls);
	});

	it("are several of one owner while a place is left to others, who come first when one is free", async () => {
		const { begun, call, end } = openTurns(3, 2);
		const calls = ["a1", "a2", "a3", "b1", "b2", "c1"].map((title) => call(title.slice(0, 1), title));
		expect(begun).toEqual(["a1", "a2", "b1"]);
		await end("a1");
		expect(begun).toEqual(["a1", "a2", "b1", "c1"]);
		for (const title of ["b1", "c1", "a2", "a3", "b2"]) await end(title);
		expect(begun.slice(4).toSorted()).toEqual(["a3", "b2"]);
		await Promise.all(calls);
	});

	it("go from part to part of an owner, and one part has three quarters of the places to wait that the others leave", async () => {
		const { begun, call, end } = openTurns(1);
		const first = call("a", "a0");
		const parted = (title: string) => call("a", title, 8, { part: title.slice(0, 1) });
		const calls = ["x1", "x2", "x3", "x4", "x5", "x6"].map(parted);
		await expect(parted("x7")).rejects.toThrow("6 calls of this project wait already");
		calls.push(parted("y1"));
		await expect(parted("x7")).rejects.toThrow("7 calls of this project wait already");
		calls.push(parted("z1"));
		await expect(parted("w1")).rejects.toThrow("8 calls of this project wait already");
		const order = ["a0", "x1", "y1", "z1", "x2", "x3", "x4", "x5", "x6"];
		for (const title of order) await end(title);
		expect(begun).toEqual(order);
		await Promise.all([first, ...calls]);
	});

	it("go from part to part among urgent calls, too, which use the places of their part", async () => {
		const { begun, call, end } = openTurns(1);
		const first = call("a", "a0");
		const urgent = (title: string) => call("a", title, 8, { part: title.slice(0, 1), isUrgent: true });
		const calls = [call("a", "x0", 8, { part: "x" }), ...["x1", "x2", "x3", "x4", "x5"].map(urgent)];
		await expect(urgent("x6")).rejects.toThrow("6 calls of this project wait already");
		calls.push(urgent("y1"));
		const order = ["a0", "x1", "y1", "x2", "x3", "x4", "x5", "x0"];
		for (const title of order) await end(title);
		expect(begun).toEqual(order);
		await Promise.all([first, ...calls]);
	});

	it("begin in the order of an owner's calls, also of one that comes just when another's turn has come", async () => {
		const { begun, call, end } = openTurns(3, 2);
		const calls = ["a1", "a2", "a3", "a4"].map((title) => call("a", title));
		// In the turn of the loop in which the first two end, before their callers know it.
		calls[0]?.then(() => calls.push(call("a", "a5"), call("a", "a6"))).catch(() => {});
		void end("a1");
		await end("a2");
		for (const title of ["a3", "a4", "a5", "a6"]) await end(title);
		expect(begun).toEqual(["a1", "a2", "a3", "a4", "a5", "a6"]);
		await Promise.all(calls);
	});

	it("are waited for without end by patient calls, and are over when none is under way", async () => {
		const { turns, clock, begun, call, end } = openTurns(1);
		await turns.idle();
		const calls = [call("a", "a1"), call("a", "a2", Infinity, { isPatient: true })];
		let isIdle = false;
		const idle = turns.idle().then(() => (isIdle = true));
		clock.advance(1_000_000);
		await end("a1");
		expect([begun, isIdle]).toEqual([["a1", "a2"], false]);
		await end("a2");
		await idle;
		await Promise.all(calls);
	});
});
