// The ledger compares acknowledged events with events that arrived. Both are counted by the demo itself, without asking the server.
import { EventEmitter, once } from "node:events";
import { createHistogram } from "node:perf_hooks";

import { isAccepted, type Arrival } from "./receiver.ts";

/** An acknowledged event counts as lost if it has not arrived after this long. It no longer does once it arrives. */
export const PATIENCE_MS = 10_000;
/** An attempt that was accepted at most this long before a kill may have been in flight: its outcome was not yet on the disk. */
const IN_FLIGHT_MS = 1_500;
/** The receiver reads the last requests of a killed server within this time. */
const LATE_READ_MS = 500;

export interface Percentiles {
	readonly p50: number;
	readonly p99: number;
}

export interface Counts {
	/** Events that the server has acknowledged with a 2xx. */
	readonly sent: number;
	/** The sent events that the receiver has verified and accepted at least once. */
	readonly delivered: number;
	/** Attempts after an event's first. */
	readonly retried: number;
	/** How often an event was accepted again. */
	readonly duplicates: number;
	/** The duplicates that no kill explains. Fanfare promises that there are none. */
	readonly unexplained: number;
	/** From the server's acceptance to the accepted arrival; null before the first one. */
	readonly latency: Percentiles | null;
	/** From the server's acceptance to the first attempt, whether it succeeded or not. */
	readonly firstAttempt: Percentiles | null;
}

export class Ledger {
	/** The times of acknowledgement of the events that have not arrived, by event id. */
	readonly #waiting = new Map<string, number>();
	/** When each event was last accepted, by event id. */
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
		// The delivery can be faster than the response to the send.
		if (this.#acceptedAt.has(eventId)) this.#delivered++;
		else this.#waiting.set(eventId, now);
		this.#emitter.emit("acknowledged");
	}

	arrived({ event, number, fate, receivedAt }: Pick<Arrival, "event" | "number" | "fate" | "receivedAt">): void {
		this.#lastArrivalAt = receivedAt;
		// The histogram's lowest value is 1.
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

	/** Records a kill. To be called right before it. */
	killed(now = Date.now()): void {
		this.#kills.push(now);
	}

	/** Resolves when this many events are acknowledged. */
	async reached(sent: number, signal: AbortSignal): Promise<void> {
		while (this.#sent < sent) await once(this.#emitter, "acknowledged", { signal });
	}

	/** The ids of events that were acknowledged at least `forMs` ago and have not arrived. */
	missing(forMs: number, now = Date.now()): string[] {
		return [...this.#waiting].filter(([, since]) => now - since >= forMs).map(([eventId]) => eventId);
	}

	counts(): Counts {
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

	/** Whether the earlier attempt was in flight at a kill, and the repeated one came after it. */
	#isExplained(before: number, again: number): boolean {
		return this.#kills.some((at) => before >= at - IN_FLIGHT_MS && before <= at + LATE_READ_MS && again >= at);
	}
}

function percentiles(histogram: ReturnType<typeof createHistogram>): Percentiles | null {
	if (histogram.count === 0) return null;
	return { p50: histogram.percentile(50), p99: histogram.percentile(99) };
}
