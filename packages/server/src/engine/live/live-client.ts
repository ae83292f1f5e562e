// One client of the live stream: a position in its project's feed, and the wait for what comes next.
import { isFor } from "../../core/access/customer.ts";
import type { ApiKey } from "../../core/access/key.ts";
import {
	accessEndDate,
	keyIdOf,
	portalSessionIdOf,
	projectOf,
	sessionIdOf,
	type Principal,
} from "../../core/access/principal.ts";
import type { Clock } from "../../core/clock.ts";
import type { LiveFilter, LiveItem, LiveSignal } from "../../core/live.ts";
import { eventTypeMatcher } from "../../core/webhook.ts";
import type { LiveRequest, LiveSubscription } from "../live-calls.ts";
import type { EngineParts } from "../parts.ts";
import type { LiveFeed } from "./live-feed.ts";
import { budgetOf, type StreamBudget } from "./stream-places.ts";

const HEARTBEAT_MS = 15_000;
/** Signals returned by one call of `next`, at most: so many wait in memory for a client that has stopped reading. */
const MAX_SIGNALS = 100;
/** The end of the caller's access is looked at this often at least, in case the clock is set forward. */
const LOOK_AT_END_MS = 30_000;
/** How often a client with items that were held back is looked at. */
const HELD_BACK_MS = 1_000;
/** How long a client has to take the last signal before its connection is ended by force. */
const END_GRACE_MS = 5_000;

type Parts = Pick<EngineParts, "clock" | "membership">;

/** What `next` resolves with. */
type Signals = readonly LiveSignal[] | null;

/**
 * States:
 * - open: the initial state. Items are kept for the client or given to it.
 * - ending: entered by `end`. Only the last signal is left to take; the client no longer counts.
 * - over: the last signal was taken, the grace to take it is over, or the client has closed. `next` returns null.
 *
 * ```
 * open ──end──▶ ending ──last signal taken, or 5 s──▶ over
 *   └──close──────┴──close──────────────────────────▶ over
 * ```
 */
export class LiveClient implements LiveSubscription {
	readonly #clock: Clock;
	readonly #membership: EngineParts["membership"];
	readonly #feed: LiveFeed;
	readonly #request: LiveRequest;
	readonly #left: () => void;
	readonly #wants: (item: LiveItem) => boolean;
	/** The last item that the client has been given or does not want. */
	#position: number;
	#first: LiveSignal | null;
	#state: "open" | "ending" | "over" = "open";
	#last: LiveSignal | null = null;
	#waiting: ((signals: Signals) => void) | null = null;
	#cancelTimer: (() => void) | null = null;
	#cancelHeldBack: (() => void) | null = null;
	/** As it is known now: a key can be rolled. */
	#principal: Principal | null;
	#cancelEnd: (() => void) | null = null;

	/** `left` is called once, when the client no longer counts. */
	constructor({ clock, membership }: Parts, feed: LiveFeed, request: LiveRequest, left: () => void) {
		this.#clock = clock;
		this.#membership = membership;
		this.#feed = feed;
		this.#request = request;
		this.#left = left;
		this.#wants = matcher(request.filter);
		const { position, gap } = feed.resume(request.lastEventId);
		const id = feed.idAt(position);
		this.#position = position;
		// The client is told its position at once, so that it can resume from there whenever the connection is lost.
		this.#first = gap === null ? { type: "heartbeat", id } : { type: "gap", id, reason: gap };
		this.#principal = request.principal;
		this.#planEnd();
	}

	get keyId(): string | null {
		return keyIdOf(this.#principal);
	}

	get sessionId(): string | null {
		return sessionIdOf(this.#principal);
	}

	get portalSessionId(): string | null {
		return portalSessionIdOf(this.#principal);
	}

	/** The budget of streams that it counts for. */
	get budget(): StreamBudget {
		return budgetOf(this.#request);
	}

	get projectId(): string {
		return projectOf(this.#request.scope);
	}

	/** A key was changed, perhaps the one that the stream was opened with. */
	keyChanged(key: ApiKey): void {
		if (this.#principal?.kind !== "key" || this.#principal.key.id !== key.id) return;
		this.#principal = { ...this.#principal, key };
		this.#endWithAccess();
	}

	/** Ends the stream if its caller may make no calls any more, and looks again later otherwise. */
	#endWithAccess(): void {
		if (this.#state !== "open" || this.#principal === null) return;
		if (accessEndDate(this.#principal) <= this.#clock.now()) {
			this.end({ type: "end", reason: "the access of its caller has ended" });
		} else this.#planEnd();
	}

	#planEnd(): void {
		this.#cancelEnd?.();
		this.#cancelEnd = null;
		const end = this.#principal === null ? Infinity : accessEndDate(this.#principal);
		if (end === Infinity) return;
		const delayMs = Math.min(end - this.#clock.now(), LOOK_AT_END_MS);
		this.#cancelEnd = this.#clock.after(Math.max(0, delayMs), () => this.#endWithAccess());
	}

	/** Called for each new item of the feed, with its position. Gives it to the client if that is waiting. */
	offer(item: LiveItem, position: number): void {
		if (this.#state !== "open") return;
		if (this.#waiting === null) return this.checkPosition();
		if (!this.#mayTell()) {
			this.checkPosition();
			return this.#holdBack();
		}
		if (this.#position + 1 < position) return this.#giveReady();
		// It has been given all earlier items.
		this.#position = position;
		if (this.#wants(item)) this.#give([{ type: "item", item }]);
	}

	/** If not, its access may have ended: whoever has ended that has not waited for this process. */
	#mayTell(): boolean {
		return this.#membership?.isMember() !== false;
	}

	/** Looks again later whether the client, which waits, may be told. */
	#holdBack(): void {
		this.#cancelHeldBack ??= this.#clock.after(HELD_BACK_MS, () => {
			this.#cancelHeldBack = null;
			if (this.#state !== "open" || this.#waiting === null) return;
			if (this.#mayTell()) this.#giveReady();
			else this.#holdBack();
		});
	}

	#giveReady(): void {
		// The feed may have dropped its next item meanwhile.
		this.checkPosition();
		if (this.#state !== "open") return;
		const ready = this.#ready();
		if (ready !== undefined) this.#give(ready);
	}

	/** Called when items may be missing after the last one of the feed. */
	missed(reason: string): void {
		if (this.#state !== "open") return;
		const gap: LiveSignal = { type: "gap", id: this.#feed.idAt(this.#position), reason };
		if (this.#waiting === null) this.#first = gap;
		else this.#give([gap]);
	}

	/** Called when the feed has dropped items. Ends the stream if the client's next item was among them. */
	checkPosition(): void {
		if (this.#state !== "open" || this.#position + 1 >= this.#feed.first) return;
		this.end({ type: "dropped", reason: "the client reads more slowly than new items arrive" });
	}

	next(): Promise<Signals> {
		const ready = this.#ready();
		if (ready !== undefined) return Promise.resolve(ready);
		if (this.#state === "open" && this.#position < this.#feed.last) this.#holdBack();
		return new Promise((resolve) => {
			this.#waiting = resolve;
			this.#cancelTimer = this.#clock.after(HEARTBEAT_MS, () => {
				this.#give([{ type: "heartbeat", id: this.#feed.idAt(this.#position) }]);
			});
		});
	}

	/** Ends the stream with one last signal. If the client does not take it in time, the connection is ended by force. */
	end(last: LiveSignal): void {
		if (this.#state !== "open") return;
		this.#state = "ending";
		this.#cancelEnd?.();
		this.#last = last;
		this.#left();
		if (this.#waiting !== null) {
			this.#last = null;
			this.#give([last]);
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
		this.#cancelEnd?.();
		this.#cancelHeldBack?.();
		this.#give(null);
		this.#cancelTimer?.();
		if (wasOpen) this.#left();
	}

	/** The signals that can be returned without waiting; undefined if there are none. */
	#ready(): Signals | undefined {
		if (this.#state === "over") return null;
		if (this.#state === "ending") return this.#readyAtEnd();
		const signals: LiveSignal[] = this.#first === null ? [] : [this.#first];
		this.#first = null;
		while (this.#position < this.#feed.last && signals.length < MAX_SIGNALS && this.#mayTell()) {
			const item = this.#feed.at(++this.#position);
			if (this.#wants(item)) signals.push({ type: "item", item });
		}
		return signals.length === 0 ? undefined : signals;
	}

	#readyAtEnd(): Signals {
		const last = this.#last;
		this.#last = null;
		if (last !== null) return [last];
		this.close();
		return null;
	}

	/** Resolves the waiting call of `next`, if there is one. */
	#give(signals: Signals): void {
		const waiting = this.#waiting;
		this.#waiting = null;
		if (waiting === null) return;
		this.#cancelTimer?.();
		this.#cancelTimer = null;
		waiting(signals);
	}
}

/** Returns whether an item passes the filter. */
export function matcher({ kinds, customerId, webhookId, eventTypes }: LiveFilter): (item: LiveItem) => boolean {
	const wants = eventTypes === null ? null : eventTypeMatcher(eventTypes);
	return (item) =>
		(kinds === null || kinds.includes(item.kind)) &&
		(customerId === null || isFor(item.customers, customerId)) &&
		(webhookId === null || ("webhookId" in item && item.webhookId === webhookId)) &&
		(wants === null || ("eventType" in item && wants(item.eventType)));
}
