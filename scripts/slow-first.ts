// The order in which vitest starts the test files: the slowest first, so that none of them runs alone at the end.
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

/**
 * Files that take more than half a minute on two cores, the slowest first. They need not be complete or right: a file that is missing
 * only makes the end of a run longer.
 */
const SLOWEST = [
	"benchmarks/bench.test.ts",
	"packages/server/src/adapters/sqlite/thread/threaded-store.test.ts",
	"test/deploy/image.test.ts",
	"simulation/simulation.test.ts",
	"packages/server/src/adapters/sqlite/sqlite-store.test.ts",
	"packages/server/src/adapters/postgres/postgres-store.test.ts",
	"packages/server/test/relay-sleep.test.ts",
	"packages/dashboard/test/every-screen.test.ts",
	"packages/dashboard/src/portal/portal.test.ts",
	"packages/dashboard/src/screens/overview/overview.test.ts",
	"packages/dashboard/src/screens/events/events.test.ts",
	"packages/dashboard/src/screens/sign-in/sign-in.test.ts",
	"packages/cli/test/restore.test.ts",
	"packages/server/test/data-dir.test.ts",
];

/** Starts the slowest files first, then those with a process of their own, and last those that share one, without a gap. */
export class SlowFirstSequencer extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const sorted = await super.sort(files);
		return sorted.toSorted((a, b) => rank(a) - rank(b));
	}
}

function rank({ moduleId, project }: TestSpecification): number {
	const index = SLOWEST.findIndex((path) => moduleId.endsWith(`/${path}`));
	if (index !== -1) return index;
	return SLOWEST.length + (project.config.isolate ? 0 : 1);
}
