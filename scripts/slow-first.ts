// The order in which vitest starts the test files: the slowest first, so that none of them runs alone at the end.
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

/**
 * Files that take more than half a minute on two cores, the slowest first. They need not be complete or right: a file that is missing
 * only makes the end of a run longer.
 */
const SLOWEST = [
	"packages/dashboard/test/every-screen.test.ts",
	"benchmarks/bench.test.ts",
	"simulation/simulation.test.ts",
	"packages/server/src/adapters/sqlite/thread/threaded-store.test.ts",
	"packages/server/src/adapters/sqlite/sqlite-store.test.ts",
	"test/deploy/image.test.ts",
	"packages/server/src/adapters/postgres/postgres-store.test.ts",
	"test/packages.test.ts",
];

/** The tests of the page use the CPU all the time, those of servers and commands half of it. */
const BUSY = /\/packages\/(?:dashboard|docs|portal)\//;

/**
 * Starts the slowest files first, then those with a process of their own, and last those that share one, project by project. Busy files
 * take turns with the others.
 */
export class SlowFirstSequencer extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		// By project, and in each the largest file first.
		const sorted = await super.sort(files);
		const byRank = Map.groupBy(sorted, rank);
		const ranks = [...byRank.keys()].toSorted((a, b) => a - b);
		return ranks.flatMap((one) => byProject(byRank.get(one) ?? []).flatMap(takingTurns));
	}
}

function rank({ moduleId, project }: TestSpecification): number {
	const index = SLOWEST.findIndex((path) => moduleId.endsWith(`/${path}`));
	if (index !== -1) return index;
	return SLOWEST.length + (project.config.isolate ? 0 : 1);
}

function byProject(files: readonly TestSpecification[]): TestSpecification[][] {
	return [...Map.groupBy(files, ({ project }) => project.name).values()];
}

/** The same files, the busy ones spread evenly. */
function takingTurns(files: readonly TestSpecification[]): TestSpecification[] {
	const spread = (some: readonly TestSpecification[]) => some.map((file, index) => ({ file, at: index / some.length }));
	const isBusy = ({ moduleId }: TestSpecification) => BUSY.test(moduleId);
	const both = [...spread(files.filter(isBusy)), ...spread(files.filter((file) => !isBusy(file)))];
	return both.toSorted((a, b) => a.at - b.at).map(({ file }) => file);
}
