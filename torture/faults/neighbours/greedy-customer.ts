// A customer of another project takes as much as it can of everything that the project's customers share, all at once.
import { setTimeout as delay } from "node:timers/promises";

import type { Receiver } from "@fanfare/testkit/receiver";
import type { Answer } from "@fanfare/testkit/server-process";

import type { Fault } from "../../fault.ts";
import { PROMPT_MS } from "../../harness/hostile.ts";
import { Neighbour } from "../../harness/neighbours/neighbour.ts";
import type { Round } from "../../round.ts";

/** As many webhooks as a customer may have. */
const HANGING = 50;
const BACKLOG = 20;
const TESTS = 4;
const REPLAYS = 4;
const STREAMS = 12;
const LISTS = 1;
/** What is accepted of the round's own senders meanwhile. */
const LOAD = 200;
const SEND_EVERY_MS = 150;
const CALL_EVERY_MS = 100;
const ARRIVED_WITHIN_MS = 30_000;
/** Part of the data of every event that is not for the greedy customer. */
const PRIVATE = "for-the-eyes-of-others";
/** What a customer that takes too much may be told. */
const STATUSES = new Set([200, 202, 400, 409, 429, 503]);

/** The owners of webhooks beside the greedy customer: another customer, and the project itself. */
const OTHERS = [
	{ path: "/quiet", customerId: "quiet", type: "quiet.event" },
	{ path: "/own", customerId: undefined, type: "own.event" },
] as const;

interface Sent {
	readonly path: string;
	readonly sentAt: number;
}

export const greedyCustomer: Fault = {
	name: "greedy-customer",
	summary:
		"a customer with hanging webhooks, a backlog, tests, replays and streams at once: other customers and projects notice nothing",
	weight: 1,
	prepare: (round) => {
		// Receivers listen on the loopback address, which customers may not use otherwise.
		round.env["FANFARE_ALLOW_FOR_CUSTOMERS"] = "true";
	},
	setUp: async (round) => {
		round.promptWithinMs = PROMPT_MS;
	},
	strike: async (round) => {
		const neighbour = await Neighbour.open(round);
		const { hanging, webhookId } = await prepare(round, neighbour);
		const call = await callsOf(round, neighbour);
		const end = new AbortController();
		const sent = new Map<string, Sent>();
		const from = round.acknowledged.length;
		const path = `/batch/webhooks/${webhookId}`;
		const replay = { since: 0, status: ["Succeeded", "Failed", "Cancelled", "Missed"] };
		const greed = [
			...repeat(TESTS, end.signal, () => call("POST", `${path}:test`)),
			...repeat(REPLAYS, end.signal, () => call("POST", `${path}:replay`, replay)),
			...repeat(LISTS, end.signal, () => call("GET", "/deliveries?limit=100")),
			...Array.from({ length: STREAMS }, () => readNothing(round, neighbour, call.key, end.signal)),
		];
		const others = sendToOthers(neighbour, sent, end.signal);
		try {
			await round.load(LOAD);
		} finally {
			end.abort();
			await Promise.all([others, ...greed]);
		}
		const waits = round.senders.acknowledged
			.slice(from)
			.map(({ sentAt, acknowledgedAt }) => round.time.between(sentAt, acknowledgedAt));
		const longest = Math.max(...waits);
		round.expect(longest <= PROMPT_MS, `beside a greedy customer a send took ${longest} ms`);
		round.expect(hanging.requests.length >= HANGING / 2, `only ${hanging.requests.length} requests came to hang`);
		await checkArrived(round, neighbour, sent);
		await neighbour.end();
	},
};

/** Makes the webhooks that hang and those of the others, and a backlog. */
async function prepare(
	round: Round,
	neighbour: Neighbour,
): Promise<{ readonly hanging: Receiver; readonly webhookId: string }> {
	const hanging = await round.addReceiver();
	hanging.script(() => ({ kind: "hang" }));
	const retries = { maxRetries: 3, maxRetryDelay: 50 };
	const [webhookId = ""] = await neighbour.addWebhooks(
		HANGING,
		(n) => ({ endpoint: `${hanging.url}/hangs/${n}`, retries, timeoutMs: 3_000, disableAfterMs: 0 }),
		"greedy",
	);
	for (const { path, customerId, type } of OTHERS) {
		const endpoint = `${neighbour.receiver.url}${path}`;
		await neighbour.addWebhooks(1, () => ({ endpoint, retries, eventTypes: [type] }), customerId);
	}
	const events = Array.from({ length: BACKLOG }, (_, n) => ({
		type: "greedy.event",
		customerId: "greedy",
		data: { n },
	}));
	const { status, text } = await neighbour.call("POST", "/events:batch", { events });
	round.expect(status === 202, `the backlog of a greedy customer got ${status} ${text.slice(0, 200)}`);
	return { hanging, webhookId };
}

/** Makes calls with the customer's token. Their answers have nothing of the others. */
async function callsOf(round: Round, neighbour: Neighbour) {
	const { token } = await round.client.project(neighbour.projectId).portalSessions.create({
		customerId: "greedy",
		capabilities: ["webhooks.write", "payloads.read", "deliveries.retry", "replay"],
	});
	round.hiddenValues.set("a customer's token", Buffer.from(token));
	const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
		const answer = await neighbour.call(method, path, body, { "secret-key": token });
		const { status, text } = answer;
		round.expect(STATUSES.has(status), `a greedy customer was told ${status} ${text.slice(0, 200)}`);
		const foreign = [PRIVATE, ...OTHERS.flatMap(({ path: other, type }) => [other, type])];
		for (const part of foreign) round.expect(!text.includes(part), `a greedy customer was told of ${part} by ${path}`);
		return answer;
	};
	return Object.assign(call, { key: token });
}

/** Starts `count` loops that call until the end. */
function repeat(count: number, signal: AbortSignal, call: () => Promise<unknown>): Promise<void>[] {
	return Array.from({ length: count }, async () => {
		while (!signal.aborted) {
			await call();
			await delay(CALL_EVERY_MS);
		}
	});
}

/** Asks for a live stream, and reads nothing of it. */
async function readNothing(round: Round, { projectId }: Neighbour, key: string, signal: AbortSignal): Promise<void> {
	try {
		const url = `${round.server.url}/projects/${projectId}/stream`;
		const response = await fetch(url, { headers: { "secret-key": key }, signal });
		round.expect(STATUSES.has(response.status), `a greedy customer's stream got ${response.status}`);
		await new Promise((resolve) => {
			if (signal.aborted) resolve(null);
			else signal.addEventListener("abort", resolve);
		});
		// Until here, the response is held: one that nobody holds is closed by the garbage collector.
		await response.body?.cancel().catch(() => {});
	} catch (error) {
		if (!signal.aborted) throw error;
	}
}

/** Sends an event to each of the others again and again, until the end. */
async function sendToOthers({ project }: Neighbour, sent: Map<string, Sent>, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		for (const { path, customerId, type } of OTHERS) {
			const sentAt = Date.now();
			const { id } = await project.events.send({ type, customerId, data: { text: PRIVATE } });
			sent.set(id, { path, sentAt });
		}
		await delay(SEND_EVERY_MS);
	}
}

/** Each event came to its own webhook, and soon. */
async function checkArrived(round: Round, { receiver }: Neighbour, sent: ReadonlyMap<string, Sent>): Promise<void> {
	const arrived = () => new Set(receiver.requests.map(({ headers }) => String(headers["webhook-id"])));
	const isThere = () => new Set(sent.keys()).isSubsetOf(arrived());
	await round.time.within(ARRIVED_WITHIN_MS, isThere);
	const missing = new Set(sent.keys()).difference(arrived());
	round.expect(missing.size === 0, `${missing.size} of ${sent.size} events did not arrive beside a greedy customer`);
	let longest = 0;
	for (const { path, headers, receivedAt } of receiver.requests) {
		const event = sent.get(String(headers["webhook-id"]));
		round.expect(event?.path === path, `${String(headers["webhook-id"])} came to ${path}`);
		longest = Math.max(longest, round.time.between(event?.sentAt ?? receivedAt, receivedAt));
	}
	round.expect(longest <= PROMPT_MS, `an event of another customer took ${longest} ms beside a greedy one`);
}
