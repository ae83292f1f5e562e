// The receiver's process, as the scenarios see it.
import type { Counts, ReceiverCalls } from "../../children/receiver.ts";
import type { Child } from "../process/child.ts";

/** With nothing new for this long, what is missing will not come: the longest retry of the server is shorter. */
const STALL_MS = 20_000;

export class Receiver {
	readonly #child: Child<ReceiverCalls>;
	/** Where it takes numbered events, and notes when. */
	readonly url: string;
	/** Where it only counts. */
	readonly bulkUrl: string;
	/** Where it never answers. */
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

	/** Counts from 0 again. */
	reset(): Promise<void> {
		return this.#child.call("reset");
	}

	/** Resolves when `count` different events are in; throws when nothing more comes. */
	async waitFor(count: number): Promise<Counts> {
		const counts = await this.#child.call("waitFor", { of: "received", count, stallMs: STALL_MS });
		if (counts.received === count) return counts;
		if (counts.received > count) throw new Error(`${counts.received} events came, and only ${count} were sent`);
		throw new Error(
			`${counts.received} of ${count} events were delivered (and ${counts.duplicates} again), ` +
				`and nothing new came for ${STALL_MS / 1_000} s: the server has lost some or is stuck`,
		);
	}

	/** Resolves when `count` requests to `bulkUrl` are in; throws when nothing more comes. */
	async waitForBulk(count: number): Promise<Counts> {
		const counts = await this.#child.call("waitFor", { of: "bulk", count, stallMs: STALL_MS });
		if (counts.bulk >= count) return counts;
		throw new Error(`${counts.bulk} of ${count} deliveries came, and none more for ${STALL_MS / 1_000} s`);
	}

	/** When each of the first `count` events first came, on the clock of `nowMs`. */
	times(count: number): Promise<Float64Array> {
		return this.#child.call("times", count);
	}
}
