// The first start on a store of version 0.1 with a million deliveries, whose rows it moves to today's form: once without a pause, and once with
// an end of the process half way.
import { named } from "../../harness/measure/steady.ts";
import type { Upgrade } from "../../harness/store/upgrade.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";

const DELIVERIES = 1_000_000;
const WEBHOOKS = 100;
const HALF = 0.5;
/** The few rows of a quick run are moved at once, so its server is killed as soon as it is started. */
const QUICK_SHARE = 0;

export const migrate1m: Scenario = {
	name: "migrate-1m",
	group: "log",
	summary:
		"the first start on a store of version 0.1 with 1,000,000 deliveries: until it is ready, memory and disk; again with a kill half way",
	// Its store takes minutes, and needs the commit of version 0.1.
	onlyByName: true,
	results: [
		...linesOf("whole", "", 60),
		...linesOf("killed", "killed half way: ", null),
		{ measurement: "beforeMb", label: "store before", unit: "MB" },
	],
	run,
};

function linesOf(name: string, label: string, withinS: number | null): ResultLine[] {
	return [
		{
			measurement: `${name}.seconds`,
			label: `${label}ready after`,
			unit: "s",
			...(withinS !== null && { limit: { atMost: withinS } }),
		},
		{
			measurement: `${name}.diskRatio`,
			label: `${label}disk, most ÷ before`,
			unit: "×",
			limit: { atMost: 1.5 },
		},
		{ measurement: `${name}.afterRatio`, label: `${label}disk after ÷ before`, unit: "×" },
		{ measurement: `${name}.peakMb`, label: `${label}memory, peak`, unit: "MB" },
		{ measurement: `${name}.cpuS`, label: `${label}CPU`, unit: "s" },
		{ measurement: `${name}.longestHealthMs`, label: `${label}/healthz, longest wait`, unit: "ms" },
	];
}

async function run(context: RunContext): Promise<Measurements> {
	const deliveries = context.size(DELIVERIES);
	const plan = { webhooks: WEBHOOKS, wants: "all", deliveries, perEvent: 1, state: "log" } as const;
	const store = await context.prepareFirstStore(plan);
	const whole = await context.measureUpgrade(store, null);
	const killed = await context.measureUpgrade(store, context.quick ? QUICK_SHARE : HALF);
	return {
		sent: deliveries,
		received: deliveries,
		...named("whole", measurementsOf(whole)),
		...named("killed", measurementsOf(killed)),
		beforeMb: whole.beforeBytes / 1e6,
	};
}

function measurementsOf({ beforeBytes, peakBytes, afterBytes, ...same }: Upgrade): Measurements {
	return { ...same, diskRatio: peakBytes / beforeBytes, afterRatio: afterBytes / beforeBytes };
}
