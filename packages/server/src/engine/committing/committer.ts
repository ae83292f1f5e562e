// Group commit: callers wait for the next commit; one writer takes all that has gathered into one transaction.
//
// States: idle ──work──▶ scheduled ──▶ committing ──more work──▶ scheduled, or committing again at once
//                                          └──store fails──▶ backing off ──▶ scheduled
// One commit is under way at a time; while callers are told of it, the next may be.
// Sends that a failed commit held are refused; outcomes of attempts are kept and written later, however long it takes.
import type { Clock } from "../../core/clock.ts";
import type { DeliveryState } from "../../core/delivery.ts";
import type { Observer } from "../../ports/observer.ts";
import type { HealthChange } from "../../ports/store/accept.ts";
import type { AcceptResult, CommitResult, DeliveryUpdate, NewEvent } from "../../ports/store/accept.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";

/** A send on its way into the store. */
export interface PendingSend {
	/** Bytes of the body, for the bound on memory. */
	readonly bytes: number;
	/** Makes the event just before the commit, so that its deliveries fit the webhooks and the room of that moment. */
	build(): NewEvent;
	/** Called with what became of it after the commit. */
	done(event: NewEvent, result: AcceptResult): void;
	/** Called if it was not committed; nothing of it is in the store. `event` is what `build` had made; null if it had failed. */
	failed(event: NewEvent | null, error: StoreError): void;
}

interface PendingUpdate {
	readonly update: DeliveryUpdate;
	done(state: DeliveryState | null): void;
	failed(error: StoreError): void;
}

/** What goes into one commit: `events` are those of `sends`, one for each. */
interface Work {
	readonly sends: readonly PendingSend[];
	readonly events: readonly NewEvent[];
	readonly updates: readonly PendingUpdate[];
	/** When the first of the sends came. */
	readonly sendsSince: number;
}

const MAX_SENDS_PER_COMMIT = 1_000;
const MAX_BYTES_PER_COMMIT = 8 * 1_024 * 1_024;
const MAX_UPDATES_PER_COMMIT = 2_000;
const BACKOFF_MS = 250;
/**
 * A commit costs as much as several events in it. So after one of this many or more, which says that several are at work, the next
 * begins no sooner than this after it (CPU an event at 2,000 a second: 408 µs without, 337 with 2 ms, 260 with 5). A single sender
 * that waits for each answer is not held up.
 */
const GATHER_FROM = 4;
const GATHER_MS = 2;

/** Who is told of commits; none of these must throw. */
interface Listeners {
	/** What a commit has meant for the health of webhooks. */
	readonly healthChanged?: (changes: readonly HealthChange[]) => void;
	/** Sends have ended, mostly in the store; the first of them has waited this long for that. */
	readonly sendsEnded?: (waitedMs: number) => void;
}

/** The one writer of the busy path. */
export class Committer {
	readonly #store: Store;
	readonly #clock: Clock;
	readonly #observer: Observer;
	readonly #listeners: Listeners;
	#sends: PendingSend[] = [];
	#sendBytes = 0;
	/** When the first of them came. */
	#sendsSince = 0;
	#updates: PendingUpdate[] = [];
	#state: "idle" | "scheduled" | "committing" | "backing off" = "idle";
	#closed = false;
	/** Of the last commit: when it began, and how much was in it. */
	#lastStartedAt = 0;
	#lastSize = 0;
	#cancelBackoff: (() => void) | null = null;
	#whenIdle: (() => void)[] = [];

	constructor(parts: { store: Store; clock: Clock; observer: Observer }, listeners: Listeners = {}) {
		this.#listeners = listeners;
		this.#store = parts.store;
		this.#clock = parts.clock;
		this.#observer = parts.observer;
	}

	get waitingSends(): number {
		return this.#sends.length;
	}

	get waitingBytes(): number {
		return this.#sendBytes;
	}

	/** Takes a send into the next commit. */
	send(send: PendingSend): void {
		if (this.#sends.length === 0) this.#sendsSince = performance.now();
		this.#sends.push(send);
		this.#sendBytes += send.bytes;
		// A send does not wait for the end of a back-off: it fails fast if the store still can't write.
		this.#schedule(true);
	}

	/**
	 * Takes a change of a delivery into the next commit; resolves with the state that it leads to. Store failures are
	 * waited out. Rejects only if the committer is closed before the store recovers, or if the store can never do it.
	 */
	update(update: DeliveryUpdate): Promise<DeliveryState | null> {
		return new Promise((done, failed) => {
			if (this.#closed) {
				failed(new StoreError("store_unavailable", "the committer is closed"));
				return;
			}
			this.#updates.push({ update, done, failed });
			this.#schedule(false);
		});
	}

	/** Resolves when nothing waits any more; with a failing store that may be never. */
	idle(): Promise<void> {
		if (this.#state === "idle") return Promise.resolve();
		return new Promise((resolve) => this.#whenIdle.push(resolve));
	}

	/** Gives up what could not be written: leases end, and the deliveries are attempted again after the next start. */
	close(): void {
		this.#closed = true;
		this.#cancelBackoff?.();
		const error = new StoreError("store_unavailable", "the committer is closed");
		for (const update of this.#updates.splice(0)) update.failed(error);
	}

	#schedule(urgent: boolean): void {
		if (this.#state === "backing off" && urgent) {
			this.#cancelBackoff?.();
			this.#state = "idle";
		}
		if (this.#state !== "idle") return;
		this.#state = "scheduled";
		const waitMs = this.#gatherMs();
		if (waitMs > 0) setTimeout(this.#begin, waitMs);
		// After the I/O of this turn of the event loop, so that all that arrives together is committed together.
		else setImmediate(this.#begin);
	}

	/** How long the next commit has to wait for company. */
	#gatherMs(): number {
		return this.#lastSize < GATHER_FROM ? 0 : Math.ceil(this.#lastStartedAt + GATHER_MS - performance.now());
	}

	readonly #begin = (): void => {
		// It tells of its own failures and does not reject.
		void this.#run();
	};

	/** One commit. Whatever becomes of it, there is another after it if there is anything to commit. */
	async #run(): Promise<void> {
		this.#state = "committing";
		let isHandedOn = false;
		let backsOff = false;
		try {
			const work = this.#take();
			const result = await this.#write(work);
			if (result instanceof StoreError) {
				backsOff = this.#keep(await this.#afterFailure(result, work));
			} else {
				isHandedOn = this.#handOn();
				this.#settle(result, work);
			}
		} catch (error) {
			this.#observer.problem("the committer failed", error);
		} finally {
			if (!isHandedOn) this.#next(backsOff);
		}
	}

	/**
	 * Begins the next commit, if sends wait for it, before anybody is told of the last one: telling so many takes as long as storing
	 * what they have sent, and neither needs to wait for the other (one event a request: 1.11 × the rate, p50 0.88 ×).
	 * Nobody waits for outcomes: they gather meanwhile (begun at once, a fan-out to 1,000 takes 1.03–1.08 × the CPU).
	 */
	#handOn(): boolean {
		if (this.#sends.length === 0 || this.#gatherMs() > 0) return false;
		this.#begin();
		return true;
	}

	#next(backOff: boolean): void {
		this.#state = "idle";
		if (this.#sends.length > 0 || (this.#updates.length > 0 && !backOff)) {
			this.#schedule(false);
		} else if (backOff) {
			this.#state = "backing off";
			this.#cancelBackoff = this.#clock.after(BACKOFF_MS, () => this.#schedule(true));
		} else {
			for (const resolve of this.#whenIdle.splice(0)) resolve();
		}
	}

	/** What the next commit is made of. */
	#take(): Work {
		const sendsSince = this.#sendsSince;
		const { sends, events } = this.#build(this.#takeSends());
		const updates = this.#updates.splice(0, MAX_UPDATES_PER_COMMIT);
		this.#lastStartedAt = performance.now();
		this.#lastSize = sends.length + updates.length;
		return { sends, events, updates, sendsSince };
	}

	/** Makes the events. One that can't be made, which would be a defect, fails alone. */
	#build(taken: readonly PendingSend[]): {
		readonly sends: readonly PendingSend[];
		readonly events: readonly NewEvent[];
	} {
		const sends: PendingSend[] = [];
		const events: NewEvent[] = [];
		for (const send of taken) {
			try {
				events.push(send.build());
				sends.push(send);
			} catch (error) {
				this.#observer.problem("an event could not be made", error);
				send.failed(null, asStoreError(error));
			}
		}
		return { sends, events };
	}

	#takeSends(): PendingSend[] {
		let bytes = 0;
		let count = 0;
		for (const send of this.#sends) {
			if (count > 0 && (count >= MAX_SENDS_PER_COMMIT || bytes + send.bytes > MAX_BYTES_PER_COMMIT)) break;
			bytes += send.bytes;
			count++;
		}
		this.#sendBytes -= bytes;
		return this.#sends.splice(0, count);
	}

	async #write({ events, updates }: Work): Promise<CommitResult | StoreError> {
		const startedAt = performance.now();
		let result: CommitResult;
		try {
			result = await this.#store.commit({ events, updates: updates.map(({ update }) => update) });
		} catch (error) {
			return asStoreError(error);
		}
		this.#count(events.length, updates.length, performance.now() - startedAt);
		return result;
	}

	/** It is committed, whatever becomes of this: none of it must be refused, or written again. */
	#count(events: number, updates: number, durationMs: number): void {
		try {
			this.#observer.committed({ events, updates, durationMs });
		} catch (error) {
			this.#observer.problem("a commit could not be counted", error);
		}
	}

	/** Tells each caller. */
	#settle(result: CommitResult, { sends, events, updates, sendsSince }: Work): void {
		for (const [index, update] of updates.entries()) update.done(result.updates[index] ?? null);
		for (const [index, send] of sends.entries()) {
			const event = events[index];
			const outcome = result.events[index];
			if (event !== undefined && outcome !== undefined) this.#tell(send, event, outcome);
		}
		if (result.healthChanges.length > 0) this.#listeners.healthChanged?.(result.healthChanges);
		this.#ended(sends, sendsSince);
	}

	/** It is committed, whatever its caller makes of that. */
	#tell(send: PendingSend, event: NewEvent, outcome: AcceptResult): void {
		try {
			send.done(event, outcome);
		} catch (error) {
			this.#observer.problem("the end of a send failed", error);
		}
	}

	/** Returns the updates that must be tried again. */
	async #afterFailure(error: StoreError, work: Work): Promise<readonly PendingUpdate[]> {
		const { sends, updates } = work;
		this.#observer.problem("a commit failed", error);
		if (error.code === "store_conflict") {
			if (sends.length + updates.length > 1) return this.#oneByOne(work);
			// Alone and still in conflict: no later try can do it.
			for (const update of updates) update.failed(error);
			this.#refuse(error, work);
			return [];
		}
		this.#refuse(error, work);
		return updates;
	}

	/** One of them can't be written: each gets a commit of its own, so that it alone fails. */
	async #oneByOne({ sends, events, updates, sendsSince }: Work): Promise<readonly PendingUpdate[]> {
		const again: PendingUpdate[] = [];
		const alone = async (work: Work) => {
			const result = await this.#write(work);
			if (result instanceof StoreError) again.push(...(await this.#afterFailure(result, work)));
			else this.#settle(result, work);
		};
		for (const update of updates) await alone({ sends: [], events: [], updates: [update], sendsSince });
		for (const [index, send] of sends.entries()) {
			const event = events[index];
			if (event !== undefined) await alone({ sends: [send], events: [event], updates: [], sendsSince });
		}
		return again;
	}

	/** Keeps updates for the next commit, unless there is none any more; whether any are kept. */
	#keep(failed: readonly PendingUpdate[]): boolean {
		if (!this.#closed) {
			this.#updates.unshift(...failed);
			return failed.length > 0;
		}
		const error = new StoreError("store_unavailable", "the committer is closed");
		for (const update of failed) update.failed(error);
		return false;
	}

	#refuse(error: StoreError, { sends, events, sendsSince }: Work): void {
		for (const [index, send] of sends.entries()) {
			const event = events[index];
			if (event !== undefined) send.failed(event, error);
		}
		this.#ended(sends, sendsSince);
	}

	#ended(sends: readonly PendingSend[], sendsSince: number): void {
		if (sends.length > 0) this.#listeners.sendsEnded?.(performance.now() - sendsSince);
	}
}

function asStoreError(error: unknown): StoreError {
	return error instanceof StoreError
		? error
		: new StoreError("store_conflict", "the store failed in a way it should not", { cause: error });
}
