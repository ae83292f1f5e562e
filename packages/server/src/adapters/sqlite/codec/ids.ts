// Ids on disk: the 16 bytes of their UUID. The prefix of an id says its type, and so does the column that it is in.
export type StoredPrefix =
	| "ws"
	| "proj"
	| "webhook"
	| "evt"
	| "dlv"
	| "atm"
	| "key"
	| "replay"
	| "aud"
	| "session"
	| "link"
	| "portal";

const ID_BYTES = 16;
const TIME_BYTES = 6;
const NO_DIGIT = 255;
/** Used in place of a text that is not an id of the expected type: no row has it, and no column accepts it. */
const NO_ID = new Uint8Array(0);
/** Greater than every id. */
export const AFTER_ALL_IDS = new Uint8Array(ID_BYTES + 1).fill(0xff);
/** Less than every id. */
export const BEFORE_ALL_IDS = new Uint8Array(0);

const DIGIT_VALUES = new Uint8Array(128).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) DIGIT_VALUES[value.toString(16).charCodeAt(0)] = value;
const HYPHEN = 0x2d;

/** The bytes of an id; for any other text, bytes that no row has. A loop, since `Buffer.from(…, "hex")` takes twice as long. */
export function idBytes(prefix: StoredPrefix, id: string): Uint8Array {
	if (!id.startsWith(prefix) || id[prefix.length] !== "_") return NO_ID;
	// From Buffer's pool: a typed array with its own memory costs an allocation when it is bound (5 of 45 µs per cycle).
	const bytes = Buffer.allocUnsafe(ID_BYTES);
	let digits = 0;
	let high = 0;
	for (let at = prefix.length + 1; at < id.length; at++) {
		const code = id.charCodeAt(at);
		if (code === HYPHEN) continue;
		const value = DIGIT_VALUES[code] ?? NO_DIGIT;
		if (value === NO_DIGIT || digits === 2 * ID_BYTES) return NO_ID;
		if (digits % 2 === 0) high = value << 4;
		else bytes[digits >> 1] = high | value;
		digits++;
	}
	return digits === 2 * ID_BYTES ? bytes : NO_ID;
}

/** The id as text: its prefix and a UUID, or 32 hex digits for workspaces and projects. */
export function idText(prefix: StoredPrefix, bytes: Uint8Array): string {
	const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
	if (prefix === "ws" || prefix === "proj") return `${prefix}_${hex}`;
	return `${prefix}_${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The time in a UUIDv7, in milliseconds since the epoch. */
export function idTime(bytes: Uint8Array): number {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUIntBE(0, TIME_BYTES);
}

/** The lowest id that can have been made at a time. */
export function firstIdAt(time: number): Uint8Array {
	const bytes = Buffer.alloc(ID_BYTES);
	bytes.writeUIntBE(Math.min(Math.max(0, Math.ceil(time)), 2 ** (8 * TIME_BYTES) - 1), 0, TIME_BYTES);
	return bytes;
}

/** The lowest value above an id. */
export function justAfter(bytes: Uint8Array): Uint8Array {
	const next = new Uint8Array(bytes.length + 1);
	next.set(bytes);
	return next;
}
