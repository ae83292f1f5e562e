// The promises "durable before 2xx" and "at least once", with a server that is killed again and again.
import { setTimeout as delay } from "node:timers/promises";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Receiver, type Reply } from "@fanfare/testkit/receiver";
import { runs } from "@fanfare/testkit/runs";
import { seededRandom, testSeed } from "@fanfare/testkit/seeded-random";
import { SendingLoad } from "@fanfare/testkit/sending-load";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { readStoredData } from "@fanfare/testkit/stored-data";
import { expect, it } from "vitest";

import { AttemptBook } from "./attempt-book.ts";

/** Among the first six are two in which the server is killed while it starts, and one that lasts long. */
const ROUNDS = Math.min(20, runs(6));
const LOAD = { senders: 6, pauseMs: 30 };
/** The kill may come at any moment: at most this long after the server listens. */
const LOAD_MS = 400;
/** Every fifth round lasts at least this many acknowledged sends, so that many outcomes are recorded by then. */
const LONG_LOAD_SENDS = 400;
/** In two rounds of seven, the server is killed within this time, while it starts. */
const START_MS = 600;
/** An outcome is on the disk when this many sends were acknowledged after the response: those of some commits. */
const WRITTEN_WITHIN_SENDS = 150;
const MAX_IN_FLIGHT = 24;
const PATHS = ["/first", "/second"] as const;

it("rounds of SIGKILL at random times under load: every acknowledged event arrives, only attempts in flight are repeated, and the data stays intact", async ({
	onTestFailed,
}) => {
	const seed = testSeed();
	onTestFailed(() => void process.stderr.write(`repeat this run with TEST_SEED=${seed}\n`));
	await using receiver = await startReceiver();
	await using server = await startServerProcess({ env: { FANFARE_MAX_IN_FLIGHT: String(MAX_IN_FLIGHT) } });
	const book = await register(server, receiver, seededRandom(seed + 1));
	await using load = new SendingLoad(server, { ...LOAD, random: seededRandom(seed + 2) });
	const random = seededRandom(seed);
	for (let round = 0; round < ROUNDS; round++) {
		const { length } = load.acknowledgedAt;
		await waitForKill(round, server, load, random);
		await kill(server, receiver, book, () => load.acknowledgedAt.slice(length));
		await server.begin();
	}
	await server.ready();
	await load.stop();

	const pairs = await everythingArrives(server, book, load.acknowledged.size * PATHS.length);
	expect(new Set(pairs.map((pair) => pair.split(" ")[0]))).toEqual(new Set(load.acknowledged.keys()));
	expect(book.breaches(WRITTEN_WITHIN_SENDS)).toEqual([]);
	expect(Math.max(...book.repeats()), "repeats after one crash").toBeLessThanOrEqual(MAX_IN_FLIGHT);
	expect(payloads(receiver), "numbers by event").toEqual(load.acknowledged);
	await expectWholeLog(server, pairs.length);
	expect(await server.stop()).toEqual({ code: 0, signal: null });
	expect(readStoredData(server.dataDir)).toMatchObject({
		integrity: "ok",
		eventCount: load.acknowledged.size,
		deliveryCount: pairs.length,
		misnumbered: 0,
	});
});

/** Registers two webhooks whose receiver accepts most requests. Returns the book that the receiver keeps. */
async function register(server: ServerProcess, receiver: Receiver, random: () => number): Promise<AttemptBook> {
	const book = new AttemptBook();
	const webhookIds = new Map<string, string>();
	for (const path of PATHS) {
		const retries = { maxRetries: 20, maxRetryDelay: 100 };
		webhookIds.set(path, (await server.createWebhook(receiver.url + path, { retries })).id);
	}
	receiver.script(({ headers, path, receivedAt }) => {
		const reply = randomReply(random);
		const pair = `${String(headers["webhook-id"])} ${webhookIds.get(path) ?? "?"}`;
		book.record(pair, reply.status, receivedAt + reply.delayMs);
		return reply;
	});
	return book;
}

function randomReply(random: () => number): Reply & { status: number; delayMs: number } {
	const status = random() < 0.1 ? 500 : random() < 0.5 ? 200 : 204;
	return { status, delayMs: random() < 0.8 ? 0 : Math.floor(random() * 80) };
}

/** Waits until this round's server is to be killed. */
async function waitForKill(
	round: number,
	server: ServerProcess,
	load: SendingLoad,
	random: () => number,
): Promise<void> {
	if (round % 7 === 2 || round % 7 === 5) {
		await delay(random() * START_MS);
		return;
	}
	await server.ready();
	if (round % 5 === 4) {
		const enough = load.acknowledged.size + LONG_LOAD_SENDS;
		await eventually("a long round's sends", () => load.acknowledged.size >= enough, 5 * DEADLINE_MS);
	}
	await delay(random() * LOAD_MS);
}

async function kill(
	server: ServerProcess,
	receiver: Receiver,
	book: AttemptBook,
	acknowledgedAt: () => readonly number[],
): Promise<void> {
	server.kill("SIGKILL");
	await server.exited;
	// After this, the receiver has read everything that the server had sent, and counts it to this run.
	await receiver.waitForConnections(0);
	const { integrity, succeeded } = readStoredData(server.dataDir);
	expect(integrity).toBe("ok");
	book.endRun({ acknowledgedAt: acknowledgedAt(), succeeded });
}

/** Waits until all deliveries have ended, and returns the pairs that have arrived. */
async function everythingArrives(server: ServerProcess, book: AttemptBook, count: number): Promise<string[]> {
	const { deliveries } = server.project;
	// They are thousands.
	await eventually(`${count} deliveries to arrive`, () => book.arrived().size >= count, 5 * DEADLINE_MS);
	const isIdle = async () => (await deliveries.list({ status: "Pending", limit: 1 })).data.length === 0;
	await eventually("the last outcome to be recorded", isIdle);
	return [...book.arrived()];
}

/** The number in the body of each received event, by event id. */
function payloads(receiver: Receiver): Map<string, unknown> {
	return new Map(
		receiver.requests.map(({ headers, rawBody }) => {
			const { data } = JSON.parse(rawBody.toString()) as { data: unknown };
			return [String(headers["webhook-id"]), data];
		}),
	);
}

/** Expects that each delivery has succeeded, and that the API shows all of its attempts in order. */
async function expectWholeLog(server: ServerProcess, count: number): Promise<void> {
	const { deliveries } = server.project;
	const all = await Array.fromAsync(deliveries.list());
	expect(all).toHaveLength(count);
	expect(all.filter(({ status }) => status !== "Succeeded")).toEqual([]);
	for (const { id, attemptCount } of all.filter(({ attemptCount }) => attemptCount > 1)) {
		const { attempts } = await deliveries.get(id);
		const codes = attempts.map(({ responseCode }) => (responseCode >= 200 && responseCode <= 299 ? "2xx" : "failure"));
		expect(attempts.map(({ number }) => number)).toEqual(Array.from({ length: attemptCount }, (_, index) => index + 1));
		expect(codes).toEqual([...Array.from({ length: attemptCount - 1 }, () => "failure"), "2xx"]);
	}
}
