// The same events at the same rate to webhooks and to relays: what a delivery by relay costs the server.
import { setTimeout as sleep } from "node:timers/promises";

import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import { putRelays } from "../../harness/server/relay-plan.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const WEBHOOKS = 25;
const RATE_PER_S = 500;
const CONNECTIONS = 64;
/** Time for the outcomes of the last attempts to be written, which are part of the cost. */
const SETTLE_MS = 250;
const ANSWERED_WITHIN_MS = 60_000;

export const relayDeliveries: Scenario = {
	name: "relay-deliveries",
	group: "speed",
	summary: `${RATE_PER_S} events per second one by one to ${WEBHOOKS} webhooks, and then to ${WEBHOOKS} relays`,
	results: [
		{ measurement: "cpuRatio", label: "CPU of one by relay ÷ by webhook", unit: "×", limit: { atMost: 2 } },
		{ measurement: "relay.cpuUs", label: "by relay: server CPU per delivery", unit: "µs", floor: "cpuUsPerEvent" },
		{ measurement: "webhook.cpuUs", label: "by webhook: server CPU per delivery", unit: "µs", floor: "cpuUsPerEvent" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const webhook = await toWebhooks(context);
	const relay = await toRelays(context);
	return {
		sent: webhook.count + relay.count,
		received: webhook.count + relay.count,
		cpuRatio: relay.cpuUs / webhook.cpuUs,
		"relay.cpuUs": relay.cpuUs,
		"webhook.cpuUs": webhook.cpuUs,
	};
}

async function toWebhooks(context: RunContext): Promise<{ readonly count: number; readonly cpuUs: number }> {
	const { receiver, seconds } = context;
	await using server = await context.startServer();
	await using load = await context.startLoad();
	const target = await server.newProject(receiver.url, WEBHOOKS);
	await warmUp(context, { server, load, target });
	const count = Math.ceil((RATE_PER_S * seconds) / 2);
	const series = await receiver.newSeries();
	const meter = await CpuMeter.start({ server: server.pid });
	const loop = { ...target, series, ratePerS: RATE_PER_S, connections: CONNECTIONS, count };
	await server.whileAlive(load.call("openLoop", loop));
	await server.whileAlive(receiver.waitFor(count));
	await sleep(SETTLE_MS);
	const cpuUs = (await meter.read()).server.cpuUs / count;
	await server.checkNothingPending(target.projectId);
	return { count, cpuUs };
}

async function toRelays(context: RunContext): Promise<{ readonly count: number; readonly cpuUs: number }> {
	const { seconds, warmUpSeconds } = context;
	await using server = await context.startServer();
	await using load = await context.startLoad();
	await using clients = await context.startRelayClients();
	const [relays = []] = await putRelays(server.client, { projects: 1, ofEach: WEBHOOKS, wants: "own" });
	const projectId = relays[0]?.projectId ?? "";
	await clients.call("open", { serverUrl: server.url, key: server.key, relays });
	const target = server.target(projectId, WEBHOOKS);
	let answered = 0;
	const answers = async (count: number) => {
		answered += count;
		const until = { count: answered, timeoutMs: ANSWERED_WITHIN_MS };
		const { repeated } = await server.whileAlive(clients.call("waitFor", until));
		if (repeated > 0) throw new Error(`${repeated} requests came again to clients that had answered them`);
	};
	const warm = { ...target, series: 0, connections: CONNECTIONS, batchSize: 1, seconds: warmUpSeconds };
	await answers((await server.whileAlive(load.call("closedLoop", warm))).acknowledged);
	await sleep(SETTLE_MS);

	const count = Math.ceil((RATE_PER_S * seconds) / 2);
	const meter = await CpuMeter.start({ server: server.pid });
	const loop = { ...target, series: 0, ratePerS: RATE_PER_S, connections: CONNECTIONS, count };
	await server.whileAlive(load.call("openLoop", loop));
	await answers(count);
	await sleep(SETTLE_MS);
	const cpuUs = (await meter.read()).server.cpuUs / count;
	await server.checkNothingPending(projectId);
	await clients.call("close");
	return { count, cpuUs };
}
