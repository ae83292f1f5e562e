// The largest bodies of the nastiest shapes that the API reads: how long the main thread stands still for one of them.
import type { BenchServer } from "../../harness/server/bench-server.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const KIB = 1_024;
const EVENT_BYTES = 256 * KIB;
const MANAGEMENT_BYTES = 1_024 * KIB;
const BATCH_BYTES = 5 * 1_024 * KIB;
/** Room for what is around the nasty value. */
const AROUND_BYTES = 512;
/** Each body is sent cold, and then warm. */
const TIMES = 2;

interface NastyCall {
	readonly name: string;
	readonly method: string;
	readonly path: string;
	readonly body: () => string;
}

export const nastiestBodies: Scenario = {
	name: "nastiest-bodies",
	group: "shape",
	summary:
		"the largest bodies of the nastiest shapes, one by one: the most CPU time of the main thread between two turns",
	results: [
		{ measurement: "longestTurnMs", label: "main thread: longest turn, CPU", unit: "ms", limit: { atMost: 100 } },
		{ measurement: "requests", label: "requests", unit: "count" },
	],
	run,
};

async function run({ startServer, note, quick }: RunContext): Promise<Measurements> {
	await using server = await startServer({ watchTurns: true });
	const project = await server.client.projects.create({ name: "nasty" });
	const calls = nastyCalls(`/projects/${project.id}`);
	await server.longestTurnMs();
	let answered = 0;
	const turns: { name: string; ms: number }[] = [];
	for (const call of quick ? calls.slice(0, 3) : calls) {
		for (let time = 0; time < TIMES; time++) {
			// oxlint-disable-next-line no-await-in-loop -- one by one on purpose
			if (await isAnswered(server, call)) answered++;
			// oxlint-disable-next-line no-await-in-loop -- one by one on purpose
			turns.push({ name: call.name, ms: await server.longestTurnMs() });
		}
	}
	turns.sort((a, b) => b.ms - a.ms);
	for (const { name, ms } of turns.slice(0, 3)) note(`${ms.toFixed(1)} ms  ${name}`);
	return { sent: turns.length, received: answered, requests: turns.length, longestTurnMs: turns[0]?.ms ?? 0 };
}

/** Any answer but a failure of the server. */
async function isAnswered(server: BenchServer, { method, path, body }: NastyCall): Promise<boolean> {
	const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
	const response = await server.whileAlive(fetch(server.url + path, { method, headers, body: body() }));
	await response.arrayBuffer();
	return response.status < 500;
}

function nastyCalls(project: string): NastyCall[] {
	return Object.entries(SHAPES).flatMap(([shape, value]) => {
		const call = (field: string, method: string, path: string, bytes: number, around: (nasty: string) => string) => ({
			name: `${shape} in ${field}`,
			method,
			path: project + path,
			body: () => around(value(bytes - AROUND_BYTES)),
		});
		const webhook = (field: string) =>
			call(`spec.${field} of a webhook`, "POST", "/batch/webhooks", MANAGEMENT_BYTES, (nasty) =>
				JSON.stringify({ name: "a", spec: { endpoint: "https://example.com/", [field]: "" } }).replace(
					'""',
					() => nasty,
				),
			);
		return [
			call("data of an event", "POST", "/events", EVENT_BYTES, (nasty) => `{"type":"a","data":${nasty}}`),
			call(
				"webhookIds of an event",
				"POST",
				"/events",
				EVENT_BYTES,
				(nasty) => `{"type":"a","data":1,"webhookIds":${nasty}}`,
			),
			call("events of a batch", "POST", "/events:batch", BATCH_BYTES, (nasty) => `{"events":${nasty}}`),
			call(
				"an unknown field of a batch",
				"POST",
				"/events:batch",
				BATCH_BYTES,
				(nasty) => `{"events":[1],"x":${nasty}}`,
			),
			call("data of the events of a batch", "POST", "/events:batch", BATCH_BYTES, () =>
				batchOf(`{"type":"a","data":${value(EVENT_BYTES - AROUND_BYTES)}}`),
			),
			call("small events of a batch", "POST", "/events:batch", BATCH_BYTES, () =>
				batchOf(`{"type":"a","data":${value(5_000)}}`),
			),
			call("fields of the events of a batch", "POST", "/events:batch", BATCH_BYTES, () =>
				batchOf(`{"type":"a","data":1,"x":${value(EVENT_BYTES - AROUND_BYTES)}}`),
			),
			...["headers", "metadata", "eventTypes", "secret", "retries", "unknown"].map(webhook),
			call("schema of an event type", "PUT", "/event-types/a", MANAGEMENT_BYTES, (nasty) => `{"schema":${nasty}}`),
			call(
				"example of an event type",
				"PUT",
				"/event-types/a",
				64 * KIB,
				(nasty) => `{"schema":{},"example":${nasty}}`,
			),
			call("the body of a webhook", "POST", "/batch/webhooks", MANAGEMENT_BYTES, (nasty) => nasty),
			call("the body of a batch", "POST", "/events:batch", BATCH_BYTES, (nasty) => nasty),
		];
	});
}

function batchOf(event: string): string {
	const count = Math.min(1_000, Math.floor((BATCH_BYTES - AROUND_BYTES) / (event.length + 1)));
	return `{"events":[${Array.from({ length: count }, () => event).join(",")}]}`;
}

function listOf(entry: string, bytes: number): string {
	return `[${`${entry},`.repeat(Math.floor((bytes - 2) / (entry.length + 1)) - 1)}${entry}]`;
}

/** JSON values of about so many bytes. */
const SHAPES: Readonly<Record<string, (bytes: number) => string>> = {
	"lists in lists": (bytes) => "[".repeat(bytes / 2) + "]".repeat(bytes / 2),
	"objects in objects": (bytes) =>
		`${'{"a":'.repeat(Math.floor(bytes / 6) - 1)}{}${"}".repeat(Math.floor(bytes / 6) - 1)}`,
	"empty objects": (bytes) => listOf("{}", bytes),
	numbers: (bytes) => listOf("1", bytes),
	texts: (bytes) => listOf('"a"', bytes),
	"distinct names": (bytes) =>
		`{${Array.from({ length: Math.floor(bytes / 12) }, (_, n) => `"k${String(n).padStart(6, "0")}":0`).join(",")}}`,
	"objects with distinct names": (bytes) =>
		`[${Array.from({ length: Math.floor(bytes / 14) }, (_, n) => `{"k${String(n).padStart(6, "0")}":0}`).join(",")}]`,
	escapes: (bytes) => `"${String.raw`\u0061`.repeat(Math.floor(bytes / 6) - 1)}"`,
	"wide text": (bytes) => `"${"€".repeat(Math.floor(bytes / 3) - 1)}"`,
};
