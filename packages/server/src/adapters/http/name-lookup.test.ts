// NameLookup: sharing, queueing and reusing look-ups.
import type { LookupAddress } from "node:dns";

import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { NameLookup, type Asking } from "./name-lookup.ts";

const ADDRESS: LookupAddress = { address: "203.0.113.7", family: 4 };

/** A NameLookup whose resolver answers when the test says so, with a clock that the test moves. */
function startLookup(threads = 12) {
	const asked: string[] = [];
	const open = new Map<string, PromiseWithResolvers<LookupAddress[]>>();
	const clock = new ManualClock();
	const lookup = new NameLookup(
		clock,
		(hostname) => {
			asked.push(hostname);
			const answer = Promise.withResolvers<LookupAddress[]>();
			open.set(hostname, answer);
			return answer.promise;
		},
		threads,
	);
	const resolve = (hostname: string, projectId = "proj_a", asking: Asking = {}) =>
		lookup.resolve({ projectId, customerId: null }, hostname, asking);
	return {
		asked,
		resolve,
		/** Asks for a name, and has the resolver answer if it is asked. */
		know: (hostname: string, projectId?: string) => {
			const found = resolve(hostname, projectId);
			open.get(hostname)?.resolve([ADDRESS]);
			return found;
		},
		resolveFor: (customerId: string | null, hostname: string) =>
			lookup.resolve({ projectId: "proj_a", customerId }, hostname),
		wait: (ms: number) => clock.advance(ms),
		answer: (hostname: string, addresses = [ADDRESS]) => open.get(hostname)?.resolve(addresses),
		fail: (hostname: string, code: string) => open.get(hostname)?.reject(Object.assign(new Error("no"), { code })),
	};
}

describe("looking up names", () => {
	it("looks a name up once for concurrent callers and for callers soon after", async () => {
		const names = startLookup();
		const both = [names.resolve("a.test"), names.resolve("a.test")];
		names.answer("a.test");
		expect(await Promise.all(both)).toEqual([[ADDRESS], [ADDRESS]]);
		names.wait(4_999);
		expect(await names.resolve("a.test")).toEqual([ADDRESS]);
		expect(names.asked).toEqual(["a.test"]);
	});

	it("looks a name up again after 5 s, and after 1 s if the look-up failed", async () => {
		const names = startLookup();
		const first = names.resolve("a.test");
		names.fail("a.test", "EAI_AGAIN");
		await expect(first).rejects.toMatchObject({ code: "dns" });
		names.wait(1_001);
		const second = names.resolve("a.test");
		names.answer("a.test");
		await second;
		names.wait(5_001);
		void names.resolve("a.test");
		expect(names.asked).toHaveLength(3);
	});

	it("says why a name has no address", async () => {
		const names = startLookup();
		const missing = names.resolve("missing.test");
		names.fail("missing.test", "ENOTFOUND");
		await expect(missing).rejects.toThrow("no address found for missing.test: the name does not exist (ENOTFOUND)");
		const empty = names.resolve("empty.test");
		names.answer("empty.test", []);
		await expect(empty).rejects.toMatchObject({ code: "dns", message: "no address found for empty.test: it has none" });
	});

	it("runs as many look-ups at once as libuv has threads for them, half of its pool, and half of those for one project", () => {
		for (const [threads, ofOne, ofAll] of [
			[4, 1, 2],
			[5, 2, 3],
			[32, 8, 12],
		] as const) {
			const names = startLookup(threads);
			for (let n = 0; n < 20; n += 1) void names.resolve(`${n}.test`);
			expect(names.asked).toHaveLength(ofOne);
			for (let n = 0; n < 20; n += 1) void names.resolve("a.test", `proj_${n}`);
			expect(names.asked).toHaveLength(ofAll);
		}
	});

	it("keeps the last quarter for names that are known", async () => {
		const names = startLookup(32);
		await names.know("known.test", "proj_quiet");
		names.wait(5_001);
		for (let n = 0; n < 20; n += 1) void names.resolve(`${n}.test`, `proj_${n}`);
		expect(names.asked).toHaveLength(1 + 12);
		void names.resolve("known.test", "proj_quiet");
		expect(names.asked.at(-1)).toBe("known.test");
	});

	it("serves projects that wait in turns, however many names one of them has", async () => {
		const names = startLookup(4);
		const first = names.resolve("a0.test", "proj_a");
		const other = names.resolve("b0.test", "proj_b");
		for (let n = 1; n <= 5; n += 1) void names.resolve(`a${n}.test`, "proj_a");
		void names.resolve("b1.test", "proj_b");
		void names.resolve("c1.test", "proj_c");
		names.answer("a0.test");
		await first;
		await expect.poll(() => names.asked.length).toBe(3);
		names.answer("b0.test");
		await other;
		await expect.poll(() => names.asked.length).toBe(4);
		expect(names.asked.slice(2).toSorted((a, b) => a.localeCompare(b))).toEqual(["a1.test", "b1.test"]);
		names.answer("a1.test");
		await expect.poll(() => names.asked.at(-1)).toBe("c1.test");
	});

	it("lets a project look up a quarter of names that it does not know, while one of its look-ups is slow", async () => {
		const names = startLookup(32);
		const sent = Array.from({ length: 20 }, (_, n) => names.resolve(`${n}.test`));
		names.wait(1_000);
		for (let n = 0; n < 5; n += 1) names.answer(`${n}.test`);
		await Promise.all(sent.slice(0, 5));
		// Three are still running, so that one more may.
		await expect.poll(() => names.asked.length).toBe(9);
		names.answer("5.test");
		await expect.poll(() => names.asked.length).toBe(10);
	});

	it("lets a customer look up half of what its project may, also while its name servers are silent", () => {
		const names = startLookup(32);
		for (let n = 0; n < 20; n += 1) void names.resolveFor("acme", `acme-${n}.test`);
		expect(names.asked).toHaveLength(4);
		names.wait(1_000);
		for (let n = 0; n < 5; n += 1) void names.resolveFor("globex", `globex-${n}.test`);
		void names.resolveFor(null, "own.test");
		expect(names.asked.slice(4)).toEqual(["globex-0.test", "globex-1.test"]);
	});

	it("serves the customers of a project in turns", async () => {
		const names = startLookup(32);
		const first = Array.from({ length: 20 }, (_, n) => names.resolveFor("acme", `acme-${n}.test`));
		for (let n = 0; n < 4; n += 1) void names.resolveFor("globex", `globex-${n}.test`);
		for (let n = 0; n < 4; n += 1) void names.resolveFor(null, `own-${n}.test`);
		expect(names.asked).toHaveLength(8);
		for (let n = 0; n < 4; n += 1) names.answer(`acme-${n}.test`);
		await Promise.all(first.slice(0, 4));
		await expect.poll(() => names.asked.length).toBe(12);
		const begun = names.asked.slice(8).map((name) => name.split("-")[0]);
		expect(begun.filter((owner) => owner === "acme")).toHaveLength(2);
		expect(begun.filter((owner) => owner === "own")).toHaveLength(2);
	});

	it("makes nobody wait in the line of another customer for a name that both have asked for", () => {
		const names = startLookup(32);
		for (let n = 0; n < 20; n += 1) void names.resolveFor("acme", `acme-${n}.test`);
		void names.resolveFor("acme", "both.test");
		void names.resolveFor("globex", "both.test");
		expect(names.asked.at(-1)).toBe("both.test");
		expect(names.asked).toHaveLength(5);
	});

	it("looks a name up for each project apart", async () => {
		const names = startLookup();
		await names.know("a.test", "proj_a");
		void names.resolve("a.test", "proj_b");
		expect(names.asked).toEqual(["a.test", "a.test"]);
	});

	it("says when a look-up begins, or that none is needed", async () => {
		const names = startLookup(4);
		const turns: string[] = [];
		const ask = (name: string) => names.resolve(name, "proj_a", { onTurn: () => turns.push(name) });
		const first = ask("a.test");
		const second = ask("b.test");
		void ask("a.test");
		expect(turns).toEqual(["a.test", "a.test"]);
		names.answer("a.test");
		await first;
		await expect.poll(() => turns).toEqual(["a.test", "a.test", "b.test"]);
		names.answer("b.test");
		await second;
		await ask("b.test");
		expect(turns).toHaveLength(4);
	});

	it("does not make a look-up for which nobody waits any more", async () => {
		const names = startLookup(4);
		const turns: string[] = [];
		const first = names.resolve("a.test");
		const gone = new AbortController();
		for (const hostname of ["b.test", "c.test", "c.test"]) {
			void names.resolve(hostname, "proj_a", { signal: gone.signal, onTurn: () => turns.push(hostname) });
		}
		void names.resolve("c.test", "proj_a", { onTurn: () => turns.push("c.test") });
		gone.abort();
		names.answer("a.test");
		await first;
		await expect.poll(() => names.asked).toEqual(["a.test", "c.test"]);
		expect(turns).toEqual(["c.test"]);
	});

	it("remembers 1,000 names of a project, those that were used last", async () => {
		const names = startLookup();
		const look = (n: number, projectId: string) => names.know(`${n}.test`, projectId);
		for (let n = 0; n < 1_000; n += 1) await look(n, "proj_a");
		await look(0, "proj_b");
		await look(0, "proj_a");
		await look(1_000, "proj_a");
		names.asked.length = 0;
		for (const n of [0, 2, 1]) await look(n, "proj_a");
		await look(0, "proj_b");
		expect(names.asked).toEqual(["1.test"]);
	});

	it("remembers 10,000 names in all: the project that has used none for longest loses its oldest first", async () => {
		const names = startLookup();
		const look = (n: number, projectId: string) => names.know(`${n}.test`, projectId);
		await look(0, "proj_small");
		for (let project = 0; project < 10; project += 1) {
			for (let n = 0; n < 999; n += 1) await look(n, `proj_${project}`);
		}
		for (let n = 0; n < 9; n += 1) await look(n, "proj_last");
		// That makes 10,000. It is a use of this name.
		await look(0, "proj_small");
		names.asked.length = 0;
		for (const n of [0, 1, 998]) await look(n, "proj_0");
		expect(names.asked).toEqual([]);
		for (const n of [9, 10]) await look(n, "proj_last");
		names.asked.length = 0;
		// Those that were used least recently of the project that was, which is not the one with the last names.
		for (const n of [2, 3, 998]) await look(n, "proj_1");
		await look(0, "proj_small");
		for (const n of [0, 10]) await look(n, "proj_last");
		expect(names.asked).toEqual([]);
		for (const n of [0, 1]) await look(n, "proj_1");
		expect(names.asked).toEqual(["0.test", "1.test"]);
	});

	it("starts the next look-up when one has ended", async () => {
		const names = startLookup();
		for (const name of ["a", "b", "c", "d"]) void names.resolve(name);
		expect(names.asked).toEqual(["a", "b", "c"]);
		names.answer("b");
		await names.resolve("b");
		await expect.poll(() => names.asked).toEqual(["a", "b", "c", "d"]);
	});

	it("lets names that were slow wait for each other, and no other name wait for them", async () => {
		const names = startLookup();
		const slow = ["slow-1", "slow-2", "slow-3"];
		const slowResults = slow.map((name) => names.resolve(name));
		names.wait(10_000);
		for (const name of slow) names.answer(name);
		await Promise.all(slowResults);
		names.wait(5_001);
		const again = slow.map((name) => names.resolve(name));
		for (const name of ["fast-1", "fast-2", "fast-3"]) void names.resolve(name);
		expect(names.asked.slice(3)).toEqual(["slow-1", "fast-1", "fast-2"]);
		names.answer("slow-1");
		await again[0];
		await expect.poll(() => names.asked.slice(6)).toEqual(["slow-2"]);
	});

	it("returns the previous addresses while the look-up waits for other names, and the new ones once it has ended", async () => {
		const names = startLookup();
		await names.know("a.test");
		names.wait(5_001);
		const others = ["b", "c", "d"].map((name) => names.resolve(name));
		const impatient = [names.resolve("a.test"), names.resolve("a.test")];
		names.wait(500);
		expect(await Promise.all(impatient)).toEqual([[ADDRESS], [ADDRESS]]);
		expect(names.asked).toEqual(["a.test", "b", "c", "d"]);
		for (const name of ["b", "c", "d"]) names.answer(name);
		await Promise.all(others);
		await expect.poll(() => names.asked.at(-1)).toBe("a.test");
		const other = { ...ADDRESS, address: "203.0.113.8" };
		names.answer("a.test", [other]);
		expect(await names.resolve("a.test")).toEqual([other]);
	});

	it.each([
		["after a look-up that no name server answered", "EAI_AGAIN", 1_001, [ADDRESS]],
		["but not once the name does not exist", "ENOTFOUND", 1_001, "waits"],
		["but not after ten minutes", "EAI_AGAIN", 600_000, "waits"],
	])("returns the previous addresses %s", async (_when, code, waitMs, expected) => {
		const names = startLookup();
		await names.know("a.test");
		names.wait(5_001);
		const second = names.resolve("a.test");
		names.fail("a.test", code);
		await expect(second).rejects.toMatchObject({ code: "dns" });
		names.wait(waitMs);
		const third = names.resolve("a.test");
		names.wait(60_000);
		const waited = new Promise((resolve) => setImmediate(resolve, "waits"));
		expect(await Promise.race([third, waited])).toEqual(expected);
	});

	it("forgets that a name was slow once it is fast", async () => {
		const names = startLookup();
		for (const durationMs of [2_000, 10]) {
			const both = [names.resolve("a"), names.resolve("b")];
			names.wait(durationMs);
			names.answer("a");
			await both[0];
			await expect.poll(() => names.asked.at(-1)).toBe("b");
			names.answer("b");
			await both[1];
			// A slow name's previous addresses are returned before its look-up has ended.
			await new Promise((resolve) => setImmediate(resolve));
			names.wait(5_001);
		}
		names.asked.length = 0;
		void names.resolve("a");
		void names.resolve("b");
		expect(names.asked).toEqual(["a", "b"]);
	});
});
