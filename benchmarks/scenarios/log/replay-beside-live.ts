// A replay of a million events beside live traffic, whose latency must stay low.
import { besideLiveResults, startTraffic, together } from "../../harness/measure/beside-live.ts";
import { nowMs } from "../../harness/measure/clock.ts";
import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { prepareBigLog } from "../../harness/store/big-log.ts";
import { beginReplay, replayNow } from "../../harness/store/big-replay.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

export const replayBesideLive: Scenario = {
	name: "replay-beside-live",
	group: "log",
	summary: "100 and 1,000 events per second with and without a replay of 1,000,000 events to one webhook",
	results: [
		...besideLiveResults("replay"),
		{ measurement: "replayedPerS", label: "replayed per second", unit: "perSecond" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const store = await prepareBigLog(context);
	await using server = await context.startServer({ store, settings: { FANFARE_SHUTDOWN_GRACE_MS: "0" } });
	await using load = await context.startLoad();
	const traffic = await startTraffic(context, server, load);
	const seconds = context.seconds / 2;
	const without = await traffic.measure("without", seconds);

	const meter = await CpuMeter.start({ server: server.pid });
	const replayId = await beginReplay(server, store);
	const startedAt = nowMs();
	const beside = await traffic.measure("with", seconds);
	const { status, deliveryCount } = await replayNow(server, store, replayId);
	const elapsedMs = nowMs() - startedAt;
	const cpu = await meter.read();
	if (status !== "Running") context.note("the replay ended before the measurement did");
	return {
		...together(without, beside),
		replayedPerS: (deliveryCount / elapsedMs) * 1_000,
		serverCores: cpu.server.cores,
		peakMb: await server.peakMb(),
	};
}
