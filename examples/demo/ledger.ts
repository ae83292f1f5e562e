// The ledger compares acknowledged events with events that arrived. Both are counted by the demo itself, without asking the server.
import { EventEmitter, once } from "node:events";
import { createHistogram } from "node:perf_hooks";

import { isAccepted, type Arrival } from "./receiver.ts";

/** An acknowledged event counts as lost if it has not arrived after this long. It no longer does once it arrives. */
export const PATIENCE_MS = 30_000;
/**
 * An attempt that was accepted before a kill may have been in flight, its outcome not yet on the disk, as long as no more events than
 * this were acknowledged in between. Outcomes and events share their commits, so the number does not depend on the machine's speed.
 */
const IN_FLIGHT_SENDS = 150;

interface Kill {
	readonly at: number;
	/** The events that were acknowledged before it. */
	readonly sent: number;
	/** When the server was back. Until then, the receiver may still read the last requests of the killed one. */
	backAt: number;
}

interface Acceptance {
	readonly at: number;
	/** The events that were acknowledged before it. */
	readonly sent: number;
}

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
	/** When the receiver last accepted each event, by event id. */
	readonly #accepted = new Map<string, Acceptance>();
	readonly #kills: Kill[] = [];
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
		if (this.#accepted.has(eventId)) this.#delivered++;
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
		const before = this.#accepted.get(event.id);
		this.#accepted.set(event.id, { at: receivedAt, sent: this.#sent });
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
		this.#kills.push({ at: now, sent: this.#sent, backAt: Infinity });
	}

	/** Records that the server is back after the last kill. */
	isBack(now = Date.now()): void {
		const kill = this.#kills.at(-1);
		if (kill !== undefined) kill.backAt = now;
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
	#isExplained(before: Acceptance, again: number): boolean {
		return this.#kills.some(
			({ at, sent, backAt }) => sent - before.sent <= IN_FLIGHT_SENDS && before.at <= backAt && again >= at,
		);
	}
}

function percentiles(histogram: ReturnType<typeof createHistogram>): Percentiles | null {
	if (histogram.count === 0) return null;
	return { p50: histogram.percentile(50), p99: histogram.percentile(99) };
}
