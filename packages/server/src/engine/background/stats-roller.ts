// The stats roller: once a minute adds what the commits have kept up to minutes, hours and days, in small steps between which
// everything else goes on. What it leaves undone is done by the next round; reading gives the same before and after.
import { STATS_KEPT_MS, STATS_WIDTHS_MS } from "../../core/stats/stats.ts";
import type { EngineParts } from "../parts.ts";

const EVERY_MS = 60_000;
/** Rows dealt with in one step: some milliseconds. */
const STEP = 2_000;

export class StatsRoller {
	readonly #parts: Pick<EngineParts, "store" | "clock" | "observer">;
	#running = false;
	#cancel: () => void = () => {};
	#working: Promise<void> = Promise.resolve();

	constructor(parts: Pick<EngineParts, "store" | "clock" | "observer">) {
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
		this.#cancel();
		await this.#working;
	}

	#plan(): void {
		this.#cancel = this.#parts.clock.after(EVERY_MS, () => {
			this.#working = this.#round().finally(() => {
				if (this.#running) this.#plan();
			});
		});
	}

	async #round(): Promise<void> {
		const now = this.#parts.clock.now();
		// A bucket longer than can be asked for, so that what is asked for at this moment is there.
		const keepMinutesFrom = now - STATS_KEPT_MS.minute - STATS_WIDTHS_MS.minute;
		const keepHoursFrom = now - STATS_KEPT_MS.hour - STATS_WIDTHS_MS.hour;
		try {
			while (
				this.#running &&
				(await this.#parts.store.rollUpStats({ keepMinutesFrom, keepHoursFrom, limit: STEP })) > 0
			) {
				await new Promise((resolve) => setImmediate(resolve));
			}
		} catch (error) {
			this.#parts.observer.problem("statistics could not be added up", error);
		}
	}
}
