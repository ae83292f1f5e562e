// How `npm run test:quick` finds its tests: by folder, those of the source folders that start no server process.
import { defineConfig } from "vitest/config";

import all from "./vitest.config.ts";

const LEFT_OUT =
	"left out: the SQLite store's own tests, tests that start server processes, the SDK, the command, the test kit, " +
	"torture, benchmarks, examples, and tests of the repository. npm test runs everything.";

// vitest loads a configuration from its default export.
// oxlint-disable-next-line import/no-default-export
export default defineConfig({
	...all,
	test: {
		...all.test,
		include: ["packages/server/src/**/*.test.ts"],
		// The store's contract suites fill large stores. The tests of the engine and of the API use the store, too.
		exclude: ["packages/server/src/adapters/sqlite/**"],
		reporters: ["default", ["./scripts/plain-count-reporter.ts", { note: LEFT_OUT }]],
	},
});
