// One client of the live stream.
//
// States: open ──ended by us──▶ ending ──last signal taken──▶ over
//           └──────────closed by the client──────────────────▶ over
import type { Clock } from "../../core/clock.ts";
import type { LiveItem, LiveSignal } from "../../core/live.ts";
import { EventTypeIndex } from "../../core/webhook.ts";
import type { LiveRequest, LiveSubscription } from "../calls.ts";
import type { LiveFeed } from "./live-feed.ts";

const HEARTBEAT_MS = 15_000;
/** Signals given at once. */
const MAX_SIGNALS = 500;
/** For taking the last signal; then the connection is ended by force. */
const END_GRACE_MS = 5_000;

type Answer = readonly LiveSignal[] | null;

export class LiveClient implements LiveSubscription {
	readonly #clock: Clock;
	readonly #feed: LiveFeed;
	readonly #request: LiveRequest;
	readonly #left: () => void;
	readonly #wants: (item: LiveItem) => boolean;
	/** The last item that it was given, or does not want. */
	#position: number;
	#first: LiveSignal | null;
	#state: "open" | "ending" | "over" = "open";
	#last: LiveSignal | null = null;
	#waiting: ((answer: Answer) => void) | null = null;
	#cancelTimer: (() => void) | null = null;

	/** `left` is called once, when it no longer counts. */
	constructor(clock: Clock, feed: LiveFeed, request: LiveRequest, left: () => void) {
		this.#clock = clock;
		this.#feed = feed;
		this.#request = request;
		this.#left = left;
		this.#wants = matcher(request);
		const { position, gap } = feed.resume(request.lastEventId);
		const id = feed.place(position);
		this.#position = position;
		// The client learns its place at once, so that it can go on from there whenever it is cut off.
		this.#first = gap === null ? { type: "heartbeat", id } : { type: "gap", id, reason: gap };
	}

	get keyId(): string | null {
		return this.#request.keyId;
	}

	get projectId(): string {
		return this.#request.projectId;
	}

	/** Told of each item when it is there. */
	offer(item: LiveItem, number: number): void {
		if (this.#state !== "open") return;
		if (this.#waiting !== null) {
			// It waits, so it has all that came before.
			this.#position = number;
			if (this.#wants(item)) this.#answer([{ type: "item", item }]);
		} else if (this.#position + 1 < this.#feed.first) {
			this.end({ type: "dropped", reason: "the client reads more slowly than things happen" });
		}
	}

	next(): Promise<Answer> {
		const ready = this.#ready();
		if (ready !== undefined) return Promise.resolve(ready);
		return new Promise((resolve) => {
			this.#waiting = resolve;
			this.#cancelTimer = this.#clock.after(HEARTBEAT_MS, () => {
				this.#answer([{ type: "heartbeat", id: this.#feed.place(this.#position) }]);
			});
		});
	}

	/** Gives it one last signal; if it does not even take that, its connection is ended. */
	end(last: LiveSignal): void {
		if (this.#state !== "open") return;
		this.#state = "ending";
		this.#last = last;
		this.#left();
		if (this.#waiting !== null) {
			this.#last = null;
			this.#answer([last]);
		}
		this.#cancelTimer = this.#clock.after(END_GRACE_MS, () => {
			this.close();
			this.#request.abandon();
		});
	}

	close(): void {
		if (this.#state === "over") return;
		const wasOpen = this.#state === "open";
		this.#state = "over";
		this.#answer(null);
		this.#cancelTimer?.();
		if (wasOpen) this.#left();
	}

	/** What can be given without waiting; undefined if there is nothing. */
	#ready(): Answer | undefined {
		if (this.#state === "over") return null;
		if (this.#state === "ending") return this.#readyAtEnd();
		const signals: LiveSignal[] = this.#first === null ? [] : [this.#first];
		this.#first = null;
		while (this.#position < this.#feed.last && signals.length < MAX_SIGNALS) {
			const item = this.#feed.at(++this.#position);
			if (this.#wants(item)) signals.push({ type: "item", item });
		}
		return signals.length === 0 ? undefined : signals;
	}

	#readyAtEnd(): Answer {
		const last = this.#last;
		this.#last = null;
		if (last !== null) return [last];
		this.close();
		return null;
	}

	#answer(answer: Answer): void {
		const waiting = this.#waiting;
		this.#waiting = null;
		if (waiting === null) return;
		this.#cancelTimer?.();
		this.#cancelTimer = null;
		waiting(answer);
	}
}

function matcher({ filter }: LiveRequest): (item: LiveItem) => boolean {
	const { kinds, webhookId, eventTypes } = filter;
	const types = eventTypes === null ? null : new EventTypeIndex([{ eventTypes }]);
	return (item) =>
		(kinds === null || kinds.includes(item.kind)) &&
		(webhookId === null || ("webhookId" in item && item.webhookId === webhookId)) &&
		(types === null || ("eventType" in item && types.match(item.eventType).length > 0));
}
