// Rounds: each measures the floor and then every scenario once, so that what slows the machine for a while slows both.
import type { FloorPumpCalls } from "./children/floor-pump.ts";
import type { LoadCalls } from "./children/load.ts";
import type { ReceiverCalls } from "./children/receiver.ts";
import { BenchServer } from "./harness/bench-server.ts";
import { Child } from "./harness/child.ts";
import { measureFloor } from "./harness/floor.ts";
import { Receiver } from "./harness/receiver.ts";
import type { Resources } from "./harness/resources.ts";
import type { Options } from "./options.ts";
import type { FloorMeasurements, Measurements, RunContext, Scenario } from "./scenario.ts";

/** What one round measured. */
export interface Round {
	/** Null if no scenario of this run is set against it. */
	readonly floor: FloorMeasurements | null;
	/** By scenario. */
	readonly scenarios: Readonly<Record<string, Measurements>>;
}

/** Half as long as a scenario: the pump is steady from its warm-up on. */
const FLOOR_SHARE = 0.5;

export async function runRounds(
	options: Options,
	parentDir: string,
	resources: Resources,
	progress: (text: string) => void,
): Promise<Round[]> {
	const receiver = await Receiver.start(await Child.start<ReceiverCalls>("receiver", resources));
	const { seconds, warmUpSeconds, profileDir } = options;
	const context: RunContext = {
		receiver,
		seconds,
		warmUpSeconds,
		startServer: () => BenchServer.start({ resources, parentDir, profileDir }),
		startLoad: () => Child.start<LoadCalls>("load", resources),
	};
	const floorContext = {
		receiver,
		seconds: seconds * FLOOR_SHARE,
		warmUpSeconds: warmUpSeconds * FLOOR_SHARE,
		startPump: () => Child.start<FloorPumpCalls>("floor-pump", resources),
	};
	const rounds: Round[] = [];
	for (let number = 1; number <= options.runs; number++) {
		const tell = (what: string) => progress(`round ${number} of ${options.runs}: ${what}`);
		if (options.scenarios.some(needsFloor)) tell("floor");
		const floor = options.scenarios.some(needsFloor) ? await measureFloor(floorContext) : null;
		const scenarios: Record<string, Measurements> = {};
		for (const { name, run } of options.scenarios) {
			tell(name);
			await receiver.reset();
			scenarios[name] = await run(context);
		}
		rounds.push({ floor, scenarios });
	}
	return rounds;
}

function needsFloor({ budget }: Scenario): boolean {
	return budget.some(({ floor }) => floor !== undefined);
}
