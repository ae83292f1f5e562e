// The stats roller: once a minute adds the stats of new commits to minutes, hours and days, in small steps between
// which other work goes on. The next round handles changes that this one did not reach. Reads return the same before and after a
// round.
import { STATS_KEPT_MS, STATS_WIDTHS_MS } from "../../core/stats/stats.ts";
import type { StatsStore } from "../../ports/store/stats.ts";
import type { PartsOn } from "../parts.ts";
import { nextTurn } from "./next-turn.ts";
import { Periodic } from "./periodic.ts";

type Parts = Pick<PartsOn<StatsStore>, "store" | "clock" | "observer">;

const EVERY_MS = 60_000;
/** Rows read or deleted in one step, which takes some milliseconds. */
const STEP = 2_000;

/** Keeps the stats of minutes, hours and days up to date, and drops those that are too old. */
export class StatsRoller {
	readonly #parts: Parts;
	readonly #loop: Periodic;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#loop = new Periodic(parts, {
			everyMs: EVERY_MS,
			work: () => this.#rollUp(),
			problem: "stats could not be added up",
		});
	}

	start(): void {
		this.#loop.start();
	}

	/** Resolves when the step under way is done. */
	stop(): Promise<void> {
		return this.#loop.stop();
	}

	async #rollUp(): Promise<void> {
		const now = this.#parts.clock.now();
		// Buckets are kept for one width longer than the API can ask for, so that a request at this moment still finds its
		// oldest bucket.
		const keepMinutesFrom = now - STATS_KEPT_MS.minute - STATS_WIDTHS_MS.minute;
		const keepHoursFrom = now - STATS_KEPT_MS.hour - STATS_WIDTHS_MS.hour;
		const step = { keepMinutesFrom, keepHoursFrom, limit: STEP };
		while (this.#loop.running && (await this.#parts.store.rollUpStats(step)) > 0) {
			await nextTurn(this.#parts.clock);
		}
	}
}
