// A quick run of each scenario: it measures something, loses nothing and leaves nothing behind.
import { copyFile, mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { COMPILE_CACHE } from "@fanfare/testkit/programs/compile-cache";
import { part } from "@fanfare/testkit/runs";
import { fastParent } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { isUsual } from "./options.ts";
import type { SummaryLine } from "./report/summary.ts";
import type { Round } from "./rounds.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import { benchOn, WITHIN_MS } from "./test/run-bench.ts";

const DOCUMENT = fileURLToPath(new URL("../docs/performance.md", import.meta.url));

const { index: PART, count: PARTS } = part();
const TRIED = SCENARIOS.filter((scenario) => isUsual(scenario, true)).filter((_, index) => index % PARTS === PART);

it("measures scenarios, loses nothing and leaves nothing behind", { timeout: WITHIN_MS }, async () => {
	await using directory = await mkdtempDisposable(join(fastParent(), "fanfare-bench-test-"));
	const [jsonFile, document] = [join(directory.path, "result.json"), join(directory.path, "performance.md")];
	await copyFile(DOCUMENT, document);
	const expected = TRIED.map(({ name }) => name);
	const files = ["--json", jsonFile, "--markdown", document, "--dir", directory.path];
	const args = ["--quick", ...expected.flatMap((name) => ["--scenario", name]), ...files];
	const { stdout } = await benchOn([`--import=${COMPILE_CACHE}`], ...args);
	const { rounds, lines } = JSON.parse(await readFile(jsonFile, "utf8")) as { rounds: Round[]; lines: SummaryLine[] };
	const { floor, scenarios } = rounds[0]!;

	expect(floor?.deliveredPerS).toBeGreaterThan(0);
	expect(floor?.receiverLimitPerS).toBeGreaterThan(0);
	expect(Object.keys(scenarios)).toEqual(expected);
	for (const [name, { sent = 0, received }] of Object.entries(scenarios)) {
		expect({ name, received, isPositive: sent > 0 }).toEqual({ name, received: sent, isPositive: true });
	}
	const markdown = await readFile(document, "utf8");
	const skippable = TRIED.flatMap(({ results }) => results.filter(({ mayBeSkipped = false }) => mayBeSkipped));
	const skippableLabels = new Set(skippable.map(({ label }) => label));
	for (const { label, values, limit } of lines) {
		expect(stdout).toContain(label);
		expect(markdown).toContain(label);
		// JSON has no NaN.
		const isUsable = (value: number | null) =>
			value === null ? skippableLabels.has(label) : value >= 0 && value < Infinity;
		expect({ label, unusable: values.filter((value) => !isUsable(value)) }).toEqual({ label, unusable: [] });
		if (limit !== null) expect(markdown).toMatch(/\*\*missed\*\*|met/);
	}
	const tableEnd = stdout.indexOf("cores used");
	const widest = Math.max(
		...stdout
			.slice(0, tableEnd)
			.split("\n")
			.map((line) => line.length),
	);
	expect(widest).toBeLessThanOrEqual(110);
	expect((await readdir(directory.path)).toSorted()).toEqual(["performance.md", "result.json"]);
});
