// A replay of a million events without other traffic, until the last delivery has come.
import { nowMs } from "../../harness/measure/clock.ts";
import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { prepareBigLog } from "../../harness/store/big-log.ts";
import { beginReplay, replayNow } from "../../harness/store/big-replay.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

export const replayToEnd: Scenario = {
	name: "replay-to-end",
	group: "log",
	summary: "a replay of 1,000,000 events to one webhook until the last delivery has come (takes minutes)",
	onlyByName: true,
	results: [
		{ measurement: "seconds", label: "from the call to the last delivery", unit: "s" },
		{ measurement: "replayedPerS", label: "replayed per second", unit: "perSecond" },
		{ measurement: "cpuUsPerDelivery", label: "server CPU per delivery", unit: "µs" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const { receiver } = context;
	const store = await prepareBigLog(context);
	await receiver.newSeries();
	await using server = await context.startServer({ store });
	const meter = await CpuMeter.start({ server: server.pid });
	const startedAt = nowMs();
	const replayId = await beginReplay(server, store);
	const { deliveryCount } = await server.whileAlive(
		server.client.project(store.projectId).replays.wait(replayId, { everyMs: 500 }),
	);
	const { bulk, bulkLastAt } = await server.whileAlive(receiver.waitForBulk(deliveryCount));
	const cpu = await meter.read();
	const { status } = await replayNow(server, store, replayId);
	if (status !== "Finished") throw new Error(`the replay ended as ${status}`);
	return {
		sent: deliveryCount,
		received: bulk,
		seconds: (bulkLastAt - startedAt) / 1_000,
		replayedPerS: (bulk / (bulkLastAt - startedAt)) * 1_000,
		cpuUsPerDelivery: cpu.server.cpuUs / bulk,
		peakMb: await server.peakMb(),
	};
}
