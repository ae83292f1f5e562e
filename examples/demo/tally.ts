// The tally: what was acknowledged against what arrived, counted on this side of both, without asking the server.
import { EventEmitter, once } from "node:events";
import { createHistogram } from "node:perf_hooks";

import { isAccepted, type Arrival } from "./receiver.ts";

/** An acknowledged event that has not arrived after this long counts as lost, until it does. */
export const PATIENCE_MS = 10_000;
/** What was accepted this long before a kill can have been in flight: answered late, or its outcome not yet on the disk. */
const IN_FLIGHT_MS = 1_500;
/** Requests that the killed server had sent are read by the receiver within this time. */
const LATE_READ_MS = 500;

export interface Percentiles {
	readonly p50: number;
	readonly p99: number;
}

export interface Figures {
	/** Events that the server has acknowledged with a 2xx. */
	readonly sent: number;
	/** Those of them that the receiver has verified and accepted at least once. */
	readonly delivered: number;
	/** Attempts after an event's first. */
	readonly retried: number;
	/** Times that an event was accepted again. */
	readonly duplicates: number;
	/** Those of them that no kill explains. Fanfare promises that there are none. */
	readonly unexplained: number;
	/** From the server's acceptance to the arrival that was accepted; null before the first. */
	readonly latency: Percentiles | null;
	/** From the server's acceptance to the first attempt, however that went. */
	readonly firstAttempt: Percentiles | null;
}

export class Tally {
	/** When each event that is on its way was acknowledged. */
	readonly #waiting = new Map<string, number>();
	/** When each event was last accepted. */
	readonly #acceptedAt = new Map<string, number>();
	readonly #kills: number[] = [];
	readonly #latency = createHistogram();
	readonly #firstAttempt = createHistogram();
	readonly #emitter = new EventEmitter<{ acknowledged: [] }>();
	#sent = 0;
	#delivered = 0;
	#retried = 0;
	#duplicates = 0;
	#unexplained = 0;
	#lastArrivalAt = Date.now();

	get lastArrivalAt(): number {
		return this.#lastArrivalAt;
	}

	acknowledged(eventId: string, now = Date.now()): void {
		this.#sent++;
		// The delivery can be faster than the answer to the send.
		if (this.#acceptedAt.has(eventId)) this.#delivered++;
		else this.#waiting.set(eventId, now);
		this.#emitter.emit("acknowledged");
	}

	arrived({ event, number, fate, receivedAt }: Pick<Arrival, "event" | "number" | "fate" | "receivedAt">): void {
		this.#lastArrivalAt = receivedAt;
		// The histogram begins at 1.
		const ageMs = Math.max(1, receivedAt - Date.parse(event.timestamp));
		if (number === 1) this.#firstAttempt.record(ageMs);
		else this.#retried++;
		if (!isAccepted(fate)) return;
		const before = this.#acceptedAt.get(event.id);
		this.#acceptedAt.set(event.id, receivedAt);
		if (before === undefined) {
			this.#latency.record(ageMs);
			if (this.#waiting.delete(event.id)) this.#delivered++;
		} else {
			this.#duplicates++;
			if (!this.#isExplained(before, receivedAt)) this.#unexplained++;
		}
	}

	/** To be told right before it is done. */
	killed(now = Date.now()): void {
		this.#kills.push(now);
	}

	/** Resolves when so many events are acknowledged. */
	async reached(sent: number, signal: AbortSignal): Promise<void> {
		while (this.#sent < sent) await once(this.#emitter, "acknowledged", { signal });
	}

	/** Acknowledged at least so long ago, and never arrived. */
	missing(forMs: number, now = Date.now()): string[] {
		return [...this.#waiting].filter(([, since]) => now - since >= forMs).map(([eventId]) => eventId);
	}

	figures(): Figures {
		return {
			sent: this.#sent,
			delivered: this.#delivered,
			retried: this.#retried,
			duplicates: this.#duplicates,
			unexplained: this.#unexplained,
			latency: percentiles(this.#latency),
			firstAttempt: percentiles(this.#firstAttempt),
		};
	}

	/** Whether the attempt before was in flight at a kill, and the one after came later than that. */
	#isExplained(before: number, again: number): boolean {
		return this.#kills.some((at) => before >= at - IN_FLIGHT_MS && before <= at + LATE_READ_MS && again >= at);
	}
}

function percentiles(histogram: ReturnType<typeof createHistogram>): Percentiles | null {
	if (histogram.count === 0) return null;
	return { p50: histogram.percentile(50), p99: histogram.percentile(99) };
}
