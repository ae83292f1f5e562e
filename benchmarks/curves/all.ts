// The growth curves: throughput against the backlog, the number of webhooks, and the size of the log.
import {
	BATCHES_OF_100,
	measureLoad,
	measureSpread,
	ONE_EVENT,
	type ThroughputOptions,
} from "../harness/measure/throughput.ts";
import type { StorePlan } from "../harness/store/store-copy.ts";
import type { Measurements, RunContext } from "../scenario.ts";
import type { Curve, CurveLoad } from "./curve.ts";

const WEBHOOKS = 100;
const LOADS: Readonly<Record<CurveLoad, ThroughputOptions>> = {
	"one event a request": ONE_EVENT,
	"batches of 100": BATCHES_OF_100,
};

export const CURVES: readonly Curve[] = [
	{
		name: "backlog",
		title: "Throughput against the backlog",
		description: "Delivered events per second to one webhook, while deliveries of 100 others wait for a later attempt.",
		xLabel: "deliveries waiting",
		xs: [0, 10_000, 100_000, 1_000_000],
		measure: (context, x, load) => measureOn(context, { ...filled(context, x), state: "later" }, load),
	},
	{
		name: "webhooks",
		title: "Throughput against the number of webhooks",
		description: "Delivered events per second, spread evenly over all webhooks, each of which has its own event type.",
		xLabel: "webhooks",
		xs: [1, 10, 100, 1_000, 10_000],
		measure: (context, x, load) => measureSpread(context, context.quick ? Math.min(x, 20) : x, LOADS[load]),
	},
	{
		name: "log",
		title: "Throughput against the size of the log",
		description: "Delivered events per second to one webhook, while the log has past events with their attempts.",
		xLabel: "events in the log",
		xs: [0, 10_000, 100_000, 1_000_000],
		measure: (context, x, load) => measureOn(context, { ...filled(context, x), perEvent: 1, state: "log" }, load),
	},
];

/** The plan of a store with this many deliveries. 0 stays 0 in a quick run. */
function filled(context: RunContext, deliveries: number): Omit<StorePlan, "state"> {
	const count = deliveries === 0 ? 0 : context.size(deliveries);
	return { webhooks: WEBHOOKS, wants: "all", deliveries: count, perEvent: WEBHOOKS };
}

/** Measures a load in a new project on a prepared store. */
async function measureOn(context: RunContext, plan: StorePlan, load: CurveLoad): Promise<Measurements> {
	const store = await context.prepareStore(plan);
	await using server = await context.startServer({ store });
	return await measureLoad(context, server, await server.newProject(context.receiver.url), LOADS[load]);
}
