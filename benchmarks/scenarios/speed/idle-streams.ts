// A thousand live streams on which nothing happens: what each costs in memory, and all their heartbeats in CPU time.
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import type { BenchServer } from "../../harness/server/bench-server.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const STREAMS = 1_000;
/** A project may have half of what the others leave free, so the streams belong to several. */
const PROJECTS = 25;
/** With some to spare, for the share of the last project. */
const MAX_STREAMS = "1100";
const SETTLE_MS = 2_000;
/** One for each project is opened and closed so often before, so that code that all streams share is loaded already. */
const WARM_UP_ROUNDS = 10;

export const idleStreams: Scenario = {
	name: "idle-streams",
	group: "speed",
	summary: `${STREAMS} live streams of ${PROJECTS} projects without items`,
	results: [
		{ measurement: "streamsMb", label: "server memory for them", unit: "MB", limit: { atMost: 40 } },
		{ measurement: "idlePercent", label: "server CPU, of one core", unit: "%", limit: { atMost: 2 } },
	],
	run,
};

async function run({ seconds, size, startServer }: RunContext): Promise<Measurements> {
	await using server = await startServer({ settings: { FANFARE_MAX_STREAMS: MAX_STREAMS } });
	const projects = await Promise.all(Array.from({ length: PROJECTS }, (_, n) => newProject(server, n)));
	const perProject = Math.ceil(size(STREAMS) / PROJECTS);
	for (let round = 0; round < WARM_UP_ROUNDS; round++) {
		await using _streams = await openStreams(server, projects, 1);
	}
	await sleep(SETTLE_MS);
	const before = await server.residentMb();
	await using streams = await openStreams(server, projects, perProject);
	await sleep(SETTLE_MS);
	const meter = await CpuMeter.start({ server: server.pid });
	await server.whileAlive(sleep(seconds * 1_000));
	const cpu = await meter.read();
	const streamsMb = Math.max(0, (await server.residentMb()) - before);
	const opened = perProject * PROJECTS;
	if (streams.open() !== opened) throw new Error("streams were closed while nothing happened");
	return { sent: opened, received: streams.open(), streamsMb, idlePercent: cpu.server.cores * 100 };
}

async function newProject({ client }: BenchServer, number: number): Promise<string> {
	return (await client.projects.create({ name: `watched ${number}` })).id;
}

async function openStreams({ url, key }: BenchServer, projectIds: readonly string[], perProject: number) {
	const agent = new Agent({ maxSockets: Infinity });
	const responses: IncomingMessage[] = [];
	for (const projectId of projectIds) {
		const opened = Array.from({ length: perProject }, async () => {
			const request = get(`${url}/projects/${projectId}/stream`, { agent, headers: { "secret-key": key } });
			const [response] = (await once(request, "response")) as [IncomingMessage];
			if (response.statusCode !== 200) throw new Error(`a stream was refused: ${response.statusCode}`);
			responses.push(response);
			await once(response, "data");
			response.resume();
		});
		await Promise.all(opened);
	}
	return {
		open: () => responses.filter(({ complete, destroyed }) => !complete && !destroyed).length,
		async [Symbol.asyncDispose](): Promise<void> {
			agent.destroy();
			for (const response of responses) response.destroy();
			await sleep(0);
		},
	};
}
