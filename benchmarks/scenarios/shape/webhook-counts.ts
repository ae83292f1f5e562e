// The same events spread over 1, 100 and 10,000 webhooks: matching events, and a queue per webhook, must cost little.
import { named } from "../../harness/measure/steady.ts";
import { measureSpread, ONE_EVENT } from "../../harness/measure/throughput.ts";
import type { ResultLine, Measurements, RunContext, Scenario } from "../../scenario.ts";

const COUNTS = [1, 100, 10_000] as const;

export const webhookCounts: Scenario = {
	name: "webhook-counts",
	group: "shape",
	summary: `as one-event, spread over ${COUNTS.join(", ")} webhooks, each with its own event type`,
	results: COUNTS.flatMap((count): ResultLine[] => [
		{ measurement: `${count}.deliveredPerS`, label: `${count}: delivered per second`, unit: "perSecond" },
		{ measurement: `${count}.cpuUsPerEvent`, label: `${count}: server CPU per event`, unit: "µs" },
		{ measurement: `${count}.peakMb`, label: `${count}: server memory, peak`, unit: "MB" },
	]),
	run,
};

/** Measures each number of webhooks for half the time of other scenarios. */
async function run(context: RunContext): Promise<Measurements> {
	const shorter = { ...context, seconds: context.seconds / 2, warmUpSeconds: context.warmUpSeconds / 2 };
	const result: Record<string, number> = { sent: 0, received: 0 };
	for (const count of COUNTS) {
		const measured = await measureSpread(shorter, context.size(count), ONE_EVENT);
		result["sent"] = (result["sent"] ?? 0) + (measured["sent"] ?? 0);
		result["received"] = (result["received"] ?? 0) + (measured["received"] ?? 0);
		Object.assign(result, named(String(count), measured));
	}
	return result;
}
