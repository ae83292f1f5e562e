// The context of a run: one receiver for all scenarios, and servers of one checkout.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";

import { unpackRef } from "@fanfare/testkit/programs/server-code";

import type { BareRelaysCalls } from "./children/bare-relays.ts";
import type { FloorPumpCalls } from "./children/floor-pump.ts";
import type { LoadCalls } from "./children/load.ts";
import type { ReceiverCalls } from "./children/receiver.ts";
import type { RelayClientsCalls } from "./children/relay-clients.ts";
import type { StoreRunnerCalls } from "./children/store-runner.ts";
import { BenchCluster } from "./harness/cluster/bench-cluster.ts";
import { Contenders } from "./harness/comparators/contenders.ts";
import { CallCounter } from "./harness/measure/call-counter.ts";
import { measureFloor } from "./harness/measure/floor.ts";
import { Child } from "./harness/process/child.ts";
import type { Resources } from "./harness/process/resources.ts";
import { BenchServer } from "./harness/server/bench-server.ts";
import { buildCommand } from "./harness/server/built-command.ts";
import { Receiver } from "./harness/server/receiver.ts";
import { FIRST_COMMIT } from "./harness/store/first-store.ts";
import { PreparedStores } from "./harness/store/prepared-store.ts";
import { measureUpgrade } from "./harness/store/upgrade.ts";
import type { Options } from "./options.ts";
import type { FloorMeasurements, RunContext } from "./scenario.ts";
import { BODY_BYTES } from "./wire/bench-event.ts";

export interface Surroundings {
	readonly options: Options;
	readonly receiver: Receiver;
	readonly resources: Resources;
	/** The directory for data directories. */
	readonly parentDir: string;
	readonly progress: (text: string) => void;
}

/** The floor is measured for half as long as a scenario, because the pump is steady after its warm-up. */
const FLOOR_SHARE = 0.5;
/** A quick run's share of large counts: enough to take every path through the code. */
const QUICK_SHARE = 1 / 500;

export async function startReceiver(resources: Resources): Promise<Receiver> {
	return Receiver.start(await Child.start<ReceiverCalls>("receiver", resources));
}

/** A context that collects notes. */
export interface NotingContext extends RunContext {
	/** The notes since the last call. */
	readonly takeNotes: () => string[];
}

export function newContext(surroundings: Surroundings, codeDir: string): NotingContext {
	const { options, receiver, resources, parentDir, progress } = surroundings;
	const { seconds, warmUpSeconds, profileDir, quick, webhooks, events } = options;
	const stores = new PreparedStores({ resources, codeDir, parentDir, receiver, progress });
	let firstStores: Promise<PreparedStores> | null = null;
	const startServer: RunContext["startServer"] = (start) =>
		BenchServer.start({ resources, codeDir, parentDir, profileDir, ...start });
	let notes: string[] = [];
	return {
		receiver,
		codeDir,
		seconds,
		warmUpSeconds,
		quick,
		webhooks,
		events,
		size: (count) => (quick ? Math.max(1, Math.ceil(count * QUICK_SHARE)) : count),
		startServer,
		startCluster: (start) => BenchCluster.start({ resources, codeDir, parentDir, profileDir, ...start }),
		startContenders: () => Contenders.start({ resources, receiver, parentDir, startServer }),
		startLoad: () => Child.start<LoadCalls>("load", resources),
		startRelayClients: () => Child.start<RelayClientsCalls>("relay-clients", resources),
		startBareRelays: () => Child.start<BareRelaysCalls>("bare-relays", resources),
		startPump: () => startPump(resources),
		countCalls: (pid) => CallCounter.start(pid, resources),
		buildCommand: () => buildCommand(codeDir, parentDir),
		measureFloor: (bodyBytes) => floorOf(surroundings, bodyBytes),
		measureStore: (load) =>
			callStore(surroundings, (runner, path) => runner.call("measure", { ...load, codeDir, path })),
		measureStoreFloor: (load) =>
			callStore(surroundings, (runner, path) => runner.call("measureFloor", { ...load, path })),
		prepareStore: (plan) => stores.get(plan),
		prepareFirstStore: async (plan) => (await (firstStores ??= prepareFirst(surroundings))).get(plan),
		measureUpgrade: (store, killAt) => measureUpgrade({ resources, codeDir, parentDir, store, killAt }),
		note: (text) => notes.push(text),
		takeNotes() {
			const taken = notes;
			notes = [];
			return taken;
		},
	};
}

/** Stores that version 0.1 makes. */
async function prepareFirst({ resources, parentDir, receiver, progress }: Surroundings): Promise<PreparedStores> {
	const codeDir = await unpackRef(FIRST_COMMIT, parentDir, "the commit of version 0.1");
	return new PreparedStores({ resources, codeDir, parentDir, receiver, progress });
}

export function floorOf(surroundings: Surroundings, bodyBytes = BODY_BYTES): Promise<FloorMeasurements> {
	const { options, receiver, resources } = surroundings;
	return measureFloor({
		receiver,
		bodyBytes,
		seconds: options.seconds * FLOOR_SHARE,
		warmUpSeconds: options.warmUpSeconds * FLOOR_SHARE,
		startPump: () => startPump(resources),
	});
}

/** Calls a new process that runs the store of a checkout, and gives it the path of a database that does not exist yet. */
async function callStore<T>(
	{ resources, parentDir }: Surroundings,
	work: (runner: Child<StoreRunnerCalls>, path: string) => Promise<T>,
): Promise<T> {
	const directory = mkdtempSync(join(parentDir, "store-"));
	try {
		await using runner = await Child.start<StoreRunnerCalls>("store-runner", resources);
		return await work(runner, join(directory, "fanfare.db"));
	} finally {
		resources.removeDirectory(directory);
	}
}

function startPump(resources: Resources): Promise<Child<FloorPumpCalls>> {
	return Child.start<FloorPumpCalls>("floor-pump", resources);
}

/** Requests per second that the receiver accepts from bare sockets. It must be well above the floor, or the receiver is the limit. */
export async function receiverLimit({ options, receiver, resources }: Surroundings): Promise<number> {
	await using load = await Child.start<LoadCalls>("load", resources);
	const seconds = options.warmUpSeconds * FLOOR_SHARE;
	const { posted, elapsedMs } = await load.call("blast", { url: receiver.bulkUrl, connections: 64, seconds });
	return (posted / elapsedMs) * 1_000;
}
