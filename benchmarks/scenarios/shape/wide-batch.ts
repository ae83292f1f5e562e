// A batch of events that thousands of webhooks want, while another project sends one event after the other: the other project must not
// notice, and memory must not grow with the number of deliveries.
import { setTimeout as sleep } from "node:timers/promises";

import { percentile } from "@fanfare/testkit/report/percentiles";

import { nowMs } from "../../harness/measure/clock.ts";
import { measureSteady, sendMeanwhile } from "../../harness/measure/steady.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import { makeProject } from "../../harness/server/webhook-plan.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

export const DEFAULT_WIDE_EVENTS = 1_000;
const WEBHOOKS = 3_000;
/** What the other project sends. */
const RATE_PER_S = 100;
/** So short that one batch is sent. */
const ONCE_S = 0.001;

export const wideBatch: Scenario = {
	name: "wide-batch",
	group: "shape",
	summary: `a batch of ${DEFAULT_WIDE_EVENTS} events to ${WEBHOOKS} webhooks while another project sends ${RATE_PER_S} events per second`,
	takes: "events",
	results: [
		{ measurement: "longestMs", label: "other project: longest wait", unit: "ms", limit: { atMost: 250 } },
		{ measurement: "memoryMb", label: "memory, peak over before", unit: "MB", limit: { atMost: 150 } },
		{ measurement: "p99Ms", label: "other project: acknowledged p99", unit: "ms" },
		{ measurement: "receivedShare", label: "other project: received ÷ sent", unit: "×", limit: { atLeast: 0.95 } },
		{ measurement: "aloneLongestMs", label: "before the batch: longest wait", unit: "ms" },
		{ measurement: "aloneP99Ms", label: "before the batch: acknowledged p99", unit: "ms" },
		{ measurement: "answeredS", label: "batch answered after", unit: "s" },
		{ measurement: "deliveries", label: "deliveries of the batch", unit: "count" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const { receiver, seconds } = context;
	// Without a grace period, the stop does not wait for the deliveries of the batch.
	await using server = await context.startServer({ settings: { FANFARE_SHUTDOWN_GRACE_MS: "0" } });
	await using load = await context.startLoad();
	await using batchLoad = await context.startLoad();
	const target = await server.newProject(receiver.url);
	const count = context.size(WEBHOOKS);
	const { projectId } = await makeProject(server.client, { count, endpoint: () => receiver.bulkUrl, wants: "all" });
	await warmUp(context, { server, load, target });

	const steady = { server, load, receiver, target, ratePerS: RATE_PER_S };
	const alone = await measureSteady(steady, seconds / 2);
	const beforeMb = await server.residentMb();
	await server.forgetPeak();
	const batchSize = context.events ?? context.size(DEFAULT_WIDE_EVENTS);
	const batch = { ...server.target(projectId), series: 0, connections: 1, batchSize, seconds: ONCE_S };
	const { result, acknowledgedMs, received } = await sendMeanwhile(steady, async () => {
		const startedAt = nowMs();
		const sent = await batchLoad.call("closedLoop", batch);
		// The batch may keep the server busy after its answer.
		await sleep(Math.max(0, startedAt + seconds * 1_000 - nowMs()));
		return sent;
	});
	const peakMb = await server.peakMb();
	return {
		sent: alone.sent,
		received: alone.received,
		longestMs: percentile(acknowledgedMs, 1),
		p99Ms: percentile(acknowledgedMs, 0.99),
		receivedShare: received / acknowledgedMs.length,
		aloneLongestMs: alone.acknowledgedMaxMs,
		aloneP99Ms: alone.acknowledgedP99Ms,
		answeredS: (result.endedAt - result.startedAt) / 1_000,
		deliveries: result.acknowledged * count,
		memoryMb: Math.max(0, peakMb - beforeMb),
		peakMb,
	};
}
