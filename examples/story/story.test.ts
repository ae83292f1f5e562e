// The story is run as a reader runs it, and must end well.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, it } from "vitest";

it("the story ends with every event taken exactly once and figures that add up", { timeout: 60_000 }, async () => {
	const main = fileURLToPath(new URL("main.ts", import.meta.url));
	const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@fanfare/source", main]);
	expect(stdout).toMatch(/Fanfare disables the webhook: no success for \d+ hours and \d+ exhausted deliveries/);
	expect(stdout).toContain("Every one of 100 events was taken exactly once, and the figures add up.");
});
