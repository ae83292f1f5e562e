// The steps that plan faults of the store.
import fc from "fast-check";

import type { Fault } from "../world/faults.ts";

const fault: fc.Arbitrary<Fault> = fc.oneof(
	fc.record({
		kind: fc.constant("failing" as const),
		code: fc.constantFrom("store_unavailable" as const, "store_full" as const),
		after: fc.nat({ max: 12 }),
		count: fc.constantFrom(1, 1, 2, 8),
	}),
	fc.record({
		kind: fc.constant("dying" as const),
		executed: fc.boolean(),
		after: fc.nat({ max: 20 }),
		only: fc.constantFrom("commit" as const, "any" as const),
	}),
	fc.record({
		kind: fc.constant("slow" as const),
		ms: fc.constantFrom(50, 1_000, 20_000),
		count: fc.constantFrom(1, 3),
	}),
);

/** Any store can have these. */
export const FAULT = { weight: 4, arbitrary: fc.record({ do: fc.constant("fault" as const), fault }) } as const;

/** Answers that do not say what has become of a call come only from a database. */
export const DOUBT = {
	weight: 3,
	arbitrary: fc.record({
		do: fc.constant("fault" as const),
		fault: fc.record({
			kind: fc.constant("in doubt" as const),
			executed: fc.boolean(),
			after: fc.nat({ max: 12 }),
			count: fc.constantFrom(1, 1, 3),
		}),
	}),
} as const;
