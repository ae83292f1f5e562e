// Ids in columns of type uuid: the UUID of an id, without the prefix, which the column says.
import type { TimeRange } from "../../../core/page.ts";
import { binaryArray } from "./arrays.ts";

export type StoredPrefix =
	| "ws"
	| "proj"
	| "webhook"
	| "evt"
	| "dlv"
	| "key"
	| "replay"
	| "aud"
	| "session"
	| "link"
	| "portal";

const HYPHENATED = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const PLAIN = /^[0-9a-f]{32}$/;
/** Less than every id. */
export const FIRST_UUID = "00000000-0000-0000-0000-000000000000";

/** The UUID of an id; null, which no column equals, for any other text. */
export function uuidOf(prefix: StoredPrefix, id: string): string | null {
	if (!id.startsWith(prefix) || id[prefix.length] !== "_") return null;
	const uuid = id.slice(prefix.length + 1);
	return isPlain(prefix) ? hyphenated(uuid) : HYPHENATED.test(uuid) ? uuid : null;
}

/**
 * SQL for a column that is one of some UUIDs: the parameter `$array` has them, and `$low` and the next one have the lowest and the highest.
 * These choose the partitions: of an array alone, a plan for any values knows none, and reads all of them.
 */
export function isAmong(column: string, array = 1, low = array + 1): string {
	return `${column} = ANY($${array}::uuid[]) AND ${column} >= $${low}::uuid AND ${column} <= $${low + 1}::uuid`;
}

/** The values for `isAmong`, if its parameters follow each other. */
export function among(uuids: readonly string[]): [array: Buffer, low: string, high: string] {
	return [binaryArray("uuid", uuids), ...endsOf(uuids)];
}

/** The lowest and the highest. */
export function endsOf(uuids: readonly string[]): [low: string, high: string] {
	const first = uuids[0] ?? FIRST_UUID;
	return [uuids.reduce((a, b) => (a < b ? a : b), first), uuids.reduce((a, b) => (a > b ? a : b), first)];
}

/** The UUIDs of those texts that are ids. */
export function uuidsOf(prefix: StoredPrefix, ids: readonly string[]): string[] {
	return ids.flatMap((id) => uuidOf(prefix, id) ?? []);
}

/** The id that a column has. */
export function idOf(prefix: StoredPrefix, uuid: string): string {
	return `${prefix}_${isPlain(prefix) ? uuid.replaceAll("-", "") : uuid}`;
}

/** Ids of workspaces and projects have no hyphens. */
function isPlain(prefix: StoredPrefix): boolean {
	return prefix === "ws" || prefix === "proj";
}

function hyphenated(hex: string): string | null {
	if (!PLAIN.test(hex)) return null;
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The time in a UUIDv7, in milliseconds since the epoch. */
export function uuidTime(uuid: string): number {
	return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

const TIME_LIMIT = 2 ** 48 - 1;

/** The lowest UUID that can have been made at a time. */
export function firstUuidAt(time: number): string {
	const hex = Math.min(Math.max(0, Math.ceil(time)), TIME_LIMIT)
		.toString(16)
		.padStart(12, "0");
	return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** UUIDs from `low` (inclusive) to `high` (exclusive; null: no limit). */
export interface UuidRange {
	readonly low: string;
	readonly high: string | null;
}

/** The range of the ids that were made within a time range. */
export function uuidRange({ after, before }: TimeRange): UuidRange {
	return { low: after === null ? FIRST_UUID : firstUuidAt(after), high: before === null ? null : firstUuidAt(before) };
}
