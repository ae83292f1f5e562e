// A scenario: one small file that turns one thing on, measures it, and says which limits apply.
import type { BareRelaysCalls } from "./children/bare-relays.ts";
import type { FloorPumpCalls } from "./children/floor-pump.ts";
import type { LoadCalls } from "./children/load.ts";
import type { RelayClientsCalls } from "./children/relay-clients.ts";
import type { StoreFloorLoad, StoreLoad, StoreReading } from "./children/store-runner.ts";
import type { BenchCluster, ClusterStart } from "./harness/cluster/bench-cluster.ts";
import type { Contenders } from "./harness/comparators/contenders.ts";
import type { CallCounter } from "./harness/measure/call-counter.ts";
import type { Child } from "./harness/process/child.ts";
import type { BenchServer, ServerStart } from "./harness/server/bench-server.ts";
import type { Receiver } from "./harness/server/receiver.ts";
import type { PreparedStore, StorePlan } from "./harness/store/store-copy.ts";
import type { Upgrade } from "./harness/store/upgrade.ts";

/** The measurements of one run, by name. */
export type Measurements = Readonly<Record<string, number>>;

/** The unit in which a measurement is shown. `each`: a number for each event, with decimals. */
export type Unit = "perSecond" | "count" | "each" | "µs" | "ms" | "s" | "bytes" | "MB" | "%" | "×";

/** A budget: a limit for the value, or for its ratio to the floor. */
export type Limit = { readonly atMost: number } | { readonly atLeast: number } | { readonly atLeastOfFloor: number };

/** One line of a scenario's result: a measurement and its budget. */
export interface ResultLine {
	/** The name of one of the scenario's measurements. */
	readonly measurement: string;
	readonly label: string;
	readonly unit: Unit;
	/** The floor's measurement to compare with. Omitted: none. */
	readonly floor?: "deliveredPerS" | "cpuUsPerEvent";
	/** Omitted: the measurement is shown and not judged. */
	readonly limit?: Limit;
	/** It is NaN where the machine can't measure it, and a note says why. Defaults to false. */
	readonly mayBeSkipped?: boolean;
}

/** The measurements of the floor: a bare undici pump that sends the same signed POSTs to the same receiver, without a store. */
export type FloorMeasurements = {
	readonly deliveredPerS: number;
	readonly cpuUsPerEvent: number;
	/** As shares of one core. */
	readonly pumpCores: number;
	readonly receiverCores: number;
};

/** The groups of `--group NAME`. */
export const GROUPS = {
	speed: "throughput, latency and CPU",
	shape: "the same with other payload sizes, many webhooks, a backlog, receivers that hang",
	log: "a big log: its pages, replay and retention beside live traffic, start-up",
	cluster: "one or several processes on PostgreSQL",
} as const;
type Group = keyof typeof GROUPS;

export interface Scenario {
	/** The name for `--scenario NAME`. */
	readonly name: string;
	readonly group: Group;
	/** What it measures, in one line. */
	readonly summary: string;
	/** The lines of its result, in order. */
	readonly results: readonly ResultLine[];
	/** True if it takes so long that it runs only when named. Defaults to false. */
	readonly onlyByName?: boolean;
	/** True if a quick run has it all the same, since it takes seconds there. Defaults to false. */
	readonly inQuickRun?: boolean;
	/** The option that sets a number of it: `--webhooks` or `--events`. Defaults to none. */
	readonly takes?: "webhooks" | "events";
	/** Measures once, on servers of its own. Throws if an event was lost or a send refused. */
	readonly run: (context: RunContext) => Promise<Measurements>;
}

/** The parts that a scenario's run can use. */
export interface RunContext {
	readonly receiver: Receiver;
	/** The folder with the code that is measured. */
	readonly codeDir: string;
	/** How long to measure, and how long to warm up before that. */
	readonly seconds: number;
	readonly warmUpSeconds: number;
	/** True for a smoke test, which need not wait for conditions such as a background job. */
	readonly quick: boolean;
	/** The numbers that `--webhooks` and `--events` give; null if they are not given. */
	readonly webhooks: number | null;
	readonly events: number | null;
	/** The count itself, or in a quick run a small share of it. */
	readonly size: (count: number) => number;
	/** Starts a server in its own process, with an empty store or a copy of a prepared one. Must be disposed. */
	readonly startServer: (start?: ServerStart) => Promise<BenchServer>;
	/** Starts several servers on a PostgreSQL of their own. Must be disposed. */
	readonly startCluster: (start: ClusterStart) => Promise<BenchCluster>;
	/** Starts Fanfare and the job queues that it is compared with, as far as they can be had. Must be disposed. */
	readonly startContenders: () => Promise<Contenders>;
	/** Starts a load generator in its own process. Must be disposed. */
	readonly startLoad: () => Promise<Child<LoadCalls>>;
	/** Starts clients of relays in a process of their own. Must be disposed. */
	readonly startRelayClients: () => Promise<Child<RelayClientsCalls>>;
	/** Starts a bare server for clients of relays in a process of its own, without any code of Fanfare. Must be disposed. */
	readonly startBareRelays: () => Promise<Child<BareRelaysCalls>>;
	/** Starts the floor's pump in its own process, for a floor at another rate. Must be disposed. */
	readonly startPump: () => Promise<Child<FloorPumpCalls>>;
	/** Counts the system calls of a process from now on. */
	readonly countCalls: (pid: number) => Promise<CallCounter>;
	/** Measures the store alone, on a new file and in a process of its own. */
	readonly measureStore: (load: StoreLoad) => Promise<StoreReading>;
	/** CPU time for an event of the least that a store on SQLite does, in µs, without any code of Fanfare. */
	readonly measureStoreFloor: (load: StoreFloorLoad) => Promise<number>;
	/** The store of a plan. It is made once for all runs with the same plan. */
	readonly prepareStore: (plan: StorePlan) => Promise<PreparedStore>;
	/** The same, made by version 0.1. Throws if git does not know its commit, as in a shallow clone. */
	readonly prepareFirstStore: (plan: StorePlan) => Promise<PreparedStore>;
	/** Has a server move the rows of a copy of such a store. It is killed when a share of them is moved, unless that is null, and started again. */
	readonly measureUpgrade: (store: PreparedStore, killAt: number | null) => Promise<Upgrade>;
	/** Compiles the code to the packages that users install. Returns the main file of the command. */
	readonly buildCommand: () => Promise<string>;
	/** Measures the floor with bodies of another size. */
	readonly measureFloor: (bodyBytes: number) => Promise<FloorMeasurements>;
	/** Adds a note to the result, such as which page was the slowest. */
	readonly note: (text: string) => void;
}
