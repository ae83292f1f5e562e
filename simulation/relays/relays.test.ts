// Some histories of relays, and that a seed repeats exactly.
import { runs } from "@fanfare/testkit/runs";
import { expect, it } from "vitest";

import { runRelays } from "./run-relays.ts";

const SEEDS = runs(8);

it.each([1, 2])(`keeps every promise in ${SEEDS} histories of relays on %i engines`, async (engines) => {
	let requests = 0;
	for (let seed = 1; seed <= SEEDS; seed++) {
		const result = await runRelays(seed, engines, null);
		expect({ seed, breaches: result.breaches }).toEqual({ seed, breaches: [] });
		requests += result.requests;
	}
	// Otherwise nothing was shown.
	expect(requests).toBeGreaterThan(SEEDS * 20);
});

it("repeats a seed exactly", async () => {
	for (const engines of [1, 2]) expect(await runRelays(3, engines, null)).toEqual(await runRelays(3, engines, null));
});
