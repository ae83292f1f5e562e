// The chance port: where random bytes and numbers come from. The server uses the system's (adapters/system); a simulation uses
// a seeded one, with which it repeats exactly.

/**
 * A source of chance. Ids, secrets, keys and nonces are made of it, so a server must only ever get the system's, which is
 * cryptographically secure. A seeded source makes all of these predictable.
 */
export interface Chance {
	/** Fills the array with random bytes, and returns it. */
	randomize<T extends Uint8Array>(bytes: T): T;
	/** A number from 0 (inclusive) to 1 (exclusive), for decisions that need no secrecy. */
	fraction(): number;
}

/** `count` random bytes. */
export function randomBytes(chance: Pick<Chance, "randomize">, count: number): Buffer {
	return chance.randomize(Buffer.allocUnsafe(count));
}
