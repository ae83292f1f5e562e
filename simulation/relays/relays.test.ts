// Some histories of relays, and that a seed repeats exactly.
import { expect, it } from "vitest";

import { runRelays } from "./run-relays.ts";

const SEEDS = 25;

it(`keeps every promise in ${SEEDS} histories of relays`, { timeout: 180_000 }, async () => {
	let requests = 0;
	for (let seed = 1; seed <= SEEDS; seed++) {
		const result = await runRelays(seed, null);
		expect({ seed, breaches: result.breaches }).toEqual({ seed, breaches: [] });
		requests += result.requests;
	}
	// Otherwise nothing was shown.
	expect(requests).toBeGreaterThan(SEEDS * 20);
});

it("repeats a seed exactly", { timeout: 60_000 }, async () => {
	expect(await runRelays(3, null)).toEqual(await runRelays(3, null));
});
