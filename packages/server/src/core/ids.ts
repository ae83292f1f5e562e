// Ids: a prefix that names the type, and a UUIDv7 (RFC 9562), so that ids sort by creation time.
import { randomBytes, type Chance } from "./chance.ts";

export const ID_PREFIXES = ["webhook", "evt", "dlv", "atm", "key", "aud", "replay"] as const;
export type IdPrefix = (typeof ID_PREFIXES)[number];

/** Makes ids. The ids of one maker always ascend, even within a millisecond and when the clock is set back. */
export interface IdMaker {
	/** @param now the time in ms since the epoch */
	make(prefix: IdPrefix, now: number): string;
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
	const pool = new Uint32Array(RANDOM_POOL_BYTES / 4);
	const poolBytes = new Uint8Array(pool.buffer);
	let poolAt = pool.length;
	let lastMs = 0;
	let counter = 0;
	let formattedMs = -1;
	let time = "";

	function random32(): number {
		if (poolAt >= pool.length) {
			chance.randomize(poolBytes);
			poolAt = 0;
		}
		return pool[poolAt++] ?? 0;
	}

	return {
		make(prefix, now) {
			const ms = Math.trunc(now);
			if (ms > lastMs) {
				lastMs = ms;
				counter = (random32() * 2 ** 10 + (random32() >>> 22)) % COUNTER_START;
			} else if (++counter >= COUNTER_LIMIT) {
				lastMs++;
				counter = 0;
			}
			if (lastMs !== formattedMs) {
				formattedMs = lastMs;
				time = formatTime(lastMs);
			}
			return `${prefix}_${formatUuid7(time, counter, random32())}`;
		},
	};
}

/** 48 bits of time · version 7 · 12 bits of counter · variant 10 · 30 bits of counter · 32 random bits. */
function formatUuid7(time: string, counter: number, random: number): string {
	const high = Math.floor(counter / 2 ** 30);
	// The two bits of the variant are the highest of these 32; the others are the lower 30 bits of the counter.
	const low = (0x8000_0000 | (counter % 2 ** 30)) >>> 0;
	return `${time}-7${hex(high >>> 8, 1)}${BYTES[high & 0xff]}-${hex16(low >>> 16)}-${hex16(low & 0xffff)}${hex16(random >>> 16)}${hex16(random & 0xffff)}`;
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
