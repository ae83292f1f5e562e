// Long documents that anybody may ask for without a key, written in small pieces: what others send is served between them.

import type { OwnTurns } from "../request/pace/own-turns.ts";

/** How much of a response is made at once, or up to twice as much. */
const CHUNK_BYTES = 16 * 1_024;

/** A text as bytes, cut into small pieces, with null in place of each `mark`. */
export function piecesOf(text: string, mark?: string): (Buffer | null)[] {
	return (mark === undefined ? [text] : text.split(mark)).flatMap((part, index) => {
		const bytes = Buffer.from(part);
		const count = Math.ceil(bytes.length / CHUNK_BYTES);
		const cut = Array.from({ length: count }, (_, at) => bytes.subarray(at * CHUNK_BYTES, (at + 1) * CHUNK_BYTES));
		return index === 0 ? cut : [null, ...cut];
	});
}

/**
 * The document with `marked` in place of the mark. Anybody may ask with another text each time, so nothing is searched or converted for
 * that; and may read slowly, so only what the client has room for is made. Each part has a turn of its own.
 */
export function streamOf(
	pieces: readonly (Buffer | null)[],
	turns: Pick<OwnTurns, "take">,
	marked = Buffer.alloc(0),
): ReadableStream<Uint8Array> {
	let [at, isCancelled] = [0, false];
	const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
		await turns.take();
		if (isCancelled) return;
		const chunk: Buffer[] = [];
		for (let bytes = 0; at < pieces.length && bytes < CHUNK_BYTES; at++) {
			const piece = pieces[at] ?? marked;
			chunk.push(piece);
			bytes += piece.length;
		}
		controller.enqueue(Buffer.concat(chunk));
		if (at === pieces.length) controller.close();
	};
	return new ReadableStream({ pull, cancel: () => void (isCancelled = true) }, { highWaterMark: 0 });
}
