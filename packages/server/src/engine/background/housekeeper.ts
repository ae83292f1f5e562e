// The housekeeper: forgets what has served its time, in small steps.
import type { EngineParts } from "../parts.ts";

/** Idempotency keys are kept at least this long. */
const IDEMPOTENCY_KEPT_MS = 25 * 60 * 60 * 1_000;
const EVERY_MS = 60_000;
/** Rows deleted in one transaction. */
const STEP = 500;

export class Housekeeper {
	readonly #parts: EngineParts;
	#cancel: (() => void) | null = null;
	#running = false;
	#working: Promise<void> = Promise.resolve();

	constructor(parts: EngineParts) {
		this.#parts = parts;
	}

	start(): void {
		if (this.#running) return;
		this.#running = true;
		this.#plan();
	}

	/** Resolves when the step under way is done. */
	async stop(): Promise<void> {
		this.#running = false;
		this.#cancel?.();
		await this.#working;
	}

	#plan(): void {
		this.#cancel = this.#parts.clock.after(EVERY_MS, () => {
			this.#working = this.#work().finally(() => {
				if (this.#running) this.#plan();
			});
		});
	}

	async #work(): Promise<void> {
		const before = this.#parts.clock.now() - IDEMPOTENCY_KEPT_MS;
		try {
			while (this.#running && (await this.#parts.store.forgetIdempotencyKeys(before, STEP)) === STEP) {
				await new Promise((resolve) => setImmediate(resolve));
			}
		} catch (error) {
			this.#parts.observer.problem("old idempotency keys could not be forgotten", error);
		}
	}
}
