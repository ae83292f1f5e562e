// The client that has the stream of a relay: the requests that it still has to get, and the wait for the next one.
import type { Clock } from "../../core/clock.ts";
import type { RelayEnd, RelayRequest, RelaySignal, RelaySubscription } from "../relay-calls.ts";

const HEARTBEAT_MS = 10_000;
/** How long a client has to take the last signal before its connection is ended by force. */
const END_GRACE_MS = 5_000;
/** Given at once at most, so that little waits in memory for a client that reads slowly. */
const MAX_REQUESTS = 16;
const MAX_BYTES = 512 * 1_024;
/** More of bodies are given in turn also to a client that reads on or has just come: many can do so at once. */
const QUICK_BYTES = 16 * 1_024;

/** A request that waits for the client. */
export interface Offer {
	readonly bytes: number;
	/** The request as it is now, which counts as given; null if it has ended. */
	readonly take: () => RelayRequest | null;
}

interface Options {
	readonly clock: Clock;
	readonly abandon: () => void;
	/** Whether the principal that opened the stream may still have it. Asked each time that it gets something, heartbeats too. */
	readonly mayStay: () => boolean;
	/** Called once, when the client no longer has the stream. */
	readonly left: () => void;
	/** Gives it requests when it is its turn: an event can be for many relays. `give` returns false if there was nothing to give. */
	readonly inTurn: (give: () => boolean) => void;
}

type Signals = readonly RelaySignal[] | null;

/**
 * States:
 *
 * ```
 * open ──end──▶ ending ──last signal taken, or 5 s──▶ over
 *   └──close──────┴──close──────────────────────────▶ over
 * ```
 *
 * - open: requests are given to the client, a few at a time, when it has read those before.
 * - ending: only the last signal is left to take. The relay no longer counts on this client.
 * - over: `next` returns null.
 */
export class RelayClient implements RelaySubscription {
	readonly #options: Options;
	#offers: Offer[] = [];
	#first = true;
	#state: "open" | "ending" | "over" = "open";
	#last: RelaySignal | null = null;
	#waiting: ((signals: Signals) => void) | null = null;
	#cancelTimer = (): void => {};

	constructor(options: Options) {
		this.#options = options;
	}

	/** Gives the client a request, as soon as it reads and it is its turn. */
	offer(offer: Offer): void {
		if (this.#state !== "open") return;
		this.#offers.push(offer);
		// Otherwise it takes them when it reads on, or with an offer whose turn comes.
		if (this.#waiting === null || this.#offers.length > 1) return;
		this.#giveInTurn();
	}

	next(): Promise<Signals> {
		this.#checkAccess();
		if (this.#state === "over") return Promise.resolve(null);
		const isMuch = this.#isMuch();
		const ready = isMuch ? null : this.#ready();
		if (ready !== null) return Promise.resolve(ready);
		const signals = new Promise<Signals>((resolve) => {
			this.#waiting = resolve;
			this.#cancelTimer = this.#options.clock.after(HEARTBEAT_MS, () => {
				this.#checkAccess();
				this.#give([{ type: "heartbeat" }]);
			});
		});
		if (isMuch) this.#giveInTurn();
		return signals;
	}

	/** Ends the stream with a last signal. */
	end(code: RelayEnd, reason: string): void {
		if (this.#state !== "open") return;
		this.#leave("ending");
		this.#last = { type: "end", code, reason };
		if (this.#waiting !== null) this.#give(this.#ready() ?? []);
		if (this.#last === null) return;
		this.#cancelTimer = this.#options.clock.after(END_GRACE_MS, () => {
			this.close();
			this.#options.abandon();
		});
	}

	close(): void {
		if (this.#state === "over") return;
		if (this.#state === "open") this.#leave("over");
		this.#state = "over";
		this.#cancelTimer();
		this.#give(null);
	}

	#checkAccess(): void {
		if (this.#state === "open" && !this.#options.mayStay())
			this.end("revoked", "the key of this stream is no longer valid");
	}

	#giveInTurn(): void {
		this.#options.inTurn(() => {
			const ready = this.#waiting === null ? null : this.#ready();
			if (ready !== null) this.#give(ready);
			return ready !== null;
		});
	}

	#isMuch(): boolean {
		let bytes = 0;
		return this.#offers.slice(0, MAX_REQUESTS).some((offer) => (bytes += offer.bytes) > QUICK_BYTES);
	}

	/** What can be given now; null if the client must wait. */
	#ready(): RelaySignal[] | null {
		if (this.#last !== null) {
			const last = this.#last;
			this.#last = null;
			this.#cancelTimer();
			this.#state = "over";
			return [last];
		}
		const signals: RelaySignal[] = this.#first ? [{ type: "ready" }] : [];
		this.#first = false;
		let bytes = 0;
		while (this.#offers.length > 0 && signals.length < MAX_REQUESTS && bytes < MAX_BYTES) {
			const offer = this.#offers.shift();
			const request = offer?.take() ?? null;
			if (offer === undefined || request === null) continue;
			bytes += offer.bytes;
			signals.push({ type: "request", request });
		}
		return signals.length === 0 ? null : signals;
	}

	#give(signals: Signals): void {
		const waiting = this.#waiting;
		if (waiting === null || signals?.length === 0) return;
		this.#waiting = null;
		this.#cancelTimer();
		waiting(signals);
	}

	#leave(state: "ending" | "over"): void {
		this.#state = state;
		this.#offers = [];
		this.#options.left();
	}
}
