// The shards of this member.
import { SHARDS } from "../../../core/cluster/shard.ts";

const NOT_HELD = 0;

/**
 * A shard is in one of these states:
 *
 * - not ours: at the beginning.
 * - held: entered by `hold`. Its webhooks are delivered here.
 * - given: entered by `give`. It is still ours in the database, and no attempt begins; it is on its way to others, and
 *   left by `gone` once its attempts have ended.
 *
 * `clear` makes all of them not ours.
 */
export class OwnShards {
	/** By shard: its epoch, which is at least 1, or `NOT_HELD`. */
	readonly #epochs: number[] = Array.from({ length: SHARDS }, () => NOT_HELD);
	readonly #given = new Set<number>();
	#held: readonly number[] = [];

	holds(shard: number): boolean {
		return this.#epochs[shard] !== NOT_HELD;
	}

	/** The epoch of a shard that is held. */
	epochOf(shard: number): number {
		return this.#epochs[shard] ?? NOT_HELD;
	}

	/** In ascending order. */
	get held(): readonly number[] {
		return this.#held;
	}

	get given(): readonly number[] {
		return [...this.#given];
	}

	hold(taken: readonly { readonly shard: number; readonly epoch: number }[]): void {
		for (const { shard, epoch } of taken) this.#epochs[shard] = epoch;
		this.#list();
	}

	give(shards: readonly number[]): void {
		for (const shard of shards) {
			this.#epochs[shard] = NOT_HELD;
			this.#given.add(shard);
		}
		this.#list();
	}

	gone(shards: readonly number[]): void {
		for (const shard of shards) this.#given.delete(shard);
	}

	clear(): void {
		this.#epochs.fill(NOT_HELD);
		this.#given.clear();
		this.#list();
	}

	#list(): void {
		this.#held = this.#epochs.flatMap((epoch, shard) => (epoch === NOT_HELD ? [] : [shard]));
	}
}

/** The shards without an attempt under way, found by halving, since `inFlightOf` looks at every lane. */
export function idleAmong(shards: readonly number[], inFlightOf: (shards: readonly number[]) => number): number[] {
	if (shards.length === 0) return [];
	if (inFlightOf(shards) === 0) return [...shards];
	if (shards.length === 1) return [];
	const middle = Math.floor(shards.length / 2);
	return [...idleAmong(shards.slice(0, middle), inFlightOf), ...idleAmong(shards.slice(middle), inFlightOf)];
}
