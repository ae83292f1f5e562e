// How `npm test` finds and runs the tests: every *.test.ts, on the sources (not on a build), one process a file.
import { defineConfig } from "vitest/config";

const conditions = ["@fanfare/source", "node", "import", "module", "default"];

export default defineConfig({
	resolve: { conditions },
	ssr: { resolve: { conditions } },
	test: {
		include: [
			"packages/*/{src,test}/**/*.test.ts",
			"{benchmarks,examples,scripts,simulation,test,torture}/**/*.test.ts",
		],
		pool: "forks",
		maxWorkers: 2,
		testTimeout: 30_000,
		hookTimeout: 60_000,
		// Only a test that fails waits this long. The default of one second depends on the speed of the machine.
		expect: { poll: { timeout: 25_000 } },
		reporters: ["default", "./scripts/plain-count-reporter.ts"],
	},
});
