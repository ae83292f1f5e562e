// The pieces in which a body comes: kept in little more memory than their bytes, however small they are.

/** A smaller piece is copied: by itself, each takes some hundred bytes more than it has. */
const SMALL_BYTES = 1_024;
const LEAST_COPIED_BYTES = 256;
const MOST_COPIED_BYTES = 16_384;
/** Pieces that any body may come in, and how many bytes each further one must have on average: each costs the main thread about a microsecond. */
const FREE_PIECES = 16_384;
const BYTES_PER_PIECE = 16;

/** Most bodies come in one piece, which is not copied. */
export class BodyPieces {
	#parts: Uint8Array[] = [];
	/** Small pieces, one behind the other, in front of what is not used yet. */
	#small: Uint8Array | null = null;
	#used = 0;
	#count = 0;
	#size = 0;

	get size(): number {
		return this.#size;
	}

	/** Whether there are more pieces than a body of this size may come in. */
	get areTooMany(): boolean {
		return this.#count > FREE_PIECES + this.#size / BYTES_PER_PIECE;
	}

	add(piece: Uint8Array): void {
		this.#count++;
		this.#size += piece.length;
		if (this.#count === 1 || piece.length >= SMALL_BYTES) {
			this.#endSmall();
			this.#parts.push(piece);
			return;
		}
		if (this.#small !== null && this.#used + piece.length > this.#small.length) this.#endSmall();
		this.#small ??= new Uint8Array(Math.max(piece.length, LEAST_COPIED_BYTES, Math.min(this.#size, MOST_COPIED_BYTES)));
		this.#small.set(piece, this.#used);
		this.#used += piece.length;
	}

	/** All bytes. Nothing is left. */
	take(): Uint8Array {
		this.#endSmall();
		const parts = this.#parts;
		this.clear();
		return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
	}

	clear(): void {
		this.#parts = [];
		this.#small = null;
		this.#used = 0;
	}

	#endSmall(): void {
		const small = this.#small;
		// What is hardly used would keep all of its memory.
		if (small !== null)
			this.#parts.push(2 * this.#used < small.length ? small.slice(0, this.#used) : small.subarray(0, this.#used));
		this.#small = null;
		this.#used = 0;
	}
}
