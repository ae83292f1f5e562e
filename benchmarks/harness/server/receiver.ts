// The receiver's process as the scenarios use it: it counts the events of one series at a time.
import type { Counts, ReceiverCalls } from "../../children/receiver.ts";
import type { Child } from "../process/child.ts";

/** If nothing new has come for this long, the missing events will not come: a timeout and the delay before a retry take 30 s. */
const STALL_MS = 60_000;

export class Receiver {
	readonly #child: Child<ReceiverCalls>;
	/** Takes benchmark events, and records when each came. */
	readonly url: string;
	/** Only counts requests. */
	readonly bulkUrl: string;
	/** Never responds. */
	readonly neverUrl: string;

	private constructor(child: Child<ReceiverCalls>, origin: string) {
		this.#child = child;
		this.url = `${origin}/hook`;
		this.bulkUrl = `${origin}/bulk`;
		this.neverUrl = `${origin}/never`;
	}

	static async start(child: Child<ReceiverCalls>): Promise<Receiver> {
		const port = await child.call("listen");
		return new Receiver(child, `http://127.0.0.1:${port}`);
	}

	get pid(): number {
		return this.#child.pid;
	}

	counts(): Promise<Counts> {
		return this.#child.call("counts");
	}

	/**
	 * Starts to count from 0, and returns the number of the series that counts from now on. The load generator puts it into
	 * its events, so that late deliveries of an earlier load are not taken for those of the next one.
	 *
	 * @example
	 * const series = await receiver.newSeries();
	 * const { acknowledged } = await load.call("closedLoop", { ...target, ...ONE_EVENT, series, seconds });
	 * await receiver.waitFor(acknowledged);
	 */
	newSeries(): Promise<number> {
		return this.#child.call("newSeries");
	}

	/** Resolves when `count` different events of the series have come; throws when nothing more comes. */
	async waitFor(count: number): Promise<Counts> {
		const counts = await this.#child.call("waitFor", { of: "received", count, stallMs: STALL_MS });
		if (counts.received === count) return counts;
		if (counts.received > count) throw new Error(`${counts.received} events came, but only ${count} were sent`);
		throw new Error(
			`${counts.received} of ${count} events were delivered (and ${counts.duplicates} of them again), ` +
				`and nothing new came for ${STALL_MS / 1_000} s: the server has lost events or is stuck`,
		);
	}

	/** Resolves when `count` requests to `bulkUrl` have come; throws when nothing more comes. */
	async waitForBulk(count: number): Promise<Counts> {
		const counts = await this.#child.call("waitFor", { of: "bulk", count, stallMs: STALL_MS });
		if (counts.bulk >= count) return counts;
		throw new Error(`${counts.bulk} of ${count} deliveries came, and none more for ${STALL_MS / 1_000} s`);
	}

	/** When each of the first `count` events of the series first came, on the clock of `nowMs`. */
	times(count: number): Promise<Float64Array> {
		return this.#child.call("times", count);
	}
}
