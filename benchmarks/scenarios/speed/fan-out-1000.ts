// One event to a thousand webhooks: the cost of a delivery when accepting costs next to nothing.
import { setTimeout as sleep } from "node:timers/promises";

import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { makeProject } from "../../harness/server/webhook-plan.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const WEBHOOKS = 1_000;
/** Ten thousand deliveries per second, well below the limit. */
const RATE_PER_S = 10;
const CONNECTIONS = 16;
const SETTLE_MS = 500;

export const fanOut1000: Scenario = {
	name: "fan-out-1000",
	group: "speed",
	summary: `one event to ${WEBHOOKS} webhooks, ${RATE_PER_S} times per second`,
	results: [
		{ measurement: "cpuUsPerDelivery", label: "server CPU per delivery", unit: "µs", limit: { atMost: 30 } },
		{ measurement: "deliveredPerS", label: "deliveries per second", unit: "perSecond" },
		{ measurement: "acknowledgedP99Ms", label: "send acknowledged, longest", unit: "ms" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const { receiver, seconds, warmUpSeconds } = context;
	await using server = await context.startServer();
	await using load = await context.startLoad();
	const count = context.size(WEBHOOKS);
	const project = await makeProject(server.client, { count, endpoint: () => receiver.bulkUrl, wants: "all" });
	const loop = { ...server.target(project.projectId), ratePerS: RATE_PER_S, connections: CONNECTIONS };

	const send = async (forSeconds: number) => {
		const events = Math.ceil(RATE_PER_S * forSeconds);
		const series = await receiver.newSeries();
		const times = await server.whileAlive(load.call("openLoop", { ...loop, series, count: events }));
		const { bulk, bulkLastAt } = await server.whileAlive(receiver.waitForBulk(events * count));
		await sleep(SETTLE_MS);
		return { ...times, events, bulk, bulkLastAt };
	};
	await send(warmUpSeconds);
	const meter = await CpuMeter.start({ server: server.pid, load: load.pid, receiver: receiver.pid });
	const { events, bulk, bulkLastAt, intendedAt, acknowledgedAt } = await send(seconds);
	const cpu = await meter.read();
	await server.checkNothingPending(project.projectId);
	return {
		sent: events * count,
		received: bulk,
		cpuUsPerDelivery: cpu.server.cpuUs / bulk,
		deliveredPerS: (bulk / (bulkLastAt - (intendedAt[0] ?? 0))) * 1_000,
		acknowledgedP99Ms: Math.max(...acknowledgedAt.map((time, index) => time - (intendedAt[index] ?? 0))),
		peakMb: await server.peakMb(),
		serverCores: cpu.server.cores,
		loadCores: cpu.load.cores,
		receiverCores: cpu.receiver.cores,
	};
}
