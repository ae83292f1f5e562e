// A part of the 5,000 histories that `npm run test:all` runs. vitest.rest.config.ts says which.
import { expect, it } from "vitest";

import { allKept, simulate } from "./test/simulate.ts";

it("keeps every promise in many histories", async () => {
	const { HISTORIES_FROM: from = "1001", HISTORIES: count = "100" } = process.env;
	expect(await simulate("--seeds", count, "--from", from, "--jobs", "2")).toMatch(allKept(Number(count)));
});
