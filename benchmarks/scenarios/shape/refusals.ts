// What a refused request costs the server, next to what is refused: anybody can ask without a pause.
import { ThreadMeter, THREADS_SKIPPED } from "../../harness/measure/thread-meter.ts";
import { newKey, type BenchServer } from "../../harness/server/bench-server.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";
import { HttpConnection } from "../../wire/http-connection.ts";

const CONNECTIONS = 32;
const REQUESTS = 3_000;
const TURNS = 5;
/** Refusals would wait for their time otherwise, which is not what is measured here. */
const NO_PACE = { FANFARE_MAX_REFUSALS_PER_SECOND: "0" };
/** A project may make the changes of an hour at once. */
const ONE_CHANGE_PER_MINUTE = { FANFARE_MAX_CHANGES_PER_MINUTE: "1" };
const CHANGES_AT_ONCE = 60;
/** No event fits. */
const ONE_BYTE = 1;
const DATA_BYTES = 900;

/** A request, and how the server must respond to it. */
interface Case {
	readonly name: string;
	readonly server: BenchServer;
	readonly bytes: Buffer;
	readonly statuses: readonly number[];
}

/** What is refused, and how. */
const KINDS = {
	send: ["no key", "unknown key", "another project", "no JSON", "unknown field", "quota", "quota, idempotent"],
	read: ["no key", "another project", "unknown parameter", "no such path"],
	change: ["no key", "unknown field", "quota"],
} as const;
type Kind = keyof typeof KINDS;
const KIND_NAMES = Object.keys(KINDS) as Kind[];

const accepted = (kind: Kind) => `${kind}: accepted`;
const refused = (kind: Kind) => KINDS[kind].map((how) => `${kind}: ${how}`);

export const refusals: Scenario = {
	name: "refusals",
	group: "shape",
	summary: "refused sends, reads and changes next to accepted ones: CPU of each on the main thread",
	results: [
		...KIND_NAMES.map((kind): ResultLine => ({
			measurement: `${kind}.most`,
			label: `a refused ${kind} ÷ an accepted one, most`,
			unit: "×",
			limit: { atMost: 1 },
			mayBeSkipped: true,
		})),
		...KIND_NAMES.flatMap((kind) => [accepted(kind), ...refused(kind)]).map((name): ResultLine => ({
			measurement: name,
			label: `${name}: main thread`,
			unit: "µs",
			mayBeSkipped: true,
		})),
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	await using server = await context.startServer({ settings: NO_PACE });
	await using strict = await context.startServer({ settings: { ...NO_PACE, ...ONE_CHANGE_PER_MINUTE } });
	const cases = await casesOf(server, strict);
	const count = context.size(REQUESTS);
	const costs = new Map<string, number[]>(cases.map(({ name }) => [name, []]));
	let answered = 0;
	// The first turn warms up. In turns, so that a slow phase of the machine affects all.
	for (let turn = 0; turn <= TURNS; turn++) {
		for (const one of cases) {
			const { byThread } = await measured(one, count);
			answered += count;
			if (turn > 0) costs.get(one.name)?.push(byThread.main.cpuUs / count);
		}
	}
	if (THREADS_SKIPPED !== null) context.note(THREADS_SKIPPED);
	const us = Object.fromEntries([...costs].map(([name, values]) => [name, median(values)]));
	const most = KIND_NAMES.map((kind) => {
		const ratios = refused(kind).map((name) => (us[name] ?? Number.NaN) / (us[accepted(kind)] ?? Number.NaN));
		return [`${kind}.most`, Math.max(...ratios)];
	});
	return { sent: answered, received: answered, ...us, ...Object.fromEntries(most) };
}

/** Makes a request again and again on several connections. Throws if a response has another status. */
async function measured({ name, server, bytes, statuses }: Case, count: number) {
	const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpConnection.open(server.url)));
	let left = count;
	const work = async (connection: HttpConnection) => {
		while (left-- > 0) {
			const got = await connection.request(bytes);
			if (!statuses.includes(got))
				throw new Error(`${name}: the response is ${got} instead of ${statuses.join(" or ")}`);
		}
	};
	try {
		const meter = await ThreadMeter.start(server.pid);
		await server.whileAlive(Promise.all(connections.map(work)));
		return await meter.read();
	} finally {
		for (const connection of connections) connection[Symbol.dispose]();
	}
}

async function casesOf(server: BenchServer, strict: BenchServer): Promise<Case[]> {
	const [free, metered, changed] = [await makeThings(server), await makeThings(server), await makeThings(strict)];
	await server.client.projects.update(metered.projectId, { maxStoredBytes: ONE_BYTE });
	const ask = (on: BenchServer, line: string, key: string | null, body: object | string | null = null): Buffer =>
		requestOf(on, line, key, body);
	const event = { type: "nobody.wants.this", data: "x".repeat(DATA_BYTES) };
	const sends = ({ projectId }: Things) => `POST /projects/${projectId}/events`;
	const lists = ({ projectId }: Things) => `GET /projects/${projectId}/batch/webhooks`;
	const patches = ({ projectId, webhookId }: Things) => `PATCH /projects/${projectId}/batch/webhooks/${webhookId}`;
	const { key } = server;
	const name = { name: "renamed" };
	const of = (title: string, status: number, bytes: Buffer): Case => ({
		name: title,
		server,
		bytes,
		statuses: [status],
	});
	const change = ask(strict, patches(changed), strict.key, name);
	/** Once a minute, one is not refused. */
	const overQuota = { name: "change: quota", server: strict, bytes: change, statuses: [429, 200] };
	await measured(overQuota, CHANGES_AT_ONCE);
	return [
		of("send: accepted", 202, ask(server, sends(free), key, event)),
		of("send: no key", 401, ask(server, sends(free), null, event)),
		of("send: unknown key", 401, ask(server, sends(free), newKey(), event)),
		of("send: another project", 404, ask(server, sends(free), metered.key, event)),
		of("send: no JSON", 400, ask(server, sends(free), key, `${JSON.stringify(event)}!`)),
		of("send: unknown field", 400, ask(server, sends(free), key, { ...event, unknown: 1 })),
		of("send: quota", 429, ask(server, sends(metered), key, event)),
		of("send: quota, idempotent", 429, ask(server, sends(metered), key, { ...event, idempotencyKey: "new" })),
		of("read: accepted", 200, ask(server, `${lists(free)}?limit=1`, key)),
		of("read: no key", 401, ask(server, lists(free), null)),
		of("read: another project", 404, ask(server, lists(free), metered.key)),
		of("read: unknown parameter", 400, ask(server, `${lists(free)}?unknown=1`, key)),
		of("read: no such path", 404, ask(server, "GET /nothing/here", key)),
		of("change: accepted", 200, ask(server, patches(free), key, name)),
		of("change: no key", 401, ask(server, patches(free), null, name)),
		of("change: unknown field", 400, ask(server, patches(free), key, { unknown: 1 })),
		overQuota,
	];
}

interface Things {
	readonly projectId: string;
	readonly webhookId: string;
	/** A key of this project alone. */
	readonly key: string;
}

async function makeThings({ client }: BenchServer): Promise<Things> {
	const { id: projectId, batch } = await client.projects.create({ name: "refusals" });
	const spec = { endpoint: "http://127.0.0.1:1/", eventTypes: ["never.sent"] };
	const { id: webhookId } = await batch.webhooks.create({ name: "webhook", spec });
	const { secretKey } = await client.keys.create({ name: "of one project", scope: "write", projectId });
	return { projectId, webhookId, key: secretKey };
}

function requestOf({ url }: BenchServer, line: string, key: string | null, body: object | string | null): Buffer {
	const text = body === null ? null : typeof body === "string" ? body : JSON.stringify(body);
	const head = [
		`${line} HTTP/1.1`,
		`host: ${new URL(url).host}`,
		...(key === null ? [] : [`authorization: Bearer ${key}`]),
		...(text === null ? [] : ["content-type: application/json", `content-length: ${Buffer.byteLength(text)}`]),
	];
	return Buffer.from(`${head.join("\r\n")}\r\n\r\n${text ?? ""}`);
}

function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
