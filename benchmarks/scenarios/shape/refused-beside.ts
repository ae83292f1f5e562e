// A client without a key is refused without a pause on many connections. A project's sends must not notice.
import { setTimeout as sleep } from "node:timers/promises";

import { measureSteady, named, type Latencies } from "../../harness/measure/steady.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import { newKey } from "../../harness/server/bench-server.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

/** Connections of the client that is refused. */
const CONNECTIONS = 100;
/** What the project sends. */
const RATE_PER_S = 200;
/** The client uses up what it may have at once before that. */
const WARM_MS = 2_000;
const UNKNOWN_KEY = 401;
const NO_BOUND = { FANFARE_MAX_REFUSALS_PER_SECOND: "0" };

export const refusedBeside: Scenario = {
	name: "refused-beside",
	group: "shape",
	summary: `${RATE_PER_S} events per second of a project, with and without ${CONNECTIONS} connections that are refused without a pause, with and without the bound on refusals`,
	results: [
		{ measurement: "p99Ratio", label: "sends: acknowledged p99 ÷ without", unit: "×", limit: { atMost: 2 } },
		{ measurement: "alone.acknowledgedP50Ms", label: "alone: acknowledged, p50", unit: "ms" },
		{ measurement: "alone.acknowledgedP99Ms", label: "alone: acknowledged, p99", unit: "ms" },
		{ measurement: "beside.acknowledgedP50Ms", label: "refusals: acknowledged, p50", unit: "ms" },
		{ measurement: "beside.acknowledgedP99Ms", label: "refusals: acknowledged, p99", unit: "ms" },
		{ measurement: "refusedPerS", label: "refused", unit: "perSecond" },
		{ measurement: "unbounded.acknowledgedP50Ms", label: "without the bound: acknowledged, p50", unit: "ms" },
		{ measurement: "unbounded.acknowledgedP99Ms", label: "without the bound: acknowledged, p99", unit: "ms" },
		{ measurement: "unboundedPerS", label: "without the bound: refused", unit: "perSecond" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const bounded = await measured(context, {});
	const unbounded = await measured(context, NO_BOUND);
	const all = [bounded.alone, bounded.beside, unbounded.beside];
	return {
		sent: all.reduce((sum, { sent }) => sum + sent, 0),
		received: all.reduce((sum, { received }) => sum + received, 0),
		p99Ratio: bounded.beside.acknowledgedP99Ms / bounded.alone.acknowledgedP99Ms,
		...named("alone", bounded.alone),
		...named("beside", bounded.beside),
		refusedPerS: bounded.refusedPerS,
		...named("unbounded", unbounded.beside),
		unboundedPerS: unbounded.refusedPerS,
	};
}

interface Measured {
	readonly alone: Latencies;
	readonly beside: Latencies;
	readonly refusedPerS: number;
}

/** Measures on a server with these settings. */
async function measured(context: RunContext, settings: Readonly<Record<string, string>>): Promise<Measured> {
	const { receiver, seconds } = context;
	await using server = await context.startServer({ settings });
	await using load = await context.startLoad();
	await using refused = await context.startLoad();
	const target = await server.newProject(receiver.url);
	await warmUp(context, { server, load, target });
	const steady = { server, load, receiver, target, ratePerS: RATE_PER_S };
	const alone = await measureSteady(steady, seconds / 3);
	const asked = {
		serverUrl: server.url,
		key: newKey(),
		paths: ["/workspace"],
		connections: CONNECTIONS,
		status: UNKNOWN_KEY,
	};
	const asking = server.whileAlive(refused.call("read", asked));
	const measureBeside = async (): Promise<Latencies> => {
		await sleep(WARM_MS);
		const latencies = await measureSteady(steady, seconds / 3);
		await refused.call("endReading");
		return latencies;
	};
	const [{ pages, elapsedMs }, beside] = await Promise.all([asking, measureBeside()]);
	return { alone, beside, refusedPerS: (pages / elapsedMs) * 1_000 };
}
