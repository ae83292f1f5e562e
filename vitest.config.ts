// How `npm test` finds and runs the tests: every *.test.ts, on the sources (not on a build), most in processes that run many files.
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

import { COMPILE_CACHE, COMPILE_CACHE_FOLDER } from "./packages/testkit/src/programs/compile-cache.ts";
import { postgresIssue } from "./packages/testkit/src/programs/find-postgres.ts";
import { SlowFirstSequencer } from "./scripts/slow-first.ts";
import { bundleCode } from "./scripts/testing/bundled-code.ts";

/** Files with a process of their own. */
export const ALONE = [
	// They use a process for minutes, or count what it has.
	"{benchmarks,simulation}/**/*.test.ts",
	"packages/server/src/adapters/{postgres/postgres,sqlite/sqlite,sqlite/thread/threaded}-store.test.ts",
	"packages/server/src/adapters/telemetry/metrics.test.ts",
	"packages/server/test/embedding.test.ts",
	// It looks at what the first import of a module does.
	"packages/portal/test/package.test.ts",
	"test/{packages,deploy/image}.test.ts",
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
function sharing(name: string, include: readonly string[], exclude: readonly string[]): TestProjectInlineConfiguration {
	return { extends: true, test: { name, include: [...include], exclude: [...exclude], isolate: false } };
}

/** Tests of the API that use no store. */
const WITHOUT_STORE = [
	"packages/server/src/api/documents/pieces.test.ts",
	"packages/server/src/api/page/page.test.ts",
	"packages/server/src/api/request/session-cookie.test.ts",
	"packages/server/src/api/upgrading-app.test.ts",
	"packages/server/src/api/request/body/{expected-form,json-scanner,turns}.test.ts",
	"packages/server/src/api/resources/exports/{csv,export-places}.test.ts",
	"packages/server/src/api/resources/sessions/failed-sign-ins.test.ts",
];

/** The other tests of the API once more, on a store on PostgreSQL. */
function onPostgres(): TestProjectInlineConfiguration[] {
	const issue = postgresIssue();
	if (issue !== null) {
		process.stderr.write(`The tests of the API on PostgreSQL are skipped: ${issue}\n`);
		return [];
	}
	const test: TestProjectInlineConfiguration["test"] = {
		name: "on PostgreSQL",
		include: ["packages/server/src/api/**/*.test.ts"],
		exclude: WITHOUT_STORE,
		isolate: false,
		globalSetup: "test/setup/store-server.ts",
		env: { TEST_STORE: "postgres" },
	};
	return [{ extends: true, test }];
}

/** The tests of sends once more, over connections to a server with the lean path. */
const OVER_LEAN_PATH: TestProjectInlineConfiguration = {
	extends: true,
	test: {
		name: "over the lean path",
		include: [
			"packages/server/src/api/resources/events/*.test.ts",
			"packages/server/src/api/request/{body/bodies,cross-origin,hidden-payloads,outdated,problem,routing}.test.ts",
			"packages/server/src/api/resources/projects/quotas.test.ts",
		],
		isolate: false,
		env: { TEST_SENDS: "lean" },
	},
};

/** Those in which the way of a request matters, with a thread that accepts the requests. */
const IN_ACCEPTOR_THREAD: TestProjectInlineConfiguration = {
	extends: true,
	test: {
		name: "in an acceptor thread",
		include: [
			"packages/server/src/api/resources/events/{events,routing}.test.ts",
			"packages/server/src/api/request/{body/bodies,hidden-payloads,outdated,problem,routing}.test.ts",
			"packages/server/src/api/request/{lean/lean-path,lean/lean-relays,pace/answer-pace}.test.ts",
		],
		isolate: false,
		env: { TEST_SENDS: "thread" },
	},
};

/** The tests of the sender once more, with attempts in a thread. Those that move the time are skipped there, and the long random ones are not repeated. */
const IN_SENDER_THREAD: TestProjectInlineConfiguration = {
	extends: true,
	test: {
		name: "in a sender thread",
		include: [
			"packages/server/src/adapters/http/{attempt-facts,connection,connector,customers,kept-connection,openings,origin-pools}.test.ts",
			"packages/server/src/adapters/http/{http-sender*,ports,proxy,stray-bytes}.test.ts",
		],
		isolate: false,
		setupFiles: ["test/setup/property-seed.ts", "test/setup/in-sender-thread.ts"],
		env: { TEST_SENDER: "thread" },
	},
};

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
			{ extends: true, test: { name: "alone", include: ALONE } },
			sharing("programs", PROGRAMS, [...ALONE, ...SOURCES]),
			sharing("together", SOURCES, ALONE),
			OVER_LEAN_PATH,
			IN_ACCEPTOR_THREAD,
			IN_SENDER_THREAD,
			...onPostgres(),
		],
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
