// A thousand relays of forty projects come and go, and some of them get deliveries. Another project's webhook must not notice.
//
// The clients of the relays are on the same machine, which has few cores. What they take from it is measured by a control: the same clients
// come to and go from a bare server, and not from Fanfare.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type { RelayClientsStart } from "../../children/relay-clients.ts";
import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { latenciesOf, named, sendSteadily, type SteadyTimes } from "../../harness/measure/steady.ts";
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
		{ measurement: "bareRatio", label: "at a bare server: p99 ÷ p99 without", unit: "×" },
		{ measurement: "addedRatio", label: "p99 ÷ p99 at a bare server", unit: "×" },
		{ measurement: "none.receivedP50Ms", label: "none: received, p50", unit: "ms" },
		{ measurement: "none.receivedP99Ms", label: "none: received, p99", unit: "ms" },
		{ measurement: "bare.receivedP50Ms", label: "at a bare server: received, p50", unit: "ms" },
		{ measurement: "bare.receivedP99Ms", label: "at a bare server: received, p99", unit: "ms" },
		{ measurement: "beside.receivedP50Ms", label: "relays: received, p50", unit: "ms" },
		{ measurement: "beside.receivedP99Ms", label: "relays: received, p99", unit: "ms" },
		{ measurement: "beside.acknowledgedP99Ms", label: "relays: acknowledged, p99", unit: "ms" },
		{ measurement: "none.cpuPercent", label: "none: server CPU, of one core", unit: "%" },
		{ measurement: "bare.cpuPercent", label: "at a bare server: server CPU", unit: "%" },
		{ measurement: "beside.cpuPercent", label: "relays: server CPU", unit: "%" },
		{ measurement: "connectsPerS", label: "clients that come", unit: "perSecond" },
		{ measurement: "bareConnectsPerS", label: "clients that come to the bare server", unit: "perSecond" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

/** Where relays' clients connect, and where the events for those of one project are sent. */
interface Crowd extends RelayClientsStart {
	readonly sendTo: { readonly serverUrl: string; readonly key: string; readonly projectId: string };
}

/** What the other project has met. */
interface Met {
	readonly times: SteadyTimes;
	/** Of the server, of one core. */
	readonly cpuPercent: number;
}

interface Beside extends Met {
	readonly connectsPerS: number;
}

async function run(context: RunContext): Promise<Measurements> {
	const { receiver, seconds } = context;
	await using server = await context.startServer();
	await using load = await context.startLoad();
	const target = await server.newProject(receiver.url);
	await warmUp(context, { server, load, target });

	// The server takes new relays in the middle only, so that what it has done before is the same for what is compared.
	const steady = { server, load, receiver, target, ratePerS: RATE_PER_S };
	const before = await send(seconds / 4);
	const bareBefore = await besideBareServer();
	const relays = await besideRelays();
	const bareAfter = await besideBareServer();
	const after = await send(seconds / 4);

	const none = latenciesOf([before.times, after.times]);
	const bare = latenciesOf([bareBefore.times, bareAfter.times]);
	const beside = latenciesOf([relays.times]);
	return {
		sent: none.sent + bare.sent + beside.sent,
		received: none.received + bare.received + beside.received,
		p99Ratio: beside.receivedP99Ms / none.receivedP99Ms,
		bareRatio: bare.receivedP99Ms / none.receivedP99Ms,
		addedRatio: beside.receivedP99Ms / bare.receivedP99Ms,
		...named("none", none),
		...named("bare", bare),
		...named("beside", beside),
		"none.cpuPercent": (before.cpuPercent + after.cpuPercent) / 2,
		"bare.cpuPercent": (bareBefore.cpuPercent + bareAfter.cpuPercent) / 2,
		"beside.cpuPercent": relays.cpuPercent,
		connectsPerS: relays.connectsPerS,
		bareConnectsPerS: (bareBefore.connectsPerS + bareAfter.connectsPerS) / 2,
		peakMb: await server.peakMb(),
	};

	async function send(forSeconds: number): Promise<Met> {
		const meter = await CpuMeter.start({ server: server.pid });
		const times = await sendSteadily(steady, forSeconds);
		return { times, cpuPercent: (await meter.read()).server.cores * 100 };
	}

	/** Before and after it, there are no relays. */
	async function besideRelays(): Promise<Beside> {
		const ofEach = Math.ceil(context.size(PROJECTS * RELAYS_OF_EACH) / PROJECTS);
		const projects = await putRelays(server.client, { projects: PROJECTS, ofEach, wants: "all" });
		const relays = projects.flat();
		const { key, url: serverUrl } = server;
		const sendTo = { serverUrl, key, projectId: firstProjectOf(relays) };
		const beside = await besideCrowd({ serverUrl, key, relays, sendTo }, seconds / 2);
		for (const [relay] of projects) if (relay !== undefined) await server.client.projects.delete(relay.projectId);
		return beside;
	}

	async function besideBareServer(): Promise<Beside> {
		await using bare = await context.startBareRelays();
		const serverUrl = await bare.call("listen");
		const ofEach = Math.ceil(context.size(PROJECTS * RELAYS_OF_EACH) / PROJECTS);
		const relays = Array.from({ length: PROJECTS }, (_, number) => {
			const projectId = `proj_${String(number).padStart(32, "0")}`;
			return Array.from({ length: ofEach }, () => ({ projectId, relayId: `relay_${randomUUID()}` }));
		}).flat();
		const { key } = server;
		const sendTo = { serverUrl, key, projectId: firstProjectOf(relays) };
		return await besideCrowd({ serverUrl, key, relays, sendTo }, seconds / 4);
	}

	async function besideCrowd(crowd: Crowd, forSeconds: number): Promise<Beside> {
		await using clients = await context.startRelayClients();
		await using others = await context.startLoad();
		await clients.call("open", crowd);
		await clients.call("comeAndGo", TIMES);
		const relayed = { ...crowd.sendTo, spread: 1, series: 0, connections: 4, ratePerS: RELAYED_PER_S };
		const sending = others.call("openLoop", { ...relayed, count: RELAYED_PER_S * LONGEST_S });
		// If what follows fails, that error is the one to tell, not that this load ended with it.
		sending.catch(() => {});
		await sleep(SETTLE_MS);
		const [connected, startedAt] = [await clients.call("connects"), performance.now()];
		const met = await send(forSeconds);
		const connectsPerS = ((await clients.call("connects")) - connected) / ((performance.now() - startedAt) / 1_000);
		await others.call("endOpenLoop");
		await sending;
		await clients.call("close");
		await sleep(SETTLE_MS);
		return { ...met, connectsPerS };
	}
}

function firstProjectOf([first]: RelayClientsStart["relays"]): string {
	if (first === undefined) throw new Error("there are no projects with relays");
	return first.projectId;
}
