// What a scenario is: one small file that turns one thing on, measures it, and says what is allowed.
import type { LoadCalls } from "./children/load.ts";
import type { Child } from "./harness/process/child.ts";
import type { BenchServer, ServerStart } from "./harness/server/bench-server.ts";
import type { Receiver } from "./harness/server/receiver.ts";
import type { PreparedStore, StorePlan } from "./harness/store/store-copy.ts";

/** What one run measured, by name. */
export type Measurements = Readonly<Record<string, number>>;

/** How a figure is written. */
export type Unit = "perSecond" | "count" | "µs" | "ms" | "s" | "MB" | "%" | "×";

/** What is allowed: a value, or a ratio to the floor. */
export type Limit = { readonly atMost: number } | { readonly atLeast: number } | { readonly atLeastOfFloor: number };

/** One line of the result: a measurement, and what is allowed for it. */
export interface Figure {
	/** Which of the scenario's measurements. */
	readonly measurement: string;
	readonly label: string;
	readonly unit: Unit;
	/** The floor's measurement to set it against. */
	readonly floor?: "deliveredPerS" | "cpuUsPerEvent";
	/** Left out: the figure is only shown. */
	readonly limit?: Limit;
}

/** A bare undici pump of the same signed POSTs to the same receiver, without a store. */
export type FloorMeasurements = {
	readonly deliveredPerS: number;
	readonly cpuUsPerEvent: number;
	/** Shares of one core. */
	readonly pumpCores: number;
	readonly receiverCores: number;
};

/** As in `--group NAME`. */
export const GROUPS = {
	speed: "how fast, how soon, and at what price",
	shape: "the same with other payloads, more webhooks, more to wait for, receivers that hang",
	log: "a big log: its pages, replay and retention beside live traffic, starts",
} as const;
export type Group = keyof typeof GROUPS;

export interface Scenario {
	/** As in `--scenario NAME`. */
	readonly name: string;
	readonly group: Group;
	/** What it turns on, in a line. */
	readonly summary: string;
	/** What is shown and what is allowed, in order. */
	readonly budget: readonly Figure[];
	/** Takes so long that it only runs when it is named. */
	readonly onlyByName?: boolean;
	/** Measures once, on servers of its own. Throws if anything was lost or refused. */
	readonly run: (context: RunContext) => Promise<Measurements>;
}

/** What a run is given. */
export interface RunContext {
	readonly receiver: Receiver;
	/** How long to measure, and to warm up before. */
	readonly seconds: number;
	readonly warmUpSeconds: number;
	/** Whether only the harness is tried: then nothing need be waited for. */
	readonly quick: boolean;
	/** How many there are to be of something that is big on purpose: fewer in a quick run. */
	readonly size: (count: number) => number;
	/** A server in a process of its own, with an empty store or a copy of a prepared one. Dispose of it. */
	readonly startServer: (start?: ServerStart) => Promise<BenchServer>;
	/** A load generator in a process of its own. Dispose of it. */
	readonly startLoad: () => Promise<Child<LoadCalls>>;
	/** Made once for all runs with the same plan. */
	readonly prepareStore: (plan: StorePlan) => Promise<PreparedStore>;
	/** The floor with bodies of another size. */
	readonly measureFloor: (bodyBytes: number) => Promise<FloorMeasurements>;
	/** Something to say that is no figure, such as which of many was the worst. */
	readonly note: (text: string) => void;
}
