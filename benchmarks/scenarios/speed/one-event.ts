// One event per request in a closed loop: the throughput of a producer with many small sends.
import { measureThroughput, ONE_EVENT, SHOWN_WITH_THROUGHPUT } from "../../harness/measure/throughput.ts";
import type { Scenario } from "../../scenario.ts";

export const oneEvent: Scenario = {
	name: "one-event",
	group: "speed",
	summary: `one event of 1 KB per request, synced, ${ONE_EVENT.connections} connections, one webhook`,
	results: [
		{
			measurement: "deliveredPerS",
			label: "delivered per second",
			unit: "perSecond",
			floor: "deliveredPerS",
			limit: { atLeastOfFloor: 0.25 },
		},
		{
			measurement: "cpuUsPerEvent",
			label: "server CPU per delivered event",
			unit: "µs",
			floor: "cpuUsPerEvent",
			limit: { atMost: 60 },
		},
		...SHOWN_WITH_THROUGHPUT,
	],
	run: (context) => measureThroughput(context, ONE_EVENT),
};
