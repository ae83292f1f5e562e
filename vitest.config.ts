// How `npm test` finds and runs the tests: every *.test.ts but *.all.test.ts, on the sources (not on a build), most in processes that run many
// files. `npm run test:all` runs those of vitest.rest.config.ts, too.
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

import { COMPILE_CACHE, COMPILE_CACHE_FOLDER } from "./packages/testkit/src/programs/compile-cache.ts";
import { SlowFirstSequencer } from "./scripts/slow-first.ts";
import { bundleCode } from "./scripts/testing/bundled-code.ts";

/** Files that only `npm run test:all` runs: variants, long properties, every width, images, packages. */
export const ONLY_ALL = "{benchmarks,examples,packages/*/{src,test},scripts,simulation,test,torture}/**/*.all.test.ts";

/** Files with a process of their own. */
const ALONE = [
	// They use a process for minutes, or count what it has.
	"{benchmarks,simulation}/**/*.test.ts",
	"packages/server/src/adapters/{postgres/postgres,sqlite/sqlite}-store.test.ts",
	"packages/server/src/adapters/telemetry/metrics.test.ts",
	"packages/server/test/embedding.test.ts",
	// It looks at what the first import of a module does.
	"packages/portal/test/package.test.ts",
];

/**
 * The tests of sources, but not of the page's. Those of a project share a process, which loads their modules once: half the time of each
 * small file is loading. Their modules have no state, and their tests take back what they replace. A hook of a file that tests import would
 * run for the first test file only.
 */
const SOURCES = ["packages/{cli,sdk,server,testkit}/src/**/*.test.ts", "packages/sdk/test/**/*.test.ts"];

/** Most of them start servers, commands and browsers, and wait for them. */
const PROGRAMS = ["packages/*/{src,test}/**/*.test.ts", "{examples,scripts,test,torture}/**/*.test.ts"];

/** Tests that share a process with those of the same project. */
export function sharing(
	name: string,
	include: readonly string[],
	exclude: readonly string[] = [],
	options: TestProjectInlineConfiguration["test"] = {},
): TestProjectInlineConfiguration {
	return { extends: true, test: { name, include: [...include], exclude: [...exclude], isolate: false, ...options } };
}

// Vite adds "import" or "require" itself: named here, it would apply to what CommonJS packages require, too.
const conditions = ["@fanfare/source", "node", "module", "default"];

// Examples, torture and other programs that tests start get it, and the servers that these start: compiling is half of a start.
process.env["NODE_COMPILE_CACHE"] ??= COMPILE_CACHE_FOLDER;

/**
 * The processes and threads that tests start run a bundle of the sources, which starts in half of the CPU time. A run that watches the
 * sources would need a new one after each change.
 */
// FanfareProcess reads the variable, too. vitest loads this file again for each project.
if (process.argv.includes("run")) process.env["TEST_BUNDLE"] ??= await bundleCode();
const bundle = process.env["TEST_BUNDLE"] === "" ? undefined : process.env["TEST_BUNDLE"];

export default defineConfig({
	resolve: { conditions },
	ssr: { resolve: { conditions } },
	test: {
		projects: [
			{ extends: true, test: { name: "alone", include: ALONE, exclude: [ONLY_ALL] } },
			sharing("programs", PROGRAMS, [ONLY_ALL, ...ALONE, ...SOURCES]),
			sharing("together", SOURCES, [ONLY_ALL, ...ALONE]),
		],
		globalSetup: "test/setup/postgres-server.ts",
		setupFiles: "test/setup/property-seed.ts",
		sequence: { sequencer: SlowFirstSequencer },
		pool: "forks",
		// Threads that the tests start get it, too.
		execArgv: [
			`--import=${COMPILE_CACHE}`,
			...(bundle === undefined ? [] : [`--import=${bundle}`]),
			"--conditions=@fanfare/source",
		],
		// Test processes load modules as Node does: faster than through Vite, whose compiled code is in no cache.
		experimental: { viteModuleRunner: false, nodeLoader: false },
		runner: "./scripts/testing/test-runner.ts",
		// For two cores: tests wait for servers, browsers and databases, so with four workers a quarter of both cores had nothing to do.
		maxWorkers: 6,
		// Only tests that hang or fail wait this long. The defaults of some seconds depend on the speed of the machine. Tests that
		// start servers many times take minutes while a compiler uses all cores.
		testTimeout: 600_000,
		hookTimeout: 600_000,
		expect: { poll: { timeout: 60_000 } },
		reporters: ["default", "./scripts/plain-count-reporter.ts"],
	},
});
