// Ids: a prefix that names the type, and a UUIDv7 (RFC 9562), so that ids sort by creation time.
import { randomBytes, type Chance } from "./chance.ts";

export const ID_PREFIXES = [
	"webhook",
	"evt",
	"dlv",
	"atm",
	"key",
	"aud",
	"replay",
	"session",
	"link",
	"portal",
] as const;
export type IdPrefix = (typeof ID_PREFIXES)[number];

/**
 * Makes ids. Those that one maker makes ascend, even within a millisecond and when the clock is set back: the ids of events
 * and deliveries together, and all other ids together.
 */
export interface IdMaker {
	/** @param now the time in ms since the epoch */
	make(prefix: IdPrefix, now: number): string;
	/**
	 * The id of an event whose `count` deliveries have the ids that follow it: `deliveryIdAt` tells them. They count as made,
	 * so the next id comes after them.
	 */
	makeEvent(count: number, now: number): string;
	/**
	 * From now on, ids of events and deliveries come after this one. Call it with the highest id that is stored: an earlier
	 * process may have made it with a clock that was ahead.
	 */
	continueAfter(id: string): void;
}

const COUNTER_BITS = 42;
const COUNTER_LIMIT = 2 ** COUNTER_BITS;
/** A new counter starts in the lower half, which leaves at least 2^41 ids for the same millisecond. */
const COUNTER_START = 2 ** (COUNTER_BITS - 1);
const RANDOM_POOL_BYTES = 4_096;

/**
 * Makes UUIDv7 by RFC 9562, section 6.2, method 1: a counter of 42 bits after the time, then 32 random bits. While the
 * clock is behind the last time, that time is used again, which keeps the order.
 *
 * @example
 * const ids = createIdMaker(systemChance);
 * ids.make("evt", Date.now()); // "evt_01936a2e-…"
 */
export function createIdMaker(chance: Pick<Chance, "randomize">): IdMaker {
	const pool = new RandomPool(chance);
	const log = new IdSequence(pool);
	const others = new IdSequence(pool);
	return {
		make: (prefix, now) => `${prefix}_${(prefix === "evt" || prefix === "dlv" ? log : others).next(1, now)}`,
		makeEvent: (count, now) => `evt_${log.next(1 + count, now)}`,
		continueAfter: (id) => log.continueAfter(id),
	};
}

/** Random numbers of 32 bits, made many at a time. */
class RandomPool {
	readonly #chance: Pick<Chance, "randomize">;
	readonly #numbers = new Uint32Array(RANDOM_POOL_BYTES / 4);
	readonly #bytes = new Uint8Array(this.#numbers.buffer);
	#at = this.#numbers.length;

	constructor(chance: Pick<Chance, "randomize">) {
		this.#chance = chance;
	}

	next(): number {
		if (this.#at >= this.#numbers.length) {
			this.#chance.randomize(this.#bytes);
			this.#at = 0;
		}
		return this.#numbers[this.#at++] ?? 0;
	}
}

/** UUIDs that ascend. */
class IdSequence {
	readonly #random: RandomPool;
	#lastMs = 0;
	/** The counter of the last UUID. */
	#counter = 0;
	#formattedMs = -1;
	#time = "";

	constructor(random: RandomPool) {
		this.#random = random;
	}

	/** The first of `count` UUIDs in a row, which differ in their counters only. */
	next(count: number, now: number): string {
		const ms = Math.trunc(now);
		if (ms > this.#lastMs) {
			this.#lastMs = ms;
			this.#counter = (this.#random.next() * 2 ** 10 + (this.#random.next() >>> 22)) % COUNTER_START;
		} else if (++this.#counter + count > COUNTER_LIMIT) {
			this.#lastMs++;
			this.#counter = 0;
		}
		if (this.#lastMs !== this.#formattedMs) {
			this.#formattedMs = this.#lastMs;
			this.#time = formatTime(this.#lastMs);
		}
		const uuid = `${this.#time}-${formatCounter(this.#counter)}${formatRandom(this.#random.next())}`;
		this.#counter += count - 1;
		return uuid;
	}

	continueAfter(id: string): void {
		const [ms, counter] = [idTime(id), idCounter(id)];
		if (ms < this.#lastMs || (ms === this.#lastMs && counter <= this.#counter)) return;
		this.#lastMs = ms;
		this.#counter = counter;
	}
}

/**
 * The id of a delivery of an event: the event's UUID with a counter that is higher by `index` + 1. So a delivery's id needs
 * no room of its own beside its event's. `IdMaker.makeEvent` keeps these ids free.
 *
 * @example
 * const event = ids.makeEvent(2, now);
 * [deliveryIdAt(event, 0), deliveryIdAt(event, 1)]; // in ascending order, and before the next id
 */
export function deliveryIdAt(eventId: string, index: number): string {
	const uuid = eventId.slice(eventId.indexOf("_") + 1);
	return `dlv_${uuid.slice(0, TIME_LENGTH)}${formatCounter(idCounter(eventId) + 1 + index)}${uuid.slice(-RANDOM_LENGTH)}`;
}

/** The counter of a UUID: 12 bits after the version, and 30 after the variant. */
function idCounter(id: string): number {
	const uuid = id.slice(id.indexOf("_") + 1);
	const high = Number.parseInt(uuid.slice(15, 18), 16);
	const low = Number.parseInt(uuid.slice(19, 23) + uuid.slice(24, 28), 16) % 2 ** 30;
	return high * 2 ** 30 + low;
}

/** Characters of the time in a UUID, with the hyphen after it, and of its random digits. */
const TIME_LENGTH = 14;
const RANDOM_LENGTH = 8;

/** The part of a UUID with the counter: version 7 · 12 bits of counter · variant 10 · 30 bits of counter. 32 random bits follow. */
function formatCounter(counter: number): string {
	const high = Math.floor(counter / 2 ** 30);
	// The two bits of the variant are the highest of these 32; the others are the lower 30 bits of the counter.
	const low = (0x8000_0000 | (counter % 2 ** 30)) >>> 0;
	return `7${hex(high >>> 8, 1)}${BYTES[high & 0xff]}-${hex16(low >>> 16)}-${hex16(low & 0xffff)}`;
}

function formatRandom(random: number): string {
	return `${hex16(random >>> 16)}${hex16(random & 0xffff)}`;
}

/** The 48 bits of time as a UUID writes them. */
function formatTime(ms: number): string {
	const digits = hex(ms, 12);
	return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

/** The two hex digits of each byte: four times as fast as `toString(16)`, on the busy path. */
const BYTES = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));

function hex16(value: number): string {
	return `${BYTES[value >>> 8]}${BYTES[value & 0xff]}`;
}

function hex(value: number, digits: number): string {
	return value.toString(16).padStart(digits, "0");
}

/** The creation time of an id in ms since the epoch: the first 48 bits of its UUID. */
export function idTime(id: string): number {
	const uuid = id.slice(id.indexOf("_") + 1);
	return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const PATTERNS: Readonly<Record<IdPrefix, RegExp>> = {
	webhook: new RegExp(`^webhook_${UUID}$`),
	evt: new RegExp(`^evt_${UUID}$`),
	dlv: new RegExp(`^dlv_${UUID}$`),
	atm: new RegExp(`^atm_${UUID}$`),
	key: new RegExp(`^key_${UUID}$`),
	replay: new RegExp(`^replay_${UUID}$`),
	aud: new RegExp(`^aud_${UUID}$`),
	session: new RegExp(`^session_${UUID}$`),
	link: new RegExp(`^link_${UUID}$`),
	portal: new RegExp(`^portal_${UUID}$`),
};

/** Whether `text` has the form of an id of this type. */
export function isId(prefix: IdPrefix, text: string): boolean {
	return PATTERNS[prefix].test(text);
}

/** A new project id: `proj_` and 32 hex digits, the form that the Nexus SDK uses. */
export function makeProjectId(chance: Pick<Chance, "randomize">): string {
	return `proj_${randomBytes(chance, 16).toString("hex")}`;
}

export function isProjectId(text: string): boolean {
	return /^proj_[0-9a-f]{32}$/.test(text);
}

/** A new workspace id: `ws_` and 32 hex digits. */
export function makeWorkspaceId(chance: Pick<Chance, "randomize">): string {
	return `ws_${randomBytes(chance, 16).toString("hex")}`;
}
