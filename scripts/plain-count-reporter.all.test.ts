// The last lines of a run.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, it } from "vitest";

const run = promisify(execFile);
const VITEST = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const ROOT = fileURLToPath(new URL("..", import.meta.url));

it("are where the time went, and the plain count, with what an earlier run has counted", async () => {
	const files = ["packages/server/src/core/page.test.ts", "packages/server/src/core/ids.test.ts"];
	// Without the variables of the run that this test is part of.
	const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST|NODE_ENV)/.test(name));
	const ci = { CI_STEPS: "12 npm ci\n", CI_COUNTED: "1000 passed, 0 failed, 7 skipped" };
	const env = { ...Object.fromEntries(own), ...ci, NO_COLOR: "1" };
	const { stdout } = await run(process.execPath, [VITEST, "run", ...files], { cwd: ROOT, env });
	const lines = stdout.trimEnd().split("\n");
	expect(lines.at(-1)).toMatch(/^10\d\d passed, 0 failed, 7 skipped$/);
	const tables = lines.slice(lines.indexOf("Time by step:"), -1);
	expect(tables[0]).toBe("Time by step:");
	expect(tables).toContainEqual(expect.stringMatching(/^ +12 s +\d+ % {2}npm ci$/));
	expect(tables).toContainEqual(expect.stringMatching(/ % {2}npm test$/));
	expect(tables).toContainEqual(expect.stringMatching(/ 100 % {2}packages\/server\/src\/core$/));
	for (const file of files) expect(tables).toContainEqual(expect.stringContaining(` %  ${file}`));
});
