// Gives each request an id, which is in its response and in its log line.
import type { Chance } from "../../core/chance.ts";

const ID_BYTES = 16;
/** Bytes are read for this many ids at once, which costs much less than reading them for each. */
const IDS_IN_POOL = 256;

/**
 * Makes a function that returns a new id, such as `req_0b4c…`, at each call. An id that a client sends is never used, so
 * that ids stay unique.
 */
export function createRequestIds(chance: Pick<Chance, "randomize">): () => string {
	const pool = Buffer.alloc(ID_BYTES * IDS_IN_POOL);
	let at = pool.length;
	return () => {
		if (at === pool.length) {
			chance.randomize(pool);
			at = 0;
		}
		return `req_${pool.toString("hex", at, (at += ID_BYTES))}`;
	};
}
