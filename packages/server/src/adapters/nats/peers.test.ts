// What a member knows of the others on NATS, by numbers alone.
import { expect, it } from "vitest";

import { Peers } from "./peers.ts";

it("numbers hints to a member that it had forgotten on from the last one, since that member may remember it", () => {
	const [a, b] = [new Peers("a"), new Peers("b")];
	const hint = (now: number) => b.got("a", a.nextTo("b", now), now);
	a.heard({ from: "b", number: 1, sent: {} }, 0);
	expect([hint(0), hint(0), hint(0)]).toEqual(["next", "next", "next"]);
	// For a minute, nothing of b has come to a, and what b hears of a has gone on.
	b.heard({ from: "a", number: 1, sent: { b: 3 } }, 60_000);
	expect([a.look(60_001), b.look(60_001)]).toEqual([false, false]);
	a.heard({ from: "b", number: 2, sent: {} }, 60_500);
	expect(hint(60_500)).toBe("next");
});
