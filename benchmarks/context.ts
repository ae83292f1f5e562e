// What runs are given: one receiver for all, and servers of one checkout.
import type { FloorPumpCalls } from "./children/floor-pump.ts";
import type { LoadCalls } from "./children/load.ts";
import type { ReceiverCalls } from "./children/receiver.ts";
import { measureFloor } from "./harness/measure/floor.ts";
import { Child } from "./harness/process/child.ts";
import type { Resources } from "./harness/process/resources.ts";
import { BenchServer } from "./harness/server/bench-server.ts";
import { Receiver } from "./harness/server/receiver.ts";
import { PreparedStores } from "./harness/store/prepared-store.ts";
import type { Options } from "./options.ts";
import type { FloorMeasurements, RunContext } from "./scenario.ts";
import { BODY_BYTES } from "./wire/bench-event.ts";

export interface Surroundings {
	readonly options: Options;
	readonly receiver: Receiver;
	readonly resources: Resources;
	/** Where data directories are made. */
	readonly parentDir: string;
	readonly progress: (text: string) => void;
}

/** Half as long as a scenario: the pump is steady from its warm-up on. */
const FLOOR_SHARE = 0.5;
/** What a quick run makes of a million: enough to go through all that a million goes through. */
const QUICK_SHARE = 1 / 500;

export async function startReceiver(resources: Resources): Promise<Receiver> {
	return Receiver.start(await Child.start<ReceiverCalls>("receiver", resources));
}

/** Its notes are kept until `takeNotes` has them. */
export interface NotingContext extends RunContext {
	readonly takeNotes: () => string[];
}

export function newContext(surroundings: Surroundings, codeDir: string): NotingContext {
	const { options, receiver, resources, parentDir, progress } = surroundings;
	const { seconds, warmUpSeconds, profileDir, quick } = options;
	const stores = new PreparedStores({ resources, codeDir, parentDir, receiver, progress });
	let notes: string[] = [];
	return {
		receiver,
		seconds,
		warmUpSeconds,
		quick,
		size: (count) => (quick ? Math.max(1, Math.ceil(count * QUICK_SHARE)) : count),
		startServer: (start) => BenchServer.start({ resources, codeDir, parentDir, profileDir, ...start }),
		startLoad: () => Child.start<LoadCalls>("load", resources),
		measureFloor: (bodyBytes) => floorOf(surroundings, bodyBytes),
		prepareStore: (plan) => stores.get(plan),
		note: (text) => notes.push(text),
		takeNotes() {
			const taken = notes;
			notes = [];
			return taken;
		},
	};
}

export function floorOf(surroundings: Surroundings, bodyBytes = BODY_BYTES): Promise<FloorMeasurements> {
	const { options, receiver, resources } = surroundings;
	return measureFloor({
		receiver,
		bodyBytes,
		seconds: options.seconds * FLOOR_SHARE,
		warmUpSeconds: options.warmUpSeconds * FLOOR_SHARE,
		startPump: () => Child.start<FloorPumpCalls>("floor-pump", resources),
	});
}

/** How many requests a second the receiver takes from bare sockets: well above the floor, or it is the limit itself. */
export async function receiverLimit({ options, receiver, resources }: Surroundings): Promise<number> {
	await using load = await Child.start<LoadCalls>("load", resources);
	const seconds = options.warmUpSeconds * FLOOR_SHARE;
	const { posted, elapsedMs } = await load.call("blast", { url: receiver.bulkUrl, connections: 64, seconds });
	return (posted / elapsedMs) * 1_000;
}
