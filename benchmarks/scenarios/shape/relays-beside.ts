// A thousand relays of forty projects come and go, and some of them get deliveries. Another project's webhook must not notice.
import { setTimeout as sleep } from "node:timers/promises";

import { latenciesOf, named, sendSteadily } from "../../harness/measure/steady.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import { putRelays } from "../../harness/server/relay-plan.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const PROJECTS = 40;
const RELAYS_OF_EACH = 25;
/** Each relay stays for two seconds and is away for two, on average: 250 come in a second, and as many go. */
const TIMES = { stayMs: 4_000, awayMs: 4_000 };
/** Events of one project with relays: each of these gets all of them. */
const RELAYED_PER_S = 4;
const LONGEST_S = 600;
/** What the other project sends. */
const RATE_PER_S = 500;
const SETTLE_MS = 2_000;

export const relaysBeside: Scenario = {
	name: "relays-beside",
	group: "shape",
	summary: `${RATE_PER_S} events per second of a project, with and without ${PROJECTS * RELAYS_OF_EACH} relays of ${PROJECTS} others that come and go`,
	results: [
		{ measurement: "p99Ratio", label: "other project: p99 ÷ p99 without", unit: "×", limit: { atMost: 1.2 } },
		{ measurement: "none.receivedP50Ms", label: "none: received, p50", unit: "ms" },
		{ measurement: "none.receivedP99Ms", label: "none: received, p99", unit: "ms" },
		{ measurement: "beside.receivedP50Ms", label: "relays: received, p50", unit: "ms" },
		{ measurement: "beside.receivedP99Ms", label: "relays: received, p99", unit: "ms" },
		{ measurement: "beside.acknowledgedP99Ms", label: "relays: acknowledged, p99", unit: "ms" },
		{ measurement: "connectsPerS", label: "clients that come", unit: "perSecond" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const { receiver, seconds } = context;
	await using server = await context.startServer();
	await using load = await context.startLoad();
	const target = await server.newProject(receiver.url);
	await warmUp(context, { server, load, target });

	const steady = { server, load, receiver, target, ratePerS: RATE_PER_S };
	const before = await sendSteadily(steady, seconds / 4);
	const { beside, connectsPerS } = await besideRelays();
	await sleep(SETTLE_MS);
	const after = await sendSteadily(steady, seconds / 4);
	const none = latenciesOf([before, after]);
	return {
		sent: none.sent + beside.sent,
		received: none.received + beside.received,
		p99Ratio: beside.receivedP99Ms / none.receivedP99Ms,
		...named("none", none),
		...named("beside", beside),
		connectsPerS,
		peakMb: await server.peakMb(),
	};

	/** Before and after it, there are no relays. */
	async function besideRelays() {
		await using clients = await context.startRelayClients();
		await using others = await context.startLoad();
		const ofEach = Math.ceil(context.size(PROJECTS * RELAYS_OF_EACH) / PROJECTS);
		const projects = await putRelays(server.client, { projects: PROJECTS, ofEach, wants: "all" });
		const [first] = projects;
		if (first === undefined) throw new Error("there are no projects with relays");
		await clients.call("open", { serverUrl: server.url, key: server.key, relays: projects.flat() });
		await clients.call("comeAndGo", TIMES);
		const relayed = { ...server.target(first[0]?.projectId ?? ""), series: 0, connections: 4, ratePerS: RELAYED_PER_S };
		const sending = others.call("openLoop", { ...relayed, count: RELAYED_PER_S * LONGEST_S });
		// If what follows fails, that error is the one to tell, not that this load ended with it.
		sending.catch(() => {});
		await sleep(SETTLE_MS);
		const [connected, startedAt] = [await clients.call("connects"), performance.now()];
		const beside = latenciesOf([await sendSteadily(steady, seconds / 2)]);
		const connectsPerS = ((await clients.call("connects")) - connected) / ((performance.now() - startedAt) / 1_000);
		await others.call("endOpenLoop");
		await sending;
		await clients.call("close");
		for (const [relay] of projects) if (relay !== undefined) await server.client.projects.delete(relay.projectId);
		return { beside, connectsPerS };
	}
}
