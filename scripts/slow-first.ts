// The order in which vitest starts the test files: the slowest first, so that none of them runs alone at the end. And which of them are in a
// slice of a run, such as `--shard=3/8`.
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

import { divide } from "./testing/slices.ts";

/**
 * The seconds of files that take more than twenty on two cores, by the project if they are in several. They need not be complete or right: a
 * file that is missing only makes the end of a run, or a slice, longer.
 */
const SECONDS: Readonly<Record<string, number>> = {
	"packages/dashboard/test/every-screen.all.test.ts": 100,
	"benchmarks/bench.all.test.ts": 180,
};
/** What most of the other files take. */
const USUAL_SECONDS = 2;

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
		const slow = sorted
			.filter((file) => secondsOf(file) > USUAL_SECONDS)
			.toSorted((a, b) => secondsOf(b) - secondsOf(a));
		const usual = sorted.filter((file) => secondsOf(file) === USUAL_SECONDS);
		const isAlone = ({ project }: TestSpecification) => project.config.isolate;
		const [alone, sharing] = [usual.filter(isAlone), usual.filter((file) => !isAlone(file))];
		return [slow, alone, sharing].flatMap((some) => byProject(some).flatMap(takingTurns));
	}

	/** Slices of about the same time. Which files are in a slice depends only on the files that there are. */
	override async shard(files: TestSpecification[]): Promise<TestSpecification[]> {
		const { index, count } = this.ctx.config.shard ?? { index: 1, count: 1 };
		const named = files.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
		return divide(named, count, secondsOf)[index - 1] ?? [];
	}
}

function nameOf({ project, moduleId }: TestSpecification): string {
	return `${project.name} ${moduleId}`;
}

function secondsOf({ moduleId }: TestSpecification): number {
	const known = Object.entries(SECONDS).find(([path]) => moduleId.endsWith(`/${path}`));
	return known?.[1] ?? USUAL_SECONDS;
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
