// Group commit: callers wait for the next commit; one writer puts the events and outcomes that have gathered into one
// transaction.
import type { Clock } from "../../core/clock.ts";
import type { Observer } from "../../ports/observer.ts";
import type {
	AcceptStore,
	CommitResult,
	DeliveryUpdate,
	HealthChange,
	UpdateResult,
} from "../../ports/store/accept.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import { asStoreError, Caller } from "./caller.ts";
import { Doubts } from "./doubts.ts";
import type { PendingSend, PendingUpdate, Work } from "./pending.ts";
import { SendQueue } from "./send-queue.ts";

const MAX_UPDATES_PER_COMMIT = 2_000;
const BACKOFF_MS = 250;
/**
 * A commit costs as much CPU as several events in it. So after a commit of `GATHER_FROM` sends and updates or more,
 * which means that there are several senders, the next commit begins no sooner than `gatherMs` after the beginning of
 * that one. (CPU per event at 2,000 events per second: 408 µs without this wait, 337 µs with 2 ms, 260 µs with 5 ms.) A
 * single sender that waits for each response is not delayed.
 */
const GATHER_FROM = 4;
/**
 * A commit costs the same CPU and the same sync for one outcome as for a send and an outcome. Nobody waits for an outcome, so up to `rideMs`
 * outcomes wait for a send to share its commit, or for each other. This many do not: waiting for more gains nothing. (CPU per event: 0.89 at 200 a
 * second. At 1,500 in batches of 20, with 64 in place of 4: the embedded store 0.92; two processes with NATS 0.84, and their PostgreSQL 0.74.)
 */
const RIDE_BELOW = 64;

/** Called after commits. They must not throw. */
interface Listeners {
	/** Called when outcomes in a commit have changed the health of webhooks. */
	readonly healthChanged?: (changes: readonly HealthChange[]) => void;
	/** Called when the sends of a commit were accepted or refused. The first of them has waited for `waitedMs`. */
	readonly pace?: { sendsEnded(waitedMs: number): void };
}

/**
 * The one writer of the busy path.
 *
 * States: idle ──work comes──▶ scheduled ──▶ committing ──no more work──▶ idle
 *                               ▲   ▲           │ │ └──store failed, updates are kept──▶ backing off ──▶ scheduled
 *                               │   └─more work─┘ │
 *         idle ──outcome──▶ riding ◀──outcomes────┘
 *
 * - idle: nothing waits.
 * - riding: only outcomes of attempts wait, fewer than `RIDE_BELOW`, for a send to share its commit. Left when a send or
 *   another change of a delivery comes, when there are more outcomes, by `hurry` and `idle`, and at the latest `rideMs`
 *   after the first of them has come.
 * - scheduled: the next commit begins after the I/O of this turn of the event loop, or when `gatherMs` have passed.
 * - committing: one transaction is under way, never two. If sends wait when it ends, the next one may begin before the
 *   callers of this one are called back.
 * - backing off: the store has failed, and updates wait to be tried again. Left after `BACKOFF_MS`, or at once when a
 *   send comes.
 *
 * If a commit fails, its sends are refused. Its updates, such as the outcomes of attempts, are kept and written later,
 * however long that takes. `close` ends this: updates that wait, and those that come or fail later, are rejected.
 * If the store does not say whether a commit was made, it is asked before the next one (`doubts.ts`).
 */
export class Committer {
	readonly #store: AcceptStore;
	readonly #clock: Clock;
	readonly #observer: Observer;
	readonly #caller: Caller;
	readonly #listeners: Listeners;
	readonly #limits: Pick<EngineLimits, "gatherMs" | "rideMs">;
	readonly #sends = new SendQueue();
	/** When the first of `#sends` came. */
	#sendsSince = 0;
	#updates: PendingUpdate[] = [];
	/** While there are some, no commit begins, but for those of sends in `#oneByOne`. */
	readonly #doubts = new Doubts({
		made: (result, updates) => this.#callBack(result, { sends: [], events: [], updates, sendsSince: 0 }),
		notMade: (updates) => this.#updates.unshift(...updates),
	});
	/** How long outcomes among `#updates` may wait for a send, in monotonic time; set when the first of them came. */
	#rideUntil = 0;
	#state: "idle" | "riding" | "scheduled" | "committing" | "backing off" = "idle";
	#closed = false;
	/** Outcomes among `#updates` that a send has taken along. They do not mean that there are several senders. */
	#taken = 0;
	/** When the last commit began, in monotonic time, and how many sends and updates were in it, without those. */
	#lastStartedAt = 0;
	#lastSize = 0;
	/** Ends the timer of riding or backing off. */
	#cancelWait = (): void => {};
	#whenIdle: (() => void)[] = [];
	#writtenRows = 0;

	constructor(
		parts: Pick<PartsOn<AcceptStore>, "store" | "clock" | "observer">,
		limits: Pick<EngineLimits, "gatherMs" | "rideMs">,
		listeners: Listeners = {},
	) {
		this.#limits = limits;
		this.#listeners = listeners;
		this.#store = parts.store;
		this.#clock = parts.clock;
		this.#observer = parts.observer;
		this.#caller = new Caller(parts.observer);
	}

	/** Sends that wait for their commit. */
	get waitingSends(): number {
		return this.#sends.length;
	}

	/** How many events, deliveries and attempts this process has written since its start. */
	get writtenRows(): number {
		return this.#writtenRows;
	}

	/** Outcomes of attempts that wait for a send to share its commit. */
	get ridingOutcomes(): number {
		return this.#state === "riding" ? this.#updates.length : 0;
	}

	/** Whether this many more sends of a project, with bodies of this many bytes, may wait for their commit. */
	hasRoom(
		projectId: string,
		count: number,
		bytes: number,
		limits: Pick<EngineLimits, "maxWaitingSends" | "maxWaitingBytes">,
	): boolean {
		return this.#sends.hasRoom(projectId, count, bytes, limits);
	}

	/** Bytes of the sends that wait for their commit. */
	get waitingBytes(): number {
		return this.#sends.bytes;
	}

	/** Adds a send to the next commit. The send is called back by `done` or `failed`. */
	send(send: PendingSend): void {
		if (this.#sends.length === 0) this.#sendsSince = this.#clock.monotonicMs();
		this.#sends.push(send);
		// A send takes outcomes along, and ends a back-off: if the store still can't write, the send fails fast.
		this.#schedule(true);
	}

	/**
	 * Adds a change of a delivery to the next commit. It is called back by `done`, or by `failed`: only if the committer is closed before
	 * that (`store_unavailable`), or if the store can never write the change (`store_conflict`). If the store fails, the change is tried
	 * again until it is written.
	 *
	 * The outcome of an attempt may wait for a send before that; any other change does not.
	 */
	add(update: PendingUpdate): void {
		if (this.#closed)
			return this.#caller.reject([update], new StoreError("store_unavailable", "the committer is closed"));
		if (this.#updates.length === 0) this.#rideUntil = this.#clock.monotonicMs() + this.#limits.rideMs;
		this.#updates.push(update);
		this.#schedule(false);
	}

	/**
	 * As `add`. Resolves with the new state of the delivery and whether this update has changed it, or null if there is no such delivery.
	 * Rejects with the `StoreError` of `failed`.
	 */
	update(update: DeliveryUpdate): Promise<UpdateResult | null> {
		return new Promise((done, failed) => this.add({ update, done, failed }));
	}

	/** The outcomes that wait now do not wait for a send any longer: somebody needs the places that they take. */
	hurry(): void {
		this.#rideUntil = -Infinity;
		if (this.#state === "riding") this.#schedule(true);
	}

	/** Resolves when no send and no update waits. Hurries for that. While the store fails, that may be never. */
	idle(): Promise<void> {
		if (this.#state === "idle") return Promise.resolve();
		return new Promise((resolve) => {
			this.#whenIdle.push(resolve);
			this.hurry();
		});
	}

	/** Rejects the updates that could not be written. Their deliveries are attempted again after the next start. */
	close(): void {
		this.#closed = true;
		this.#cancelWait();
		if (this.#state === "riding") this.#state = "idle";
		const error = new StoreError("store_unavailable", "the committer is closed");
		this.#caller.reject([...this.#doubts.takeAll(), ...this.#updates.splice(0)], error);
	}

	/** Plans the next commit. With `urgent`, it waits neither for a send nor for the end of a back-off. */
	#schedule(urgent: boolean): void {
		const isPlanned = this.#state === "scheduled" || this.#state === "committing";
		if (isPlanned || (this.#state === "backing off" && !urgent)) return;
		const rideMs = urgent ? 0 : this.#rideMs();
		if (rideMs > 0 && this.#state === "riding") return;
		if (this.#state === "riding" && this.#sends.length > 0) this.#taken = this.#updates.length;
		this.#cancelWait();
		if (rideMs > 0) {
			this.#state = "riding";
			this.#cancelWait = this.#clock.after(rideMs, () => this.#schedule(true));
			return;
		}
		this.#state = "scheduled";
		const waitMs = this.#waitMs();
		if (waitMs > 0) this.#clock.after(waitMs, this.#begin);
		// After the I/O of this turn of the event loop, so that sends that arrive together are committed together.
		else this.#clock.nextTurn(this.#begin);
	}

	/** How long what waits may wait for a send, in milliseconds; 0 or less if it must not. */
	#rideMs(): number {
		const isTooMuch = this.#sends.length > 0 || this.#updates.length >= RIDE_BELOW || this.#whenIdle.length > 0;
		if (isTooMuch || !this.#updates.every(({ update }) => update.change.type === "attempted")) return 0;
		return this.#rideUntil - this.#clock.monotonicMs();
	}

	/** How long the next commit waits for more work, in milliseconds; 0 or less if it does not. */
	#waitMs(): number {
		return this.#lastSize < GATHER_FROM ? 0 : this.#lastStartedAt + this.#limits.gatherMs - this.#clock.monotonicMs();
	}

	readonly #begin = (): void => {
		// `#run` reports its own failures and never rejects.
		void this.#run();
	};

	/** Makes one commit. Whether it succeeds or fails, the next one follows if there is more to commit. */
	async #run(): Promise<void> {
		this.#state = "committing";
		let nextHasBegun = false;
		let backsOff = false;
		try {
			const failure = this.#doubts.length === 0 ? null : await this.#doubts.settle();
			const work = this.#takeWork();
			const result = failure ?? (await this.#write(work));
			if (result instanceof StoreError) {
				backsOff = this.#keepUpdates(await this.#afterFailure(result, work));
			} else {
				nextHasBegun = this.#beginNextEarly();
				this.#callBack(result, work);
			}
		} catch (error) {
			this.#observer.problem("the committer failed", error);
		} finally {
			if (!nextHasBegun) this.#next(backsOff);
		}
	}

	/**
	 * If sends wait, begins the next commit before the callers of the last one are called back. Calling them back takes
	 * as long as storing their events, and the two can go on at the same time (with one event per request: 1.11 × the
	 * rate, 0.88 × the p50). True if the next commit has begun.
	 *
	 * Outcomes alone do not begin a commit here: no caller waits for them, and they gather meanwhile (with a commit at
	 * once, a fan-out to 1,000 webhooks takes 1.03–1.08 × the CPU).
	 */
	#beginNextEarly(): boolean {
		if (this.#sends.length === 0 || this.#waitMs() > 0) return false;
		this.#begin();
		return true;
	}

	/** Leaves the state committing. */
	#next(backOff: boolean): void {
		this.#state = "idle";
		if (this.#sends.length > 0 || (this.#updates.length > 0 && !backOff)) {
			this.#schedule(false);
		} else if (backOff) {
			this.#state = "backing off";
			this.#cancelWait = this.#clock.after(BACKOFF_MS, () => this.#schedule(true));
		} else {
			for (const resolve of this.#whenIdle.splice(0)) resolve();
		}
	}

	/** Takes the contents of the next commit from the waiting sends and updates. */
	#takeWork(): Work {
		const sendsSince = this.#sendsSince;
		const { sends, events } = this.#sends.take((send, error) => {
			this.#observer.problem("an event could not be built", error);
			send.failed(null, asStoreError(error));
		});
		const updates = this.#updates.splice(0, MAX_UPDATES_PER_COMMIT);
		this.#lastStartedAt = this.#clock.monotonicMs();
		this.#lastSize = sends.length + updates.length - this.#taken;
		this.#taken = 0;
		return { sends, events, updates, sendsSince };
	}

	async #write({ events, updates }: Work): Promise<CommitResult | StoreError> {
		const startedAt = this.#clock.monotonicMs();
		let result: CommitResult;
		try {
			result = await this.#store.commit({ events, updates: updates.map(({ update }) => update) });
		} catch (error) {
			return asStoreError(error);
		}
		this.#report(events.length, updates.length, this.#clock.monotonicMs() - startedAt);
		return result;
	}

	/** Tells the observer. If that fails, the commit is valid nevertheless: it must be neither refused nor repeated. */
	#report(events: number, updates: number, durationMs: number): void {
		try {
			this.#observer.committed({ events, updates, durationMs });
		} catch (error) {
			this.#observer.problem("a commit could not be reported", error);
		}
	}

	/** Gives each caller the result of its send or update, and the listeners those of the commit. */
	#callBack(result: CommitResult, { sends, events, updates, sendsSince }: Work): void {
		// Sends first: somebody waits for their answers, and what follows from updates, such as the next attempts, takes longer.
		for (const [index, send] of sends.entries()) {
			const event = events[index];
			const accepted = result.events[index];
			if (event === undefined || accepted === undefined) continue;
			if (accepted.kind === "accepted") this.#writtenRows += 1 + event.event.deliveryCount;
			this.#caller.sent(send, event, accepted);
		}
		try {
			if (result.healthChanges.length > 0) this.#listeners.healthChanged?.(result.healthChanges);
			this.#reportSendsEnded(sends, sendsSince);
		} finally {
			for (const [index, update] of updates.entries()) {
				if (update.update.attempt !== null) this.#writtenRows++;
				this.#caller.updated(update, result.updates[index] ?? null);
			}
		}
	}

	/** Refuses the sends of a commit that failed. Returns the updates that must be tried again. */
	async #afterFailure(error: StoreError, work: Work): Promise<readonly PendingUpdate[]> {
		const { sends, updates } = work;
		this.#observer.problem("a commit failed", error);
		if (error.code === "store_conflict") {
			if (sends.length + updates.length > 1) return this.#oneByOne(work);
			// It was alone in its commit and is still in conflict: no later commit can write it.
			this.#caller.reject(updates, error);
			this.#refuse(error, work);
			return [];
		}
		this.#refuse(error, work);
		return this.#doubts.keep(error, updates) ? [] : updates;
	}

	/**
	 * One of several sends and updates can't be written: each gets a commit of its own, so that only that one fails. No update is written, or
	 * told to its caller, before an earlier one that is tried again or in doubt; sends have no such order.
	 *
	 * Once one of them has failed since the store could not be reached, each further one might wait for that as long: the sends that are left
	 * share a commit again.
	 */
	async #oneByOne({ sends, events, updates, sendsSince }: Work): Promise<readonly PendingUpdate[]> {
		const again: PendingUpdate[] = [];
		let isLost = false;
		const commitAlone = async (work: Work) => {
			const result = await this.#write(work);
			if (!(result instanceof StoreError)) return this.#callBack(result, work);
			isLost = result.code === "store_unavailable";
			again.push(...(await this.#afterFailure(result, work)));
		};
		for (const update of updates) {
			if (again.length + this.#doubts.length > 0) again.push(update);
			else await commitAlone({ sends: [], events: [], updates: [update], sendsSince });
		}
		for (let index = 0; index < sends.length;) {
			const end = isLost ? sends.length : index + 1;
			await commitAlone({ sends: sends.slice(index, end), events: events.slice(index, end), updates: [], sendsSince });
			index = end;
		}
		return again;
	}

	/** Keeps updates for the next commit, or rejects them if the committer is closed, and those in doubt. True if some are kept. */
	#keepUpdates(failed: readonly PendingUpdate[]): boolean {
		if (!this.#closed) {
			this.#updates.unshift(...failed);
			return failed.length > 0 || this.#doubts.length > 0;
		}
		const error = new StoreError("store_unavailable", "the committer is closed");
		this.#caller.reject([...this.#doubts.takeAll(), ...failed], error);
		return false;
	}

	#refuse(error: StoreError, { sends, events, sendsSince }: Work): void {
		for (const [index, send] of sends.entries()) {
			const event = events[index];
			if (event !== undefined) send.failed(event, error);
		}
		this.#reportSendsEnded(sends, sendsSince);
	}

	#reportSendsEnded(sends: readonly PendingSend[], sendsSince: number): void {
		if (sends.length > 0) this.#listeners.pace?.sendsEnded(this.#clock.monotonicMs() - sendsSince);
	}
}
