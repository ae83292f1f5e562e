// The housekeeper: once a minute deletes idempotency keys that are too old, in small steps.
import type { RetentionStore } from "../../ports/store/retention.ts";
import type { PartsOn } from "../parts.ts";
import { nextTurn } from "./next-turn.ts";
import { Periodic } from "./periodic.ts";

type Parts = Pick<PartsOn<RetentionStore>, "store" | "clock" | "observer">;

/** Idempotency keys are kept at least this long. */
const IDEMPOTENCY_KEPT_MS = 25 * 60 * 60 * 1_000;
const EVERY_MS = 60_000;
/** Rows deleted in one transaction. */
const STEP = 500;

/** Deletes idempotency keys that are older than 25 hours. */
export class Housekeeper {
	readonly #parts: Parts;
	readonly #loop: Periodic;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#loop = new Periodic(parts, {
			everyMs: EVERY_MS,
			work: () => this.#deleteOldKeys(),
			problem: "old idempotency keys could not be deleted",
		});
	}

	start(): void {
		this.#loop.start();
	}

	/** Resolves when the step under way is done. */
	stop(): Promise<void> {
		return this.#loop.stop();
	}

	async #deleteOldKeys(): Promise<void> {
		const before = this.#parts.clock.now() - IDEMPOTENCY_KEPT_MS;
		while (this.#loop.running && (await this.#parts.store.forgetIdempotencyKeys(before, STEP)) === STEP) {
			await nextTurn(this.#parts.clock);
		}
	}
}
