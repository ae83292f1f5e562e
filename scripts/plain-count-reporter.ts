// A vitest reporter that ends a run with where the time went, and with one plain line that scripts can read.
import { relative } from "node:path";

import type { Reporter, TestModule } from "vitest/node";

import { bySuite, parseSteps, timeShares, type Timed } from "./time-shares.ts";

/**
 * Prints `N passed, N failed, N skipped` after everything else. A file that can't be loaded counts as one failure. Before
 * that line it prints each suite's share of the time if there are several files. `CI_STEPS` in the environment has the steps
 * that were made before the tests, such as `12 npm ci`; their shares are printed, too. `CI_COUNTED` has the last line of an
 * earlier run, whose numbers are added.
 */
export class PlainCountReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
		let [passed, failed, skipped] = countedBefore();
		failed += unhandledErrors.length;
		for (const module of modules) {
			const before = failed;
			for (const test of module.children.allTests()) {
				const state = test.result().state;
				if (state === "passed") passed++;
				else if (state === "failed") failed++;
				else skipped++;
			}
			if (!module.ok() && failed === before) failed++;
		}
		const lines = [...timeTables(modules), `${passed} passed, ${failed} failed, ${skipped} skipped`];
		process.on("exit", () => process.stdout.write(`${lines.join("\n")}\n`));
	}
}

/** How many tests have passed, failed and were skipped in an earlier run. */
function countedBefore(): [number, number, number] {
	const line = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(process.env["CI_COUNTED"] ?? "");
	return line === null ? [0, 0, 0] : [Number(line[1]), Number(line[2]), Number(line[3])];
}

function timeTables(modules: readonly TestModule[]): string[] {
	const files = modules.map(timeOf);
	const steps = parseSteps(process.env["CI_STEPS"] ?? "");
	const testStep = { name: "npm test", ms: process.uptime() * 1_000 };
	return [
		...(steps.length === 0 ? [] : timeShares("Time by step", [...steps, testStep])),
		...(files.length < 2
			? []
			: [
					...timeShares("Time by suite, added up over its files", bySuite(files)),
					...timeShares("Slowest files", files),
				]),
	];
}

function timeOf(module: TestModule): Timed {
	const { prepareDuration, environmentSetupDuration, setupDuration, collectDuration, duration } = module.diagnostic();
	const ms = prepareDuration + environmentSetupDuration + setupDuration + collectDuration + duration;
	return { name: relative(process.cwd(), module.moduleId), ms };
}

// vitest loads a reporter by path from its default export.
// oxlint-disable-next-line import/no-default-export
export default PlainCountReporter;
