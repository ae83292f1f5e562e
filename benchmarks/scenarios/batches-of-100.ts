// A hundred events a request, as fast as it goes: what the engine costs when HTTP in costs next to nothing.
import { measureThroughput, SHOWN_WITH_THROUGHPUT } from "../harness/throughput.ts";
import type { Scenario } from "../scenario.ts";

const CONNECTIONS = 8;
const BATCH_SIZE = 100;

export const batchesOf100: Scenario = {
	name: "batches-of-100",
	summary: `${BATCH_SIZE} events of 1 KB a request, synced, ${CONNECTIONS} connections, one webhook`,
	budget: [
		{
			measurement: "deliveredPerS",
			label: "delivered per second",
			unit: "perSecond",
			floor: "deliveredPerS",
			limit: { atLeastOfFloor: 0.5 },
		},
		{
			measurement: "cpuUsPerEvent",
			label: "server CPU per delivered event",
			unit: "µs",
			floor: "cpuUsPerEvent",
			limit: { atMost: 50 },
		},
		...SHOWN_WITH_THROUGHPUT,
	],
	run: (context) => measureThroughput(context, { connections: CONNECTIONS, batchSize: BATCH_SIZE }),
};
