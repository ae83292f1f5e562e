// How many exports run at once, and who gets a place.
import { describe, expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../core/access/principal.ts";
import { ManualClock } from "../../../core/manual-clock.ts";
import { EXPORT_LIMITS, ExportPlaces } from "./export-places.ts";

const P = projectScope("p");
const REFUSED = expect.objectContaining({ code: "too_many_exports", retryAfterMs: 5_000 });

function places() {
	const clock = new ManualClock();
	const all = new ExportPlaces(clock);
	const ended: string[] = [];
	const take = (scope: Scope | null, name = "") => all.take(scope, () => ended.push(name));
	return { clock, all, ended, take };
}

describe("places for exports", () => {
	it("are two for a project, one for each of its customers and eight for all of them, and these don't count together", () => {
		const { take, all } = places();
		for (let n = 0; n < EXPORT_LIMITS.project; n++) take(P);
		expect(() => take(P)).toThrow(REFUSED);
		for (let n = 0; n < EXPORT_LIMITS.customers; n++) take(customerScope("p", `c${n}`));
		expect(() => take(customerScope("p", "c0"))).toThrow(REFUSED);
		expect(() => take(customerScope("p", "another"))).toThrow(REFUSED);
		take(projectScope("q"));
		take(customerScope("q", "c0"));
		expect(all.size).toBe(EXPORT_LIMITS.project + EXPORT_LIMITS.customers + 2);
	});

	it("of the workspace are two, which don't count as those of a project", () => {
		const { take, all } = places();
		for (let n = 0; n < EXPORT_LIMITS.project; n++) take(P);
		const [one] = Array.from({ length: EXPORT_LIMITS.workspace }, () => take(null));
		expect(() => take(null)).toThrow(REFUSED);
		one?.release();
		take(null);
		take(projectScope("q"));
		expect(() => take(P)).toThrow(REFUSED);
		expect(all.size).toBe(EXPORT_LIMITS.project + EXPORT_LIMITS.workspace + 1);
	});

	it("are bounded for all projects together", () => {
		const { take, all } = places();
		for (let n = 0; n < EXPORT_LIMITS.all; n++) take(projectScope(`p${n}`));
		expect(() => take(P)).toThrow(REFUSED);
		expect(all.size).toBe(EXPORT_LIMITS.all);
	});

	it("are free again once they are given back, also twice", () => {
		const { take, all } = places();
		const [one] = [take(P), take(P)];
		one.release();
		one.release();
		take(P);
		expect(() => take(P)).toThrow(REFUSED);
		expect(all.size).toBe(2);
	});

	it("are given up by the export whose client has read nothing for longest, ten seconds at least", () => {
		const { clock, take, ended } = places();
		const [first, second] = [take(P, "first"), take(P, "second")];
		second.waits(true);
		clock.advance(1_000);
		first.waits(true);
		clock.advance(8_999);
		expect(() => take(P)).toThrow(REFUSED);
		clock.advance(1);
		take(P, "third");
		expect(ended).toEqual(["second"]);
		first.waits(false);
		clock.advance(60_000);
		expect(() => take(P)).toThrow(REFUSED);
	});

	it("read one after the other in a project, also after a failure, and beside those of other projects", async () => {
		const { take, all } = places();
		const [one, two, other, ofWorkspace] = [take(P), take(P), take(projectScope("q")), take(null)];
		const { promise, reject } = Promise.withResolvers<never>();
		const order: string[] = [];
		const first = one.read(() => promise);
		const second = two.read(async () => order.push("second"));
		await other.read(async () => order.push("other"));
		await ofWorkspace.read(async () => order.push("workspace"));
		reject(new Error("refused"));
		await expect(first).rejects.toThrow("refused");
		await second;
		expect(order).toEqual(["other", "workspace", "second"]);
		expect(all.size).toBe(4);
	});
});
