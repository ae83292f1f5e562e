// A hundred events per request in a closed loop: the engine's throughput when accepting requests costs next to nothing.
import { BATCHES_OF_100, measureThroughput, SHOWN_WITH_THROUGHPUT } from "../../harness/measure/throughput.ts";
import type { Scenario } from "../../scenario.ts";

export const batchesOf100: Scenario = {
	name: "batches-of-100",
	group: "speed",
	summary: `100 events of 1 KB per request, synced, ${BATCHES_OF_100.connections} connections, one webhook`,
	results: [
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
			limit: { atMost: 40 },
		},
		...SHOWN_WITH_THROUGHPUT,
	],
	run: (context) => measureThroughput(context, BATCHES_OF_100),
};
