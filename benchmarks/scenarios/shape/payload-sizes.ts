// Events of 1, 10 and 100 KB: the cost of a byte as compared with the cost of an event.
import { named } from "../../harness/measure/steady.ts";
import { measureLoad, ONE_EVENT } from "../../harness/measure/throughput.ts";
import type { ResultLine, Measurements, RunContext, Scenario } from "../../scenario.ts";

const SIZES_KB = [1, 10, 100] as const;
/** Fewer than for small events: the server accepts 64 MiB of request bodies at the same time. */
const CONNECTIONS = 64;

export const payloadSizes: Scenario = {
	name: "payload-sizes",
	group: "shape",
	summary: `one event of ${SIZES_KB.join(", ")} KB per request, synced, ${CONNECTIONS} connections, one webhook`,
	results: SIZES_KB.flatMap((size): ResultLine[] => [
		{ measurement: `${size}kB.deliveredPerS`, label: `${size} KB: delivered per second`, unit: "perSecond" },
		{ measurement: `${size}kB.ofFloor`, label: `${size} KB: ratio to that floor`, unit: "×" },
		{ measurement: `${size}kB.cpuUsPerEvent`, label: `${size} KB: server CPU per event`, unit: "µs" },
		{ measurement: `${size}kB.peakMb`, label: `${size} KB: server memory, peak`, unit: "MB" },
	]),
	run,
};

/** Measures each size for half the time of other scenarios. */
async function run(context: RunContext): Promise<Measurements> {
	const { receiver } = context;
	const shorter = { ...context, seconds: context.seconds / 2, warmUpSeconds: context.warmUpSeconds / 2 };
	const result: Record<string, number> = { sent: 0, received: 0 };
	for (const size of SIZES_KB) {
		const bodyBytes = size * 1_024;
		const floor = await context.measureFloor(bodyBytes);
		await using server = await context.startServer();
		const target = await server.newProject(receiver.url);
		const measured = await measureLoad(shorter, server, target, { ...ONE_EVENT, connections: CONNECTIONS, bodyBytes });
		result["sent"] = (result["sent"] ?? 0) + (measured["sent"] ?? 0);
		result["received"] = (result["received"] ?? 0) + (measured["received"] ?? 0);
		const ofFloor = (measured["deliveredPerS"] ?? Number.NaN) / floor.deliveredPerS;
		Object.assign(result, named(`${size}kB`, { ...measured, ofFloor }));
	}
	return result;
}
