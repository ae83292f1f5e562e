// All webhooks of a project accept connections and never respond. Another project must not notice.
import { setTimeout as sleep } from "node:timers/promises";

import { measureSteady, named } from "../../harness/measure/steady.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import { makeProject } from "../../harness/server/webhook-plan.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const WEBHOOKS = 2_000;
/** Sent to the project that hangs: more deliveries than can be in memory. */
const EVENTS = 15;
/** So short that one batch is sent. */
const ONCE_S = 0.001;
const SETTLE_MS = 500;
/** What the other project sends. */
const RATE_PER_S = 500;

export const projectHangs: Scenario = {
	name: "project-hangs",
	group: "shape",
	summary: `${RATE_PER_S} events per second of a project, with and without ${WEBHOOKS} webhooks of another one that never respond`,
	results: [
		{ measurement: "p99Ratio", label: "other project: p99 ÷ p99 if none hang", unit: "×", limit: { atMost: 2 } },
		{ measurement: "none.receivedP99Ms", label: "none hang: received, p99", unit: "ms" },
		{ measurement: "all.receivedP99Ms", label: "2,000 hang: received, p99", unit: "ms" },
		{ measurement: "none.acknowledgedP99Ms", label: "none hang: acknowledged, p99", unit: "ms" },
		{ measurement: "all.acknowledgedP99Ms", label: "2,000 hang: acknowledged, p99", unit: "ms" },
		{ measurement: "inFlight", label: "attempts that hang", unit: "count" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const { receiver, seconds } = context;
	// Without a grace period, the stop does not wait for the attempts that hang.
	await using server = await context.startServer({ settings: { FANFARE_SHUTDOWN_GRACE_MS: "0" } });
	await using load = await context.startLoad();
	const target = await server.newProject(receiver.url);
	const count = context.size(WEBHOOKS);
	const { projectId } = await makeProject(server.client, { count, endpoint: () => receiver.neverUrl, wants: "all" });
	await warmUp(context, { server, load, target });

	const steady = { server, load, receiver, target, ratePerS: RATE_PER_S };
	const none = await measureSteady(steady, seconds / 2);
	const batch = { ...server.target(projectId), series: 0, connections: 1, batchSize: EVENTS, seconds: ONCE_S };
	await server.whileAlive(load.call("closedLoop", batch));
	const inFlight = await attemptsThatHang(context);
	const all = await measureSteady(steady, seconds / 2);
	return {
		sent: none.sent + all.sent,
		received: none.received + all.received,
		p99Ratio: all.receivedP99Ms / none.receivedP99Ms,
		...named("none", none),
		...named("all", all),
		inFlight,
		peakMb: await server.peakMb(),
	};
}

/** Waits until no more attempts come to those that hang, and returns how many there are. */
async function attemptsThatHang({ receiver }: RunContext): Promise<number> {
	for (let before = 0; ;) {
		await sleep(SETTLE_MS);
		const { hanging } = await receiver.counts();
		if (hanging > 0 && hanging === before) return hanging;
		before = hanging;
	}
}
