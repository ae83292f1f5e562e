// Another project takes as much as it can of everything that projects share, all at once.
import { setTimeout as delay } from "node:timers/promises";

import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import type { Answer } from "@fanfare/testkit/server-process";

import type { Fault } from "../../fault.ts";
import { PROMPT_MS } from "../../harness/hostile.ts";
import { Neighbour } from "../../harness/neighbours/neighbour.ts";
import type { Round } from "../../round.ts";

/** More than there are places for attempts in flight, several times over. */
const HANGING = 250;
const SILENT_NAMES = 40;
const UPLOADS = 12;
const LISTS = 15;
const CHECKS = 6;
/** What is accepted of the round's own senders meanwhile. */
const LOAD = 400;
/** A slow upload is allowed this long, at 40 KiB in five seconds. */
const UPLOAD_BYTES = 5_000_000;
const PIECE = "x".repeat(20_000);
const PIECE_EVERY_MS = 1_000;
/** The pairs of a list of this length are compared, which takes a schema check about a quarter of a second. */
const UNIQUE_ITEMS = 1_500;
/** What a project that takes too much may be told. */
const STATUSES = new Set([200, 202, 400, 408, 409, 413, 429, 503]);

export const greedyProject: Fault = {
	name: "greedy-project",
	summary:
		"a project with hanging webhooks, costly schema checks, slow uploads, silent names and many lists at once: others notice nothing",
	weight: 1,
	setUp: async (round) => {
		round.promptWithinMs = PROMPT_MS;
	},
	strike: async (round) => {
		const neighbour = await Neighbour.open(round);
		await prepare(round, neighbour);
		const end = new AbortController();
		const from = round.acknowledged.length;
		const greed = [
			...repeat(LISTS, end.signal, () => list(round, neighbour)),
			...repeat(CHECKS, end.signal, () => check(round, neighbour)),
			...Array.from({ length: UPLOADS }, () => upload(round, neighbour, end.signal)),
		];
		try {
			await round.load(LOAD);
		} finally {
			end.abort();
			await Promise.all(greed);
		}
		const waits = round.senders.acknowledged
			.slice(from)
			.map(({ sentAt, acknowledgedAt }) => round.time.between(sentAt, acknowledgedAt));
		const longest = Math.max(...waits);
		round.expect(longest <= PROMPT_MS, `beside a greedy project a send took ${longest} ms`);
		await neighbour.end();
	},
};

/** Makes the webhooks that hang, those whose names no server tells, and the events for all of them. */
async function prepare(round: Round, neighbour: Neighbour): Promise<void> {
	const { receiver } = neighbour;
	receiver.script(() => ({ kind: "hang" }));
	const few = { maxRetries: 3, maxRetryDelay: 50 };
	await neighbour.addWebhooks(HANGING, (n) => ({
		endpoint: `${receiver.url}/hangs/${n}`,
		retries: few,
		timeoutMs: 3_000,
	}));
	await neighbour.addWebhooks(SILENT_NAMES, (n) => {
		const name = `silent-${n}.torture.test`;
		round.world.setSilent(name);
		return { endpoint: `http://${name}:${receiver.port}/`, retries: few, timeoutMs: 3_000 };
	});
	const events = Array.from({ length: 20 }, (_, n) => ({ type: "greedy.event", data: { n } }));
	expectAnswer(round, await neighbour.call("POST", "/events:batch", { events }));
	const schema = { type: "object", properties: { list: { type: "array", uniqueItems: true } } };
	await neighbour.project.eventTypes.put("checked.event", { schema });
	await round.client.projects.update(neighbour.projectId, { eventTypes: "catalogued" });
}

/** Starts `count` loops that call until the end. */
function repeat(count: number, signal: AbortSignal, call: () => Promise<void>): Promise<void>[] {
	return Array.from({ length: count }, async () => {
		while (!signal.aborted) await call();
	});
}

async function list(round: Round, neighbour: Neighbour): Promise<void> {
	expectAnswer(round, await neighbour.call("GET", "/deliveries?limit=1000"));
}

/** An event whose schema check compares every pair of a list. */
async function check(round: Round, neighbour: Neighbour): Promise<void> {
	const list = Array.from({ length: UNIQUE_ITEMS }, (_, n) => ({ n, a: [n] }));
	expectAnswer(round, await neighbour.call("POST", "/events", { type: "checked.event", data: { list } }));
}

/** A batch that arrives as slowly as is allowed. */
async function upload(round: Round, neighbour: Neighbour, signal: AbortSignal): Promise<void> {
	using connection = new RawConnection(round.server.port);
	const path = `/projects/${neighbour.projectId}/events:batch`;
	const headers = {
		"secret-key": neighbour.key,
		"content-type": "application/json",
		"content-length": String(UPLOAD_BYTES),
	};
	await connection.write(`${requestHead("POST", path, headers)}{"events":["`);
	while (!signal.aborted && (await connection.write(PIECE))) await delay(PIECE_EVERY_MS);
}

function expectAnswer(round: Round, { status, text }: Answer): void {
	round.expect(STATUSES.has(status), `a greedy project was told ${status} ${text.slice(0, 200)}`);
}
