// The load generator's process. It sends events in a closed loop (as fast as they are accepted) or in an open loop (on a schedule).
import { percentile } from "@fanfare/testkit/report/percentiles";

import { nowMs } from "../harness/measure/clock.ts";
import { serveCalls } from "../harness/process/serve-calls.ts";
import { postTemplate, sendTemplate, stamp, type SeriesTarget, type Template } from "../wire/bench-event.ts";
import { HttpConnection } from "../wire/http-connection.ts";

export interface ClosedLoop extends SeriesTarget {
	readonly connections: number;
	readonly batchSize: number;
	/** Size of an event's body as its receiver gets it. Defaults to 1 KB. */
	readonly bodyBytes?: number;
	readonly seconds: number;
}

export interface OpenLoop extends SeriesTarget {
	/** Other processes of the same cluster, which get their share of the requests. Defaults to none. */
	readonly otherUrls?: readonly string[];
	readonly connections: number;
	readonly ratePerS: number;
	readonly count: number;
	/** Events per request, which are due together. Defaults to 1. */
	readonly batchSize?: number;
}

export interface ReadLoop {
	readonly serverUrl: string;
	readonly key: string;
	readonly paths: readonly string[];
	readonly connections: number;
	/** The status of every response but those of an overloaded server. Defaults to 200. */
	readonly status?: number;
}

/** Each call numbers its events from 0 within its series. Any response but 202 ends the call with an error. */
export interface LoadCalls {
	/** Each connection sends at least once, and again as soon as it has a response. */
	closedLoop(options: ClosedLoop): Promise<{
		readonly acknowledged: number;
		readonly startedAt: number;
		readonly endedAt: number;
		readonly acknowledgedP50Ms: number;
		readonly acknowledgedP99Ms: number;
	}>;
	/** The same straight to a receiver, without a server, to find its limit. */
	blast(options: {
		readonly url: string;
		readonly connections: number;
		readonly seconds: number;
	}): Promise<{ readonly posted: number; readonly elapsedMs: number }>;
	/** Event *n* is due at `intendedAt[n]`, even if earlier events are late. */
	openLoop(options: OpenLoop): Promise<{
		readonly intendedAt: Float64Array;
		readonly sentAt: Float64Array;
		readonly acknowledgedAt: Float64Array;
	}>;
	/**
	 * Ends the open loops under way before their `count`: events that are due by now are still sent, and the loops return these and
	 * those before them.
	 */
	endOpenLoop(): void;
	/** Each connection requests pages in a closed loop, each from another place in `paths` on, until `endReading`. */
	read(options: ReadLoop): Promise<{
		readonly pages: number;
		/** Responses with 503. */
		readonly refused: number;
		readonly elapsedMs: number;
		readonly p50Ms: number;
		readonly p99Ms: number;
	}>;
	endReading(): void;
}

const ACCEPTED = 202;
/** From the call to the first event of the schedule: enough for everything to be ready. */
const LEAD_MS = 50;
const TICK_MS = 1;

/** Resolves when the open loops that are under way must end. */
let ending = Promise.withResolvers<void>();

async function closedLoop(options: ClosedLoop): ReturnType<LoadCalls["closedLoop"]> {
	const { batchSize, bodyBytes } = options;
	const lines = await openLines(options, () => sendTemplate(options, batchSize, bodyBytes));
	const times: number[] = [];
	const startedAt = nowMs();
	const endAt = startedAt + options.seconds * 1_000;
	let next = 0;
	const run = async (line: Line) => {
		for (let sentAt = startedAt; sentAt < endAt;) {
			const first = next;
			next += batchSize;
			await sendOn(line, first);
			const now = nowMs();
			times.push(now - sentAt);
			sentAt = now;
		}
	};
	try {
		await Promise.all(lines.map(run));
	} finally {
		for (const { connection } of lines) connection[Symbol.dispose]();
	}
	const endedAt = nowMs();
	times.sort((a, b) => a - b);
	const [acknowledgedP50Ms, acknowledgedP99Ms] = [percentile(times, 0.5), percentile(times, 0.99)];
	return { acknowledged: next, startedAt, endedAt, acknowledgedP50Ms, acknowledgedP99Ms };
}

async function blast({ url, connections, seconds }: Parameters<LoadCalls["blast"]>[0]): ReturnType<LoadCalls["blast"]> {
	const lines = await openLines({ serverUrl: url, connections }, () => postTemplate(url));
	const startedAt = nowMs();
	const endAt = startedAt + seconds * 1_000;
	let posted = 0;
	const run = async ({ connection, template }: Line) => {
		do {
			await connection.request(template.bytes);
			posted++;
		} while (nowMs() < endAt);
	};
	await Promise.all(lines.map(run));
	for (const { connection } of lines) connection[Symbol.dispose]();
	return { posted, elapsedMs: nowMs() - startedAt };
}

async function openLoop(options: OpenLoop): ReturnType<LoadCalls["openLoop"]> {
	const { count, ratePerS, serverUrl, otherUrls = [], connections, batchSize = 1 } = options;
	// The call that ends this one may come before the connections are open.
	const ended = ending.promise;
	const urls = [serverUrl, ...otherUrls];
	const each = Math.ceil(connections / urls.length);
	const open = (url: string) =>
		openLines({ serverUrl: url, connections: each }, () => sendTemplate(options, batchSize));
	/** The free connections of each server. */
	const free = await Promise.all(urls.map(open));
	const all = free.flat();
	const startAt = nowMs() + LEAD_MS;
	const dueAt = (index: number) => startAt + ((index - (index % batchSize)) / ratePerS) * 1_000;
	const intendedAt = Float64Array.from({ length: count }, (_, index) => dueAt(index));
	const [sentAt, acknowledgedAt] = [new Float64Array(count), new Float64Array(count)];
	let planned = count;
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	let next = 0;
	let turn = 0;
	let acknowledged = 0;

	/** Sends the events that are due while there are free connections. An event that waits for one is late; its latency includes the wait. */
	function sendDue(): void {
		const now = nowMs();
		while (next < planned && (intendedAt[next] ?? 0) <= now) {
			// The servers take turns, unless one has no free connection.
			const from = urls.map((_, index) => (turn + index) % urls.length).find((server) => free[server]?.length !== 0);
			// The one that is free for longest: the server closes those that send nothing for ten seconds, perhaps just as they are needed.
			const line = from === undefined ? undefined : free[from]?.shift();
			if (from === undefined || line === undefined) return;
			turn = from + 1;
			send(from, line, next).catch(reject);
			next += batchSize;
		}
	}

	async function send(from: number, line: Line, first: number): Promise<void> {
		const last = first + batchSize;
		sentAt.fill(nowMs(), first, last);
		await sendOn(line, first);
		acknowledgedAt.fill(nowMs(), first, last);
		free[from]?.push(line);
		acknowledged += batchSize;
		if (acknowledged === planned) resolve();
		sendDue();
	}

	/** Plans only what is due by now, and at least one event. */
	function end(): void {
		const now = nowMs();
		const due = intendedAt.findIndex((at) => at > now);
		if (due !== -1) planned = Math.max(1, Math.ceil(due / batchSize)) * batchSize;
		if (acknowledged === planned) resolve();
	}

	const timer = setInterval(sendDue, TICK_MS);
	void ended.then(end);
	try {
		await promise;
	} finally {
		clearInterval(timer);
		for (const { connection } of all) connection[Symbol.dispose]();
	}
	const sent = (times: Float64Array) => times.slice(0, planned);
	return { intendedAt: sent(intendedAt), sentAt: sent(sentAt), acknowledgedAt: sent(acknowledgedAt) };
}

/** A connection and the request that it sends. */
interface Line {
	readonly connection: HttpConnection;
	readonly template: Template;
}

function openLines(
	{ serverUrl, connections }: { readonly serverUrl: string; readonly connections: number },
	newTemplate: () => Template,
): Promise<Line[]> {
	const open = async () => ({ connection: await HttpConnection.open(serverUrl), template: newTemplate() });
	return Promise.all(Array.from({ length: connections }, open));
}

async function sendOn({ connection, template }: Line, first: number): Promise<void> {
	stamp(template, first);
	const status = await connection.request(template.bytes);
	if (status !== ACCEPTED) throw new Error(`the server responded to a send with ${status} instead of ${ACCEPTED}`);
}

function endOpenLoop(): void {
	ending.resolve();
	ending = Promise.withResolvers();
}

const OK = 200;
const OVERLOADED = 503;
const reading = { isWanted: false };

async function read({
	serverUrl,
	key,
	paths,
	connections,
	status: wanted = OK,
}: ReadLoop): ReturnType<LoadCalls["read"]> {
	const requests = paths.map((path) =>
		Buffer.from(`GET ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${key}\r\n\r\n`),
	);
	const open = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(serverUrl)));
	const times: number[] = [];
	let refused = 0;
	reading.isWanted = true;
	const startedAt = nowMs();
	const run = async (connection: HttpConnection, place: number) => {
		for (let next = place; reading.isWanted; next++) {
			const request = requests[next % requests.length];
			if (request === undefined) throw new Error("there is no page to read");
			const sentAt = nowMs();
			const status = await connection.request(request);
			if (status === wanted) times.push(nowMs() - sentAt);
			else if (status === OVERLOADED) refused++;
			else throw new Error(`the server responded to a read with ${status}`);
		}
	};
	try {
		await Promise.all(open.map(run));
	} finally {
		for (const connection of open) connection[Symbol.dispose]();
	}
	const elapsedMs = nowMs() - startedAt;
	times.sort((a, b) => a - b);
	return { pages: times.length, refused, elapsedMs, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

function endReading(): void {
	reading.isWanted = false;
}

serveCalls<LoadCalls>({ closedLoop, openLoop, endOpenLoop, blast, read, endReading });
