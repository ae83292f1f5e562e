import type { LoadCalls } from "./children/load.ts";
// What a scenario is: one small file that turns one thing on, measures it, and says what is allowed.
import type { BenchServer } from "./harness/bench-server.ts";
import type { Child } from "./harness/child.ts";
import type { Receiver } from "./harness/receiver.ts";

/** What one run measured, by name. */
export type Measurements = Readonly<Record<string, number>>;

/** How a figure is written. */
export type Unit = "perSecond" | "count" | "µs" | "ms" | "MB" | "%";

/** What is allowed: a value, or a ratio to the floor. */
export type Limit = { readonly atMost: number } | { readonly atLeastOfFloor: number };

/** One line of the result: a measurement, and what is allowed for it. */
export interface Figure {
	/** Which of the scenario's measurements. */
	readonly measurement: string;
	readonly label: string;
	readonly unit: Unit;
	/** The floor's measurement to set it against. */
	readonly floor?: keyof FloorMeasurements;
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

export interface Scenario {
	/** As in `--scenario NAME`. */
	readonly name: string;
	/** What it turns on, in a line. */
	readonly summary: string;
	/** What is shown and what is allowed, in order. */
	readonly budget: readonly Figure[];
	/** Measures once, on a server of its own. Throws if anything was lost or refused. */
	readonly run: (context: RunContext) => Promise<Measurements>;
}

/** What a run is given. */
export interface RunContext {
	readonly receiver: Receiver;
	/** How long to measure, and to warm up before. */
	readonly seconds: number;
	readonly warmUpSeconds: number;
	/** A server with an empty store, in a process of its own. Dispose of it. */
	readonly startServer: () => Promise<BenchServer>;
	/** A load generator in a process of its own. Dispose of it. */
	readonly startLoad: () => Promise<Child<LoadCalls>>;
}
