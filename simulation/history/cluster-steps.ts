// The steps that only several engines can take: they join, leave, die, stand still, lose their store, and tell each other less.
import fc from "fast-check";

import type { WireMode } from "../cluster/wire-mode.ts";

export type ClusterAction =
	/** Another engine starts, if there is room for one. */
	| { readonly do: "join" }
	/** An engine leaves as planned. */
	| { readonly do: "leave"; readonly graceMs: number }
	/** An engine dies, and nobody starts it again. */
	| { readonly do: "kill" }
	/** An engine stands still for a while, and goes on. */
	| { readonly do: "freeze"; readonly ms: number }
	/** An engine can't reach the store for a while. */
	| { readonly do: "cut"; readonly ms: number }
	/** An engine can't read what others have changed for a while, though it renews its tenure. */
	| { readonly do: "blind"; readonly ms: number }
	/** Two engines swap some of their shards, as planned. */
	| { readonly do: "swap"; readonly count: number }
	/**
	 * More is sent to a webhook than its rate limit lets through at once, and after this time, its shard moves as planned. Histories do not
	 * choose it: each one of several engines ends with it.
	 */
	| { readonly do: "rush"; readonly webhook: number; readonly ms: number }
	/**
	 * More is sent to a webhook than its rate limit lets through at once, and what waits is cancelled, the earliest first, in turn at each engine and so
	 * far apart. Histories do not choose it: each one of several engines ends with it.
	 */
	| { readonly do: "rush and cancel"; readonly webhook: number; readonly everyMs: number }
	/** From now on, messages come so. */
	| { readonly do: "wire"; readonly mode: WireMode };

/** Around the times after which a tenure is stalled (0.8 s), is over (2.3 s) and may be taken (3 s), and far beyond. */
const awayMs = fc.constantFrom(300, 900, 1_500, 2_200, 2_600, 3_500, 5_000, 20_000, 150_000);

/** Around the times after which such an engine begins no attempt (4 s), nobody waits for it (5 s), and it leaves its shards to others (14 s). */
const blindMs = fc.constantFrom(300, 3_500, 4_200, 4_800, 5_500, 9_000, 13_000, 15_000, 20_000, 100_000);

export const clusterSteps = [
	{ weight: 6, arbitrary: fc.record({ do: fc.constant("join" as const) }) },
	{
		weight: 2,
		arbitrary: fc.record({ do: fc.constant("leave" as const), graceMs: fc.constantFrom(0, 1_000, 30_000) }),
	},
	{ weight: 2, arbitrary: fc.record({ do: fc.constant("kill" as const) }) },
	{ weight: 4, arbitrary: fc.record({ do: fc.constant("freeze" as const), ms: awayMs }) },
	{ weight: 3, arbitrary: fc.record({ do: fc.constant("cut" as const), ms: awayMs }) },
	{ weight: 3, arbitrary: fc.record({ do: fc.constant("blind" as const), ms: blindMs }) },
	{ weight: 6, arbitrary: fc.record({ do: fc.constant("swap" as const), count: fc.constantFrom(20, 60, 128) }) },
	{
		weight: 3,
		arbitrary: fc.record({
			do: fc.constant("wire" as const),
			mode: fc.constantFrom<WireMode>(
				{ late: 0, twice: 0, lost: 0 },
				{ late: 0.5, twice: 0, lost: 0 },
				{ late: 0.3, twice: 0.3, lost: 0.3 },
				{ late: 0, twice: 0, lost: 1 },
			),
		}),
	},
] as const;
