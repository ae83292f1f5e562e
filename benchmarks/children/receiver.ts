// A process that receives webhooks and does next to nothing else. What it does depends on the first letter of the path:
//   /hook   records when each event of the current series first came, and responds with 200
//   /bulk   counts requests, and responds with 200
//   /never  never responds
import { createServer, type AddressInfo, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";

import { nowMs } from "../harness/measure/clock.ts";
import { serveCalls } from "../harness/process/serve-calls.ts";
import { eventNumberOf, firstNumberOf } from "../wire/bench-event.ts";
import { frameOf, type Frame } from "../wire/framing.ts";

export interface Counts {
	/** Different events of the current series. */
	readonly received: number;
	/** Requests with an event of the current series that had come before. */
	readonly duplicates: number;
	/** Requests with an event of an earlier series. */
	readonly late: number;
	/** When the last new event came, on the clock of `nowMs`. */
	readonly lastAt: number;
	/** Requests to `/bulk`. */
	readonly bulk: number;
	/** When the first and the last request to `/bulk` came; 0 if there was none. */
	readonly bulkFirstAt: number;
	readonly bulkLastAt: number;
	/** Requests to `/never`. */
	readonly hanging: number;
}

export interface ReceiverCalls {
	/** Returns the port. */
	listen(): Promise<number>;
	/**
	 * Sets all counts to 0 and returns the number of the new series. Events of other series count as `late` from now on. Requests that
	 * have come before the call count before it, although they may not have been read yet.
	 */
	newSeries(): Promise<number>;
	counts(): Counts;
	/** Resolves when `count` events have come, or when nothing new has come for `stallMs`. */
	waitFor(until: {
		readonly of: "received" | "bulk";
		readonly count: number;
		readonly stallMs: number;
	}): Promise<Counts>;
	/** When each of the first `count` events of the series came; 0 for one that has not come. */
	times(count: number): Float64Array;
}

const ANSWER = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
const FIRST_CAPACITY = 262_144;
const LOOK_EVERY_MS = 5;
const TURNS_TO_READ = 3;

const PATH_LETTER_AT = "POST /".length;
const [BULK_LETTER, NEVER_LETTER] = [0x62, 0x6e];

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** By sequence number in the current series. */
let receivedAt = new Float64Array(FIRST_CAPACITY);
let counts = noCounts();
let series = 0;
let firstNumber = firstNumberOf(series);

function noCounts(): Mutable<Counts> {
	return { received: 0, duplicates: 0, late: 0, lastAt: 0, bulk: 0, bulkFirstAt: 0, bulkLastAt: 0, hanging: 0 };
}

/** Counts a request. Returns false if it must not be answered. */
function take(bytes: Buffer, { bodyAt }: Frame): boolean {
	const letter = bytes[PATH_LETTER_AT];
	if (letter === NEVER_LETTER) {
		counts.hanging++;
		return false;
	}
	if (letter === BULK_LETTER) {
		counts.bulkLastAt = nowMs();
		if (counts.bulk++ === 0) counts.bulkFirstAt = counts.bulkLastAt;
	} else {
		takeNumbered(bytes, bodyAt);
	}
	return true;
}

function takeNumbered(bytes: Buffer, bodyAt: number): void {
	const number = eventNumberOf(bytes, bodyAt);
	if (number < 0) throw new Error(`the receiver got a request without a benchmark event: ${bytes.toString("latin1")}`);
	const sequence = number - firstNumber;
	if (sequence < 0) {
		counts.late++;
		return;
	}
	if (sequence >= receivedAt.length) grow(sequence);
	if (receivedAt[sequence] !== 0) {
		counts.duplicates++;
		return;
	}
	counts.received++;
	counts.lastAt = receivedAt[sequence] = nowMs();
}

function grow(sequence: number): void {
	const larger = new Float64Array(Math.max(receivedAt.length * 2, sequence + 1));
	larger.set(receivedAt);
	receivedAt = larger;
}

function serve(socket: Socket): void {
	let rest: Buffer | null = null;
	socket.setNoDelay(true);
	socket.on("error", () => socket.destroy());
	socket.on("data", (chunk: Buffer) => {
		let bytes = rest === null ? chunk : Buffer.concat([rest, chunk]);
		for (let frame = frameOf(bytes); frame !== null && bytes.length >= frame.end; frame = frameOf(bytes)) {
			if (take(bytes, frame)) socket.write(ANSWER);
			bytes = bytes.subarray(frame.end);
			if (bytes.length === 0) break;
		}
		rest = bytes.length === 0 ? null : bytes;
	});
}

function listen(): Promise<number> {
	const server = createServer(serve);
	return new Promise((resolve, reject) => {
		server.once("error", reject);
		server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
	});
}

function waitFor({ of, count, stallMs }: Parameters<ReceiverCalls["waitFor"]>[0]): Promise<Counts> {
	let movedAt = nowMs();
	let before = counts[of];
	return new Promise((resolve) => {
		const timer = setInterval(() => {
			if (counts[of] !== before) movedAt = nowMs();
			before = counts[of];
			if (before < count && nowMs() - movedAt < stallMs) return;
			clearInterval(timer);
			resolve({ ...counts });
		}, LOOK_EVERY_MS);
	});
}

async function newSeries(): Promise<number> {
	// One turn of the event loop accepts the connections that wait, and the next reads from them.
	for (let turn = 0; turn < TURNS_TO_READ; turn++) await nextTurn();
	receivedAt.fill(0);
	counts = noCounts();
	firstNumber = firstNumberOf(++series);
	return series;
}

serveCalls<ReceiverCalls>({
	listen,
	newSeries,
	counts: () => counts,
	waitFor,
	times: (count) => receivedAt.slice(0, count),
});
