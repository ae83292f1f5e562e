// Ten of a hundred webhooks accept connections and never respond. The others must not be affected.
import { setTimeout as sleep } from "node:timers/promises";

import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { measureSteady, named } from "../../harness/measure/steady.ts";
import { ONE_EVENT } from "../../harness/measure/throughput.ts";
import type { BenchServer } from "../../harness/server/bench-server.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const WEBHOOKS = 100;
const HANGING = 10;
/** What fails in the warm-up: so few events for each webhook that all attempts are in flight at once. */
const FAILING = 20;
const FAILURES = 200;
const FAIL_S = 1;
const FAIL_AFTER_MS = 1_000;
/** The rate for the latency measurement, below the server's limit. */
const RATE_PER_S = 2_000;

export const tenOfHundredHang: Scenario = {
	name: "ten-of-hundred-hang",
	group: "shape",
	summary: `${WEBHOOKS} webhooks with and without ${HANGING} that never respond: in a closed loop, then at ${RATE_PER_S}/s`,
	results: [
		{ measurement: "rateRatio", label: "healthy: rate ÷ rate if none hang", unit: "×", limit: { atLeast: 0.9 } },
		{ measurement: "p99Ratio", label: "healthy: p99 ÷ p99 if none hang", unit: "×", limit: { atMost: 1.5 } },
		{ measurement: "none.healthyPerS", label: "none hang: healthy per second", unit: "perSecond" },
		{ measurement: "some.healthyPerS", label: "some hang: healthy per second", unit: "perSecond" },
		{ measurement: "none.receivedP99Ms", label: "none hang: received, p99", unit: "ms" },
		{ measurement: "some.receivedP99Ms", label: "some hang: received, p99", unit: "ms" },
		{ measurement: "some.waiting", label: "waiting for those that hang", unit: "count" },
		{ measurement: "some.peakMb", label: "some hang: memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const none = await measure(context, false);
	const some = await measure(context, true);
	return {
		sent: none.sent + some.sent,
		received: none.received + some.received,
		rateRatio: some.healthyPerS / none.healthyPerS,
		p99Ratio: some.receivedP99Ms / none.receivedP99Ms,
		...named("none", none),
		...named("some", some),
	};
}

/** Measures once. The same ninety webhooks count as healthy in both runs, so that the rates can be compared. */
async function measure(context: RunContext, someHang: boolean) {
	const { receiver, seconds, warmUpSeconds } = context;
	const isHealthy = (sequence: number) => sequence % WEBHOOKS >= HANGING;
	const isCounted = (sequence: number) => !someHang || isHealthy(sequence);
	// Without a grace period, the stop does not wait for attempts in flight.
	await using server = await context.startServer({ settings: { FANFARE_SHUTDOWN_GRACE_MS: "0" } });
	await using load = await context.startLoad();
	const endpoint = (number: number) => (isCounted(number) ? receiver.url : receiver.neverUrl);
	const target = await server.newProject(endpoint, WEBHOOKS);

	const send = async (forSeconds: number) => {
		const loop = { ...target, ...ONE_EVENT, series: await receiver.newSeries(), seconds: forSeconds };
		const { acknowledged, startedAt } = await server.whileAlive(load.call("closedLoop", loop));
		const count = countWhere(acknowledged, isCounted);
		const { lastAt } = await server.whileAlive(receiver.waitFor(count));
		return { count, acknowledged, elapsedMs: lastAt - startedAt };
	};
	await send(warmUpSeconds);
	await warmUpFailures(context, server, load);
	await send(warmUpSeconds);
	const meter = await CpuMeter.start({ server: server.pid });
	const fast = await send(seconds);
	const cpu = await meter.read();
	const { hanging } = await receiver.counts();
	const steady = { server, load, receiver, target, ratePerS: RATE_PER_S, answers: isCounted };
	await measureSteady(steady, warmUpSeconds / 2);
	const latencies = await measureSteady(steady, seconds / 2);
	return {
		...latencies,
		sent: fast.count + latencies.sent,
		received: fast.count + latencies.received,
		healthyPerS: (countWhere(fast.acknowledged, isHealthy) / fast.elapsedMs) * 1_000,
		cpuUsPerEvent: cpu.server.cpuUs / fast.acknowledged,
		waiting: fast.acknowledged - fast.count,
		attemptsThatHang: hanging,
		peakMb: await server.peakMb(),
	};
}

/**
 * Lets attempts and retries of other webhooks fail, as those that hang do later. Otherwise the first failures would come in the
 * measurement: V8 then throws away the code that it has optimised for successes alone.
 */
async function warmUpFailures(
	{ receiver }: RunContext,
	server: BenchServer,
	load: Awaited<ReturnType<RunContext["startLoad"]>>,
): Promise<void> {
	const target = await server.newProject(receiver.neverUrl, FAILING, { failAfterMs: FAIL_AFTER_MS });
	const series = await receiver.newSeries();
	const loop = { ...target, series, ratePerS: FAILURES / FAIL_S, connections: FAILING, count: FAILURES };
	await server.whileAlive(load.call("openLoop", loop));
	const timeouts = 'fanfare_attempts_total{result="failure",error="timeout"}';
	while ((await server.metric(timeouts)) < 2 * FAILURES) await sleep(FAIL_AFTER_MS / 4);
}

function countWhere(count: number, counts: (sequence: number) => boolean): number {
	let sum = 0;
	for (let sequence = 0; sequence < count; sequence++) if (counts(sequence)) sum++;
	return sum;
}
