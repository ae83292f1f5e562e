// The overwriter: within a minute after something was erased or deleted, has the store overwrite it on the disk.
import type { RetentionStore } from "../../ports/store/retention.ts";
import type { PartsOn } from "../parts.ts";
import { Periodic } from "./periodic.ts";

type Parts = Pick<PartsOn<RetentionStore>, "store" | "clock" | "observer">;

/** Together with the time of the step itself, less than a minute. */
const EVERY_MS = 30_000;

/**
 * States: clean ──noteErased──▶ erased ──the next step has begun──▶ clean
 *
 * After a failed step it is erased again.
 */
export class Overwriter {
	readonly #parts: Parts;
	readonly #loop: Periodic;
	#isErased = false;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#loop = new Periodic(parts, {
			everyMs: EVERY_MS,
			work: () => this.#overwrite(),
			problem: "erased data could not be overwritten on the disk yet",
		});
	}

	start(): void {
		this.#loop.start();
	}

	/** Resolves when the step under way is done. */
	stop(): Promise<void> {
		return this.#loop.stop();
	}

	/** Something was erased or deleted. */
	noteErased(): void {
		this.#isErased = true;
	}

	async #overwrite(): Promise<void> {
		if (!this.#isErased) return;
		this.#isErased = false;
		try {
			// Returns no space, but leaves no readable bytes of what was erased.
			await this.#parts.store.releaseSpace(0);
		} catch (error) {
			this.#isErased = true;
			throw error;
		}
	}
}
