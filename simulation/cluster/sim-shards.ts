// The shards of a simulated member: those that it holds, and those that it gives up while attempts to their webhooks are under way.
import type { Grip } from "./member.ts";

export class SimShards {
	readonly #held = new Map<number, Grip>();
	readonly #given = new Map<number, Grip>();

	/** In ascending order. */
	get held(): readonly number[] {
		return [...this.#held.keys()].toSorted((a, b) => a - b);
	}

	get heldCount(): number {
		return this.#held.size;
	}

	/** Whether some are being given up. */
	get areMoving(): boolean {
		return this.#given.size > 0;
	}

	/** By what a shard is held; null if it is not. */
	gripOn(shard: number): Grip | null {
		return this.#held.get(shard) ?? null;
	}

	hold(taken: readonly { readonly shard: number; readonly epoch: number }[]): void {
		for (const { shard, epoch } of taken) this.#held.set(shard, { epoch, isLost: false });
	}

	/** Begins to give these up. */
	give(shards: readonly number[]): void {
		for (const shard of shards) {
			const grip = this.#held.get(shard);
			if (grip === undefined) continue;
			this.#held.delete(shard);
			this.#given.set(shard, grip);
		}
	}

	/** Gives up those that no attempt needs; with `all`, the others too, whose attempts then count as lost. Returns which. */
	free(isIdle: (shard: number) => boolean, all: boolean): number[] {
		const free: number[] = [];
		for (const [shard, grip] of this.#given) {
			const isUnused = isIdle(shard);
			if (!isUnused && !all) continue;
			grip.isLost ||= !isUnused;
			free.push(shard);
		}
		for (const shard of free) this.#given.delete(shard);
		return free;
	}

	/** The attempts under way count as lost. */
	lose(): void {
		for (const grip of [...this.#held.values(), ...this.#given.values()]) grip.isLost = true;
	}

	/** It has none any more. */
	end(): void {
		this.lose();
		this.#held.clear();
		this.#given.clear();
	}
}
