// A cache that projects share: who loses an entry when it is full.
import { expect, it } from "vitest";

import { SharedLru } from "./shared-lru.ts";

/** The keys of a project that are kept, of those that are asked for. */
function kept(cache: SharedLru<string>, project: string, keys: string): string {
	return keys
		.split("")
		.filter((key) => cache.peek(project, key) !== undefined)
		.join("");
}

function fill(cache: SharedLru<string>, project: string, keys: string, size = 1): void {
	for (const key of keys) cache.set(project, key, key, size);
}

it("takes the entry that was used least recently from the project that has most", () => {
	const cache = new SharedLru<string>({ maxEntries: 6, maxSize: 100 });
	fill(cache, "a", "12345");
	fill(cache, "b", "1");
	cache.get("a", "1");
	fill(cache, "b", "2");
	expect([kept(cache, "a", "12345"), kept(cache, "b", "12")]).toEqual(["1345", "12"]);
	fill(cache, "b", "3456");
	expect([kept(cache, "a", "12345"), kept(cache, "b", "123456")]).toEqual(["145", "456"]);
	fill(cache, "c", "1");
	expect(kept(cache, "c", "1")).toBe("1");
	expect(kept(cache, "a", "12345").length + kept(cache, "b", "123456").length).toBe(5);
});

it("counts sizes in the same way, and does not keep what is larger than everything", () => {
	const cache = new SharedLru<string>({ maxEntries: 100, maxSize: 10 });
	fill(cache, "a", "1", 2);
	fill(cache, "b", "1234", 3);
	expect([kept(cache, "a", "1"), kept(cache, "b", "1234")]).toEqual(["1", "34"]);
	fill(cache, "a", "1", 11);
	expect([kept(cache, "a", "1"), kept(cache, "b", "1234")]).toEqual(["", "34"]);
	fill(cache, "a", "1", 4);
	expect([kept(cache, "a", "1"), kept(cache, "b", "1234")]).toEqual(["1", "34"]);
});

it("forgets an entry or a project, whose places are free then", () => {
	const cache = new SharedLru<string>({ maxEntries: 4, maxSize: 100 });
	fill(cache, "a", "12");
	fill(cache, "b", "12");
	cache.delete("a", "1");
	cache.delete("none", "1");
	fill(cache, "b", "3");
	expect([kept(cache, "a", "12"), kept(cache, "b", "123")]).toEqual(["2", "123"]);
	cache.deleteProject("b");
	fill(cache, "c", "123");
	expect([kept(cache, "a", "12"), kept(cache, "b", "123"), kept(cache, "c", "123")]).toEqual(["2", "", "123"]);
});

it("lets a project that asks for much keep it beside one that has most and asks for nothing any more", () => {
	const cache = new SharedLru<string>({ maxEntries: Infinity, maxSize: 1_000 });
	const keys = Array.from({ length: 50 }, (_, n) => `k${n}`);
	for (let n = 0; n < 1_000; n++) cache.set("idle", `k${n}`, "v", 1);
	for (let n = 0; n < 18; n++) cache.set(`small ${n}`, "k", "v", 1);
	// More than the mean of all projects.
	for (const key of keys) cache.set("busy", key, "v", 2);
	expect(keys.filter((key) => cache.get("busy", key) !== undefined)).toEqual(keys);
	expect(cache.peek("small 0", "k")).toBe("v");
	expect([cache.peek("idle", "k117"), cache.peek("idle", "k118")]).toEqual([undefined, "v"]);
});

it("keeps what was just set, also the only entry of a project that has most by it", () => {
	const cache = new SharedLru<string>({ maxEntries: Infinity, maxSize: 100 });
	for (let n = 0; n < 100; n++) cache.set(`small ${n}`, "k", "v", 1);
	for (const size of [60, 100, 1]) {
		cache.set("large", "k", "v", size);
		expect(cache.get("large", "k")).toBe("v");
	}
	cache.set("large", "other", "v", 99);
	expect([cache.get("large", "k"), cache.get("large", "other")]).toEqual(["v", "v"]);
});
