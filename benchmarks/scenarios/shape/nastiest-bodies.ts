// The largest bodies of the nastiest shapes that the API reads: how long the main thread stands still for one of them.
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

import { callsWithBody, type ApiDocument } from "../../harness/nasty/body-places.ts";
import { makeNamedThings, pathOf } from "../../harness/nasty/named-things.ts";
import { fullBatches, nastyBodies, type NastyBody } from "../../harness/nasty/nasty-calls.ts";
import { NASTY_SHAPES } from "../../harness/nasty/nasty-shapes.ts";
import { WITH_CUSTOMERS, type BenchServer } from "../../harness/server/bench-server.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

/** A quick run sends every place one body of this size. */
const QUICK_BYTES = 16 * 1_024;
/** No call reads a body of this length. */
const ENDLESS_BYTES = 1_000_000_000_000;
const TOO_MANY_BYTES = /the (\d+) bytes that this call accepts/;
const SHOWN = 5;

interface Target {
	readonly method: string;
	readonly path: string;
}

interface NastyCall extends Target, NastyBody {}

export const nastiestBodies: Scenario = {
	name: "nastiest-bodies",
	group: "shape",
	summary:
		"the largest bodies of the nastiest shapes in every list, map and object of every call: the most CPU time of the main thread between two turns",
	results: [
		{ measurement: "longestTurnMs", label: "main thread: longest turn, CPU", unit: "ms", limit: { atMost: 100 } },
		{ measurement: "requests", label: "requests", unit: "count" },
		{ measurement: "places", label: "places in bodies", unit: "count" },
	],
	run,
};

async function run({ startServer, note, quick }: RunContext): Promise<Measurements> {
	await using server = await startServer({ watchTurns: true, settings: WITH_CUSTOMERS });
	const { calls, places } = await nastyCalls(server, quick);
	await server.longestTurnMs();
	let answered = 0;
	const turns: { name: string; ms: number }[] = [];
	for (const call of calls) {
		// oxlint-disable-next-line no-await-in-loop -- one by one on purpose
		if (await isRead(server, call)) answered++;
		// oxlint-disable-next-line no-await-in-loop -- one by one on purpose
		turns.push({ name: call.name, ms: await server.longestTurnMs() });
	}
	turns.sort((a, b) => b.ms - a.ms);
	for (const { name, ms } of turns.slice(0, SHOWN)) note(`${ms.toFixed(1)} ms  ${name}`);
	return { sent: turns.length, received: answered, requests: turns.length, places, longestTurnMs: turns[0]?.ms ?? 0 };
}

/** The calls with all their nasty bodies, from the document of the server itself. */
async function nastyCalls(server: BenchServer, quick: boolean): Promise<{ calls: NastyCall[]; places: number }> {
	const things = await makeNamedThings(server);
	const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as ApiDocument;
	const calls: NastyCall[] = [];
	let places = 0;
	for (const call of callsWithBody(document)) {
		const target = { method: call.method, path: pathOf(call.path, things) };
		// oxlint-disable-next-line no-await-in-loop -- some dozen calls
		const maxBytes = await largestBody(server, target);
		const all = nastyBodies(call, quick ? Math.min(maxBytes, QUICK_BYTES) : maxBytes);
		const shapes = Object.keys(NASTY_SHAPES).length;
		const bodies = quick ? all.filter((_, index) => index % shapes === 0) : all;
		if (call.id === "sendEvents") bodies.push(...fullBatches(maxBytes));
		calls.push(...bodies.map((body) => ({ ...target, ...body })));
		places += call.places.length;
	}
	return { calls, places };
}

/** How large the body of a call may be: what the server says when it refuses one that is far too large. */
async function largestBody(server: BenchServer, { method, path }: Target): Promise<number> {
	const headers = { ...headersOf(server), "content-length": String(ENDLESS_BYTES) };
	const asking = request(server.url + path, { method, headers, agent: false });
	asking.flushHeaders();
	const [response] = (await server.whileAlive(once(asking, "response"))) as [IncomingMessage];
	const answer = await text(response);
	// The body is never sent.
	asking.on("error", () => undefined).destroy();
	const bytes = TOO_MANY_BYTES.exec(answer)?.[1];
	if (response.statusCode !== 413 || bytes === undefined)
		throw new Error(`${method} ${path} does not say how much it reads: ${answer}`);
	return Number(bytes);
}

/** Whether the server has read the body, whatever it thinks of it. Throws if it was refused before that, or if the server has failed. */
async function isRead(server: BenchServer, { name, method, path, json }: NastyCall): Promise<boolean> {
	const init = { method, headers: headersOf(server), body: json() };
	const response = await server.whileAlive(fetch(server.url + path, init));
	const answer = await response.text();
	const { ok, status } = response;
	// A batch of too many events is too large whatever its bytes.
	if (ok || status === 400 || status === 409 || (status === 413 && !TOO_MANY_BYTES.test(answer))) return true;
	throw new Error(`${name}: the response is ${status} ${answer.slice(0, 300)}`);
}

function headersOf(server: BenchServer): Record<string, string> {
	return { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
}
