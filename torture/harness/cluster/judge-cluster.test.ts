import { describe, expect, it } from "vitest";

import { mostAtOnce, overlaps, strangeOwners, tooSoon } from "./judge-cluster.ts";

describe("the owners of a shard", () => {
	const change = (owner: string | null, epoch: number) => ({ shard: 7, owner, epoch, at: 0 });

	it("are right if each has given it up before the next one takes it", () => {
		expect(overlaps([change(null, 0), change("a", 1), change(null, 1), change("b", 2), change(null, 2)])).toEqual([]);
	});

	it.each([
		["took it from an owner", [change("a", 1), change("b", 2)]],
		["took it under the epoch of the owner before", [change(null, 1), change("b", 1)]],
		["left out an epoch", [change(null, 1), change("b", 3)]],
		["changed its epoch", [change("a", 1), change("a", 2)]],
		["gave it up with another epoch", [change("a", 1), change(null, 2)]],
	])("are wrong if one %s", (_, changes) => {
		expect(overlaps(changes)).toHaveLength(1);
	});
});

it("only a process that delivers may own a shard", () => {
	const byId = new Map(
		(["all", "api", "worker"] as const).map((role) => [role, { name: `process (${role})`, role }] as const),
	);
	const to = (owner: string | null) => ({ shard: 7, owner, epoch: 1, at: 0 });
	expect(strangeOwners([to("all"), to("worker"), to(null), to("unknown")], byId)).toEqual([]);
	expect(strangeOwners([to("api")], byId)).toEqual([expect.stringContaining("process (api), which delivers nothing")]);
});

describe("the limits of a webhook", () => {
	const every = (ms: number, count: number, from = 0) =>
		Array.from({ length: count }, (_, n) => ({ at: from + n * ms }));

	it("allow a burst and then the rate, and no second burst", () => {
		const first = [...every(0, 10), ...every(100, 30, 100)];
		expect(tooSoon(first, 10)).toEqual([]);
		const second = [...first, ...every(0, 10, 3_100), ...every(100, 10, 3_200)];
		expect(tooSoon(second, 10)).toHaveLength(1);
	});

	it("count what receivers are busy with at once", () => {
		const busy = (at: number, busyMs: number) => ({ at, busyMs });
		expect(mostAtOnce([busy(0, 100), busy(50, 100), busy(100, 10), busy(150, 10)])).toBe(2);
		expect(mostAtOnce([busy(0, 100), busy(50, 100), busy(99, 10)])).toBe(3);
	});
});
