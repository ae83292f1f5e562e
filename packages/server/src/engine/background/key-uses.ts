// When each key was used last: noted in memory by each call, and written once a minute.
import type { DirectoryStore } from "../../ports/store/directory.ts";
import type { PartsOn } from "../parts.ts";
import { Periodic } from "./periodic.ts";

type Parts = Pick<PartsOn<Pick<DirectoryStore, "keyUses" | "noteKeyUses">>, "store" | "clock" | "observer" | "tenure">;

/** Uses are known to the minute, so that a key that is used all the time is written once a minute. */
const PRECISION_MS = 60_000;
/** Keys written in one transaction. */
const STEP = 500;

/**
 * The last use of each key; those of other processes are known a minute later. A crash loses those of about the last minute. Memory:
 * one number for each key that was ever used and is not deleted.
 */
export class KeyUses {
	readonly #parts: Parts;
	readonly #loop: Periodic;
	readonly #usedAt = new Map<string, number>();
	/** The keys whose last use is not written yet. */
	readonly #unwritten = new Set<string>();

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#loop = new Periodic(parts, {
			everyMs: PRECISION_MS,
			work: () => this.#exchange(),
			problem: "the last uses of keys could not be written",
		});
	}

	/** Reads what earlier runs have written, and begins to write. */
	async start(): Promise<void> {
		await this.#read();
		this.#loop.start();
	}

	/** Writes what is not written yet. Never rejects. */
	async stop(): Promise<void> {
		await this.#loop.stop();
		await this.#write().catch((error: unknown) =>
			this.#parts.observer.problem("the last uses of keys could not be written", error),
		);
	}

	/** A key is being used now. */
	note(keyId: string): void {
		const now = this.#parts.clock.now();
		if (this.#take(keyId, now - (now % PRECISION_MS))) this.#unwritten.add(keyId);
	}

	/** When a key was used last, to the minute; null if it never was. */
	of(keyId: string): number | null {
		return this.#usedAt.get(keyId) ?? null;
	}

	/** A key was deleted. */
	forget(keyId: string): void {
		this.#usedAt.delete(keyId);
		this.#unwritten.delete(keyId);
	}

	#take(keyId: string, at: number): boolean {
		const known = this.#usedAt.get(keyId);
		if (known !== undefined && known >= at) return false;
		this.#usedAt.set(keyId, at);
		return true;
	}

	async #exchange(): Promise<void> {
		await this.#write();
		// Also alone: the other one may have written a use just before it left.
		if (this.#parts.tenure.shards() !== null) await this.#read();
	}

	/** Reads what this process has written before, and what others have. */
	async #read(): Promise<void> {
		for (const { keyId, at } of await this.#parts.store.keyUses()) this.#take(keyId, at);
	}

	async #write(): Promise<void> {
		while (this.#unwritten.size > 0) {
			const keyIds = [...this.#unwritten.values().take(STEP)];
			// A use during the write is one of a later minute, and is written next time.
			for (const keyId of keyIds) this.#unwritten.delete(keyId);
			try {
				await this.#parts.store.noteKeyUses(keyIds.map((keyId) => ({ keyId, at: this.#usedAt.get(keyId) ?? 0 })));
			} catch (error) {
				for (const keyId of keyIds) if (this.#usedAt.has(keyId)) this.#unwritten.add(keyId);
				throw error;
			}
		}
	}
}
