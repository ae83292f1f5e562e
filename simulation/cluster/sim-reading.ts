// How a simulated member watches whether it can read what others have changed: one that can't for long leaves its shards to them.
import type { RunScope } from "../world/run-scope.ts";
import { BEAT_MS, BLIND_MS } from "./timing.ts";

/** Reads what others have changed. */
export interface ChangesReader {
	/** Whether this process knows all changes but the newest. */
	readonly isCurrent: boolean;
	/** Whether there may be something that it has not read. */
	readonly hasUnread: boolean;
	/** Reads all changes that were made so far. Rejects if it can't. */
	look(): Promise<void>;
}

export interface ReadingParts {
	/** Whether it has seen no other member. */
	readonly isAlone: () => boolean;
	/** Ends the membership. Returns whether there was one. */
	readonly leaveToOthers: () => boolean;
	/** Whether this process joins again when it has lost its tenure. */
	readonly joins: () => boolean;
	readonly canJoin: () => boolean;
	readonly join: () => void;
}

const AGAIN_MS = 200;

/** States: reading ──could not for long──▶ blind ──could──▶ reading. */
export class SimReading {
	readonly #run: RunScope;
	readonly #reader: () => ChangesReader;
	readonly #parts: ReadingParts;
	/** For how many beats this process has not known what others have changed. */
	#beats = 0;
	#isWatching = false;
	#isBlind = false;

	constructor(run: RunScope, reader: () => ChangesReader, parts: ReadingParts) {
		this.#run = run;
		this.#reader = reader;
		this.#parts = parts;
	}

	get isCurrent(): boolean {
		return this.#reader().isCurrent;
	}

	/** Whether it has left its shards to the others, and joins when it can read. */
	get isBlind(): boolean {
		return this.#isBlind;
	}

	look(): Promise<void> {
		return this.#reader().look();
	}

	/** It has joined: nobody waits for what it had not read before. */
	joined(): void {
		this.#beats = 0;
	}

	/** Something could not be read. Each beat from now on looks for how long that has been so, until everything is read. */
	watch(): void {
		if (this.#isWatching) return;
		this.#isWatching = true;
		this.#run.later(BEAT_MS, () => this.#beat());
	}

	#beat(): void {
		this.#isWatching = false;
		const { isCurrent, hasUnread } = this.#reader();
		this.#beats = isCurrent || this.#parts.isAlone() ? 0 : this.#beats + 1;
		if (this.#beats * BEAT_MS >= BLIND_MS && !this.#isBlind && this.#parts.leaveToOthers())
			void this.#joinWhenReading();
		if (hasUnread) this.watch();
	}

	async #joinWhenReading(): Promise<void> {
		this.#isBlind = true;
		while (this.#parts.joins()) {
			await new Promise<void>((resolve) => void this.#run.later(AGAIN_MS, resolve));
			if (!this.#parts.canJoin()) continue;
			try {
				await this.look();
			} catch {
				continue;
			}
			this.#isBlind = false;
			return this.#parts.join();
		}
	}
}
