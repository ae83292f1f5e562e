// Stats as bytes: entries of the journal, and histograms of latencies and counts by cause in table `stats`. Numbers are varints (7 bits a byte, lowest
// bits first); where a number may be negative, it is written zigzag: 0, -1, 1, -2, 2, …
//
// An entry of the journal:
//
//   entry    = VERSION, number of minutes, minute…, (project, stored bytes zigzag)…, 0
//   minute   = start in minutes, (project, accepted)…, 0, run…, 0
//   run      = 1 + mask of the counts that are not 0, each of these (zigzag), number of buckets, (bucket, count)…, webhook…, 0
//
// The bit after those of the counts says that the delivery of the last attempt follows them, by its number. The bit after that one says
// that causes follow then: their number, (cause, count)…
//
// A project or a webhook is its number less that of the project or the webhook before it in the minute (zigzag), which is never 0. A
// run is webhooks with equal stats, one after the other, such as all that an event goes to: one or two bytes for each webhook, where
// JSON with ids took 62 and more than twice the CPU. In batches of 64 over 100 webhooks, a webhook takes 7 bytes. Merging the changes of
// 16 commits into one entry, which each of them writes again, takes two to eight times the CPU.
import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import {
	addCause,
	addLatency,
	addStats,
	COUNT_COUNT,
	emptyStats,
	statsOf,
	StatsSums,
	type PeriodStats,
} from "./stats-sums.ts";

const VERSION = 4;
/** The first version with stored bytes. The third has last attempts, the fourth has causes. */
const WITH_STORED_BYTES = 2;
/** In the mask of the counts. */
const LAST_ATTEMPT = 1 << COUNT_COUNT;
const CAUSES = 2 * LAST_ATTEMPT;
/** After the last project, webhook or run: none of them begins with it. */
const END = 0;
/** The bytes of the largest safe integer. */
const MAX_NUMBER_BYTES = 8;
const MORE = 0x80;
const LOW_BITS = 0x7f;

/** Encodes an entry of the journal. */
export function encodeEntry(sums: StatsSums): Uint8Array {
	const writer = new Writer();
	writer.number(VERSION);
	writer.number(sums.minutes.size);
	for (const [start, { webhooks, projects }] of sums.minutes) {
		writer.number(start / STATS_WIDTHS_MS.minute);
		let before = 0;
		for (const [project, accepted] of projects) {
			writeOwner(writer, project, before);
			writer.number(accepted);
			before = project;
		}
		writer.number(END);
		writeRuns(writer, webhooks);
		writer.number(END);
	}
	let before = 0;
	for (const [project, bytes] of sums.stored) {
		writeOwner(writer, project, before);
		writer.signed(bytes);
		before = project;
	}
	writer.number(END);
	return writer.bytes();
}

function writeRuns(writer: Writer, webhooks: ReadonlyMap<number, PeriodStats>): void {
	let run: PeriodStats | null = null;
	let before = 0;
	for (const [webhook, stats] of webhooks) {
		if (run === null || !isEqual(run, stats)) {
			if (run !== null) writer.number(END);
			writeStats(writer, stats);
			run = stats;
		}
		writeOwner(writer, webhook, before);
		before = webhook;
	}
	if (run !== null) writer.number(END);
}

function writeOwner(writer: Writer, owner: number, before: number): void {
	if (owner <= 0 || owner === before) throw new RangeError(`stats can't have the owner ${owner}`);
	writer.signed(owner - before);
}

/** Stats with latencies or causes count as different: they are hardly ever equal. */
function isEqual(some: PeriodStats, other: PeriodStats): boolean {
	if (some.latency !== null || other.latency !== null || some.lastAttempt !== other.lastAttempt) return false;
	if (some.causes !== null || other.causes !== null) return false;
	// A loop, since `every` takes twice as long.
	for (let index = 0; index < COUNT_COUNT; index++) if (some.counts[index] !== other.counts[index]) return false;
	return true;
}

function writeStats(writer: Writer, { counts, latency, causes, lastAttempt }: PeriodStats): void {
	let mask = (lastAttempt === 0 ? 0 : LAST_ATTEMPT) | (causes === null ? 0 : CAUSES);
	for (let index = 0; index < COUNT_COUNT; index++) if (counts[index] !== 0) mask |= 1 << index;
	writer.number(1 + mask);
	for (const count of counts) if (count !== 0) writer.signed(count);
	if (lastAttempt !== 0) writer.number(lastAttempt);
	if (causes !== null) writePairs(writer, causes);
	if (latency === null) writer.number(0);
	else writePairs(writer, latency);
}

function writePairs(writer: Writer, counts: ReadonlyMap<number, number>): void {
	writer.number(counts.size);
	for (const [key, count] of counts) {
		writer.number(key);
		writer.number(count);
	}
}

/** Decodes an entry of the journal. Throws a `StoreError` if it is damaged, or if a newer program wrote it. */
export function decodeEntry(entry: Uint8Array): StatsSums {
	const reader = new Reader(entry);
	const version = reader.number();
	if (version < 1 || version > VERSION) throw damaged(`an entry of the journal has the unknown version ${version}`);
	const sums = new StatsSums();
	for (let minutes = reader.number(); minutes > 0; minutes--) readMinute(reader, sums);
	if (version >= WITH_STORED_BYTES) readStored(reader, sums);
	if (!reader.atEnd) throw damaged("an entry of the journal goes on after its end");
	return sums;
}

function readMinute(reader: Reader, sums: StatsSums): void {
	const { webhooks, projects } = sums.at(reader.number() * STATS_WIDTHS_MS.minute);
	for (let project = readOwner(reader, 0); project !== null; project = readOwner(reader, project)) {
		projects.set(project, (projects.get(project) ?? 0) + reader.number());
	}
	let before = 0;
	for (let first = reader.number(); first !== END; first = reader.number()) {
		const stats = readStats(reader, first - 1);
		for (let webhook = readOwner(reader, before); webhook !== null; webhook = readOwner(reader, webhook)) {
			addStats(statsOf(webhooks, webhook), stats);
			before = webhook;
		}
	}
}

function readStored(reader: Reader, { stored }: StatsSums): void {
	for (let project = readOwner(reader, 0); project !== null; project = readOwner(reader, project)) {
		stored.set(project, reader.signed());
	}
}

/** The next project or webhook; null if there is none. */
function readOwner(reader: Reader, before: number): number | null {
	const step = reader.signed();
	if (step === END) return null;
	const owner = before + step;
	if (owner <= 0 || !Number.isSafeInteger(owner)) throw damaged(`an entry of the journal has the owner ${owner}`);
	return owner;
}

function readStats(reader: Reader, mask: number): PeriodStats {
	if (mask >= 2 * CAUSES) throw damaged("an entry of the journal has unknown counts");
	const stats = emptyStats();
	for (let index = 0; index < COUNT_COUNT; index++) {
		if ((mask & (1 << index)) === 0) continue;
		stats.counts[index] = reader.signed();
	}
	if ((mask & LAST_ATTEMPT) !== 0) stats.lastAttempt = reader.number();
	if ((mask & CAUSES) !== 0) {
		for (let causes = reader.number(); causes > 0; causes--) addCause(stats, reader.number(), reader.number());
	}
	for (let buckets = reader.number(); buckets > 0; buckets--) addLatency(stats, reader.number(), reader.number());
	return stats;
}

/** Encodes a histogram: the first bucket with a count, then the counts from there to the last one. About 20 bytes for a usual minute. */
export function encodeLatency(counts: ReadonlyMap<number, number> | null): Uint8Array {
	const writer = new Writer();
	if (counts !== null && counts.size > 0) {
		const first = Math.min(...counts.keys());
		const last = Math.max(...counts.keys());
		writer.number(first);
		for (let bucket = first; bucket <= last; bucket++) writer.number(counts.get(bucket) ?? 0);
	}
	return writer.bytes();
}

/** Adds a histogram to stats, in place. */
export function addLatencyBytes(stats: PeriodStats, bytes: Uint8Array): void {
	const reader = new Reader(bytes);
	if (reader.atEnd) return;
	for (let bucket = reader.number(); !reader.atEnd; bucket++) addLatency(stats, bucket, reader.number());
}

/** Encodes counts by cause: a cause, its count, the next cause, and so on. */
export function encodeCauses(counts: ReadonlyMap<number, number> | null): Uint8Array {
	const writer = new Writer();
	for (const [cause, count] of counts ?? []) {
		writer.number(cause);
		writer.number(count);
	}
	return writer.bytes();
}

/** Adds counts by cause to stats, in place. */
export function addCauseBytes(stats: PeriodStats, bytes: Uint8Array): void {
	const reader = new Reader(bytes);
	while (!reader.atEnd) addCause(stats, reader.number(), reader.number());
}

class Writer {
	#bytes = Buffer.allocUnsafe(256);
	#at = 0;

	bytes(): Buffer {
		return this.#bytes.subarray(0, this.#at);
	}

	number(value: number): void {
		if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`stats can't have the number ${value}`);
		this.#reserve(MAX_NUMBER_BYTES);
		let rest = value;
		for (; rest > LOW_BITS; rest = Math.floor(rest / MORE)) this.#bytes[this.#at++] = (rest & LOW_BITS) | MORE;
		this.#bytes[this.#at++] = rest;
	}

	signed(value: number): void {
		if (!Number.isInteger(value)) throw new RangeError(`stats can't have the number ${value}`);
		this.number(value < 0 ? -2 * value - 1 : 2 * value);
	}

	#reserve(length: number): void {
		const needed = this.#at + length;
		if (needed <= this.#bytes.length) return;
		const bytes = Buffer.allocUnsafe(2 * needed);
		this.#bytes.copy(bytes, 0, 0, this.#at);
		this.#bytes = bytes;
	}
}

class Reader {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	get atEnd(): boolean {
		return this.#at === this.#bytes.length;
	}

	number(): number {
		let value = 0;
		for (let factor = 1, length = 1; length <= MAX_NUMBER_BYTES; factor *= MORE, length++) {
			if (this.#at === this.#bytes.length) throw damaged("they end too early");
			const byte = this.#bytes[this.#at++] ?? 0;
			value += (byte & LOW_BITS) * factor;
			if ((byte & MORE) === 0 && value <= Number.MAX_SAFE_INTEGER) return value;
		}
		throw damaged("a number is too large");
	}

	signed(): number {
		const zigzag = this.number();
		return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
	}
}

/** The error for stored stats that can't be read. */
export function damaged(problem: string, cause?: unknown): StoreError {
	return new StoreError(
		"store_unavailable",
		`the stored stats are damaged, or written by a newer Fanfare (${problem}): run that version, or restore the data directory from a backup`,
		{ cause },
	);
}
