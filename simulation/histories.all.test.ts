// The 5,000 histories that `npm run test:all` runs beside those of `npm test`.
import { part } from "@fanfare/testkit/runs";
import { expect, it } from "vitest";

import { allKept, simulate } from "./test/simulate.ts";

const HISTORIES = 5_000;
/** `npm test` has those before it. */
const FIRST_SEED = 1_001;

it("keeps every promise in many histories", async () => {
	const { index, count } = part();
	const seeds = Math.ceil(HISTORIES / count);
	const output = await simulate("--seeds", `${seeds}`, "--from", `${FIRST_SEED + index * seeds}`, "--jobs", "2");
	expect(output).toMatch(allKept(seeds));
});
