// Measures the floor: a bare undici pump that sends the same signed POSTs to the same receiver, without store and API.
import type { FloorPumpCalls } from "../../children/floor-pump.ts";
import type { FloorMeasurements } from "../../scenario.ts";
import type { Child } from "../process/child.ts";
import type { Receiver } from "../server/receiver.ts";
import { CpuMeter } from "./cpu-meter.ts";

/** The server may have more attempts in flight to one webhook: up to 256. */
const CONNECTIONS = 64;

interface FloorContext {
	readonly receiver: Receiver;
	readonly seconds: number;
	readonly warmUpSeconds: number;
	readonly bodyBytes: number;
	readonly startPump: () => Promise<Child<FloorPumpCalls>>;
}

export async function measureFloor(context: FloorContext): Promise<FloorMeasurements> {
	const { receiver, seconds, warmUpSeconds, bodyBytes } = context;
	await using pump = await context.startPump();
	const target = { url: receiver.url, connections: CONNECTIONS, bodyBytes };
	const warmUp = { ...target, series: await receiver.newSeries(), seconds: warmUpSeconds };
	await receiver.waitFor((await pump.call("pump", warmUp)).posted);
	const series = await receiver.newSeries();
	const meter = await CpuMeter.start({ pump: pump.pid, receiver: receiver.pid });
	const { posted, startedAt } = await pump.call("pump", { ...target, series, seconds });
	const { received, lastAt } = await receiver.waitFor(posted);
	const cpu = await meter.read();
	return {
		deliveredPerS: (received / (lastAt - startedAt)) * 1_000,
		cpuUsPerEvent: cpu.pump.cpuUs / received,
		pumpCores: cpu.pump.cores,
		receiverCores: cpu.receiver.cores,
	};
}
