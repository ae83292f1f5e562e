// Rounds: each measures the floor and then every scenario once, so that what slows the machine for a while slows both.
import { floorOf, newContext, receiverLimit, type Surroundings } from "./context.ts";
import { WORKING_TREE } from "./harness/server/server-code.ts";
import type { FloorMeasurements, Measurements, Scenario } from "./scenario.ts";

/** What one round measured. */
export interface Round {
	/** Null if no scenario of this run is set against it. */
	readonly floor: RoundFloor | null;
	/** By scenario. */
	readonly scenarios: Readonly<Record<string, Measurements>>;
	/** What scenarios said beside their figures. */
	readonly notes?: Readonly<Record<string, readonly string[]>>;
}

export type RoundFloor = FloorMeasurements & {
	/** What the receiver takes from bare sockets. */
	readonly receiverLimitPerS: number;
};

export async function runRounds(surroundings: Surroundings): Promise<Round[]> {
	const { options, progress } = surroundings;
	const context = newContext(surroundings, WORKING_TREE);
	const rounds: Round[] = [];
	for (let number = 1; number <= options.runs; number++) {
		const tell = (what: string) => progress(`round ${number} of ${options.runs}: ${what}`);
		const hasFloor = options.scenarios.some(needsFloor);
		if (hasFloor) tell("floor");
		const floor = hasFloor ? await measureRoundFloor(surroundings) : null;
		const scenarios: Record<string, Measurements> = {};
		const notes: Record<string, readonly string[]> = {};
		for (const { name, run } of options.scenarios) {
			tell(name);
			scenarios[name] = await run(context);
			notes[name] = context.takeNotes();
		}
		rounds.push({ floor, scenarios, notes });
	}
	return rounds;
}

async function measureRoundFloor(surroundings: Surroundings): Promise<RoundFloor> {
	const floor = await floorOf(surroundings);
	return { ...floor, receiverLimitPerS: await receiverLimit(surroundings) };
}

function needsFloor({ budget }: Scenario): boolean {
	return budget.some(({ floor }) => floor !== undefined);
}
