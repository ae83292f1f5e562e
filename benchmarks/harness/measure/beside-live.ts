// Measures live traffic at fixed rates, with and without heavy background work.
import type { LoadCalls } from "../../children/load.ts";
import type { ResultLine, Measurements, RunContext } from "../../scenario.ts";
import type { Child } from "../process/child.ts";
import type { BenchServer } from "../server/bench-server.ts";
import { latencyResults, measureSteady, named, type SteadyLoad } from "./steady.ts";
import { warmUp } from "./throughput.ts";

const RATES_PER_S = [100, 1_000] as const;

/** Result lines for both rates, with and without the background work. Only those with it are judged. */
export function besideLiveResults(what: string): ResultLine[] {
	return RATES_PER_S.flatMap((rate) => [
		...latencyResults(`with${rate}`, `${rate}/s, ${what}`, true),
		...latencyResults(`without${rate}`, `${rate}/s alone`, false),
	]);
}

export interface LiveTraffic {
	/** Measures both rates; the names of the measurements begin with `prefix`. */
	measure(prefix: "with" | "without", seconds: number): Promise<Measurements>;
}

/** Creates a project for the traffic, and warms the server up. */
export async function startTraffic(
	context: RunContext,
	server: BenchServer,
	load: Child<LoadCalls>,
): Promise<LiveTraffic> {
	const { receiver } = context;
	const target = await server.newProject(receiver.url);
	const at = (ratePerS: number): SteadyLoad => ({ server, load, receiver, target, ratePerS });
	await warmUp(context, { server, load, target });
	return {
		async measure(prefix, seconds) {
			const result: Record<string, number> = { sent: 0, received: 0 };
			for (const rate of RATES_PER_S) {
				const latencies = await measureSteady(at(rate), seconds);
				result["sent"] = (result["sent"] ?? 0) + latencies.sent;
				result["received"] = (result["received"] ?? 0) + latencies.received;
				Object.assign(result, named(`${prefix}${rate}`, latencies));
			}
			return result;
		},
	};
}

/** The measurements of both; `sent` and `received` are the sums. */
export function together(some: Measurements, more: Measurements): Record<string, number> {
	const sum = (name: string) => (some[name] ?? 0) + (more[name] ?? 0);
	return { ...some, ...more, sent: sum("sent"), received: sum("received") };
}
