// Rounds: each measures the floor and then every scenario once, so that a slow phase of the machine slows both.
import { WORKING_TREE } from "@fanfare/testkit/programs/server-code";

import { floorOf, newContext, receiverLimit, type Surroundings } from "./context.ts";
import type { FloorMeasurements, Measurements, Scenario } from "./scenario.ts";

/** The measurements of one round. */
export interface Round {
	/** Null if no scenario of this run is compared with it. */
	readonly floor: RoundFloor | null;
	/** The measurements by scenario. */
	readonly scenarios: Readonly<Record<string, Measurements>>;
	/** The scenarios' notes, by scenario. */
	readonly notes?: Readonly<Record<string, readonly string[]>>;
}

export type RoundFloor = FloorMeasurements & {
	/** Requests per second that the receiver accepts from bare sockets. */
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

function needsFloor({ results }: Scenario): boolean {
	return results.some(({ floor }) => floor !== undefined);
}
