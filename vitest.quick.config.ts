// How `npm run test:quick` finds its tests: by folder, those of the source folders that start no server process.
import { defineConfig } from "vitest/config";

import all, { ALONE } from "./vitest.config.ts";

const LEFT_OUT =
	"left out: the stores' own tests, tests that start server processes, the SDK, the command, the test kit, " +
	"torture, benchmarks, examples, and tests of the repository. npm test runs everything.";

/** The contract suites fill large stores, and those of PostgreSQL and NATS start servers. The tests of the engine and of the API use the store of SQLite, too. */
const STORES = ["packages/server/src/adapters/{nats,postgres,sqlite}/**"];
const OWN_PROCESS = ALONE.filter((pattern) => pattern.startsWith("packages/server/src/adapters/telemetry/"));

// vitest loads a configuration from its default export.
// oxlint-disable-next-line import/no-default-export
export default defineConfig({
	...all,
	test: {
		...all.test,
		projects: [
			{ extends: true, test: { name: "alone", include: OWN_PROCESS } },
			{
				extends: true,
				test: {
					name: "together",
					include: ["packages/server/src/**/*.test.ts"],
					exclude: [...ALONE, ...STORES],
					isolate: false,
				},
			},
		],
		reporters: ["default", ["./scripts/plain-count-reporter.ts", { note: LEFT_OUT }]],
	},
});
