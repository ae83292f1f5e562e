// The same events spread over 10 and 2,000 webhooks whose rate limits are below what is sent: nearly all lanes wait for their
// limit all the time. An attempt must not cost more because more lanes wait.
import { named } from "../../harness/measure/steady.ts";
import { measureSpread, ONE_EVENT } from "../../harness/measure/throughput.ts";
import type { ResultLine, Measurements, RunContext, Scenario } from "../../scenario.ts";

const COUNTS = [10, 2_000] as const;
/** Attempts per second that all webhooks may get together: less than the server accepts, also on a slow machine. */
const TOTAL_PER_S = 2_000;

export const rateLimits: Scenario = {
	name: "rate-limits",
	group: "shape",
	summary: `as one-event, spread over ${COUNTS.join(" and ")} webhooks whose rate limits add up to ${TOTAL_PER_S} a second`,
	results: [
		...COUNTS.flatMap((count): ResultLine[] => [
			{ measurement: `${count}.deliveredPerS`, label: `${count}: delivered per second`, unit: "perSecond" },
			{ measurement: `${count}.cpuUsPerEvent`, label: `${count}: server CPU per event`, unit: "µs" },
		]),
		{
			measurement: "cpuRatio",
			label: `CPU per event, ${COUNTS[1]} ÷ ${COUNTS[0]} webhooks`,
			unit: "×",
			limit: { atMost: 1.5 },
		},
	],
	run,
};

/** Measures each number of webhooks for half the time of other scenarios. */
async function run(context: RunContext): Promise<Measurements> {
	const shorter = { ...context, seconds: context.seconds / 2, warmUpSeconds: context.warmUpSeconds / 2 };
	const result: Record<string, number> = { sent: 0, received: 0 };
	const cpu: number[] = [];
	for (const count of COUNTS) {
		const webhooks = context.size(count);
		const ratePerS = Math.max(1, Math.floor(TOTAL_PER_S / webhooks));
		const measured = await measureSpread(shorter, webhooks, ONE_EVENT, ratePerS);
		result["sent"] = (result["sent"] ?? 0) + (measured["sent"] ?? 0);
		result["received"] = (result["received"] ?? 0) + (measured["received"] ?? 0);
		cpu.push(measured["cpuUsPerEvent"] ?? Number.NaN);
		Object.assign(result, named(String(count), measured));
	}
	const [few = Number.NaN, many = Number.NaN] = cpu;
	return { ...result, cpuRatio: many / few };
}
