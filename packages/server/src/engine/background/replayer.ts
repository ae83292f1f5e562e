// The replayer: executes the running replays in the background, in small steps, so that live traffic hardly notices.
import { Rotation } from "../../core/concurrency/rotation.ts";
import type { Replay } from "../../core/replay.ts";
import { isDeliverable } from "../../core/webhook.ts";
import type { LifecycleStore } from "../../ports/store/lifecycle.ts";
import type { ReplayStore } from "../../ports/store/replays.ts";
import type { Quotas } from "../accepting/quotas/quotas.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";
import type { OwnEvents } from "../reacting/own-events.ts";
import type { Pace } from "./pace.ts";
import { Periodic } from "./periodic.ts";
import { Schedule } from "./schedule.ts";

type Parts = Pick<
	PartsOn<ReplayStore & Pick<LifecycleStore, "newestId">>,
	"store" | "clock" | "ids" | "observer" | "tenure"
>;

interface Neighbours {
	readonly directory: Directory;
	readonly events: OwnEvents;
	readonly pace: Pace;
	readonly line: Pick<DeliveryLine, "due" | "inFlightLimit">;
	readonly live: Pick<LiveReporter, "replayUpdated">;
	readonly quotas: Pick<Quotas, "hasRoom">;
}

/** Events examined and deliveries created in one step, which take about 2 ms and 1 ms. */
const SCAN_LIMIT = 500;
const DELIVERY_LIMIT = 32;
/** The time until the first look after a replay was added. Then the pace decides. */
const FIRST_LOOK_MS = 20;
/** Replays that the store is asked about in one look, at most. */
const MAX_LOOKS = 8;
/**
 * How long a replay rests that could not make a step. The time doubles with each further look in vain: a replay waits for its
 * receiver, or for what a rate limit allows, at most twice as long as it has to.
 */
const REST_MS = { first: 10, max: 1_000 } as const;
/** How long a replay rests whose webhook is paused or disabled, or which another process has. To look costs nothing. */
const STOPPED_REST_MS = 250;
/** The share of a webhook's attempts in flight that replays may take. The rest is always free for live traffic. */
const SHARE = 0.5;
/**
 * Replays queue at most this many seconds' worth of a rate limit, which is how long a live event can wait behind them.
 */
const RATE_SHARE_S = 0.1;
/** How long a replay rests whose step has failed, and how long all others do: a store that fails is told about a few times each second. */
const FAILED_MS = { own: 1_000, all: 250 } as const;
/** How often the live stream tells of the progress of a replay, at most. */
const TELL_EVERY_MS = 1_000;
/** How often the running replays are read where other processes can start some, too. */
const FIND_EVERY_MS = 2_000;
const READ_PROBLEM = "the running replays could not be read";

/** A running replay. */
interface Running {
	replay: Replay;
	/** How long it rests if it can't make a step the next time. */
	restMs: number;
	/** When the live stream was last told of it, in monotonic time. */
	toldAt: number;
	/** When its last step began, in monotonic time. */
	steppedAt: number;
	/** Whether it waits for its project's quota of stored bytes. */
	waitsForRoom: boolean;
}

/**
 * The running replays make their steps in turns, each in the process that holds its webhook: projects take turns, in each of them
 * its customers, and of each customer the replays. A replay can make a step if its webhook is deliverable, its project has not used up its
 * quota of stored bytes, and few of its earlier replay deliveries still wait for their first attempt. The pace, which follows live traffic, sets the time between steps. Each
 * step is one transaction that also advances the replay's position, so a crash loses nothing: the next start continues. If the
 * webhook is deleted, a step cancels the replay. Replays that other processes start are found in the store.
 *
 * States:
 * - stopped: the initial state, and the one after `stop`. Replays can be added, and wait for `start`.
 * - idle: entered by `start`. No replay is running, and no timer is set.
 * - waiting: entered when there is a running replay. A timer is set for the next look.
 * - working: entered when the timer fires, left for waiting or idle when the look has ended. One look is under way.
 *
 * States of a replay: in line ──its turn──▶ under way ──step made──▶ in line
 *                     under way ──no step──▶ resting ──its time, add──▶ in line
 *                     any ──forget──▶ gone
 *
 * - in line: it is looked at when it is its turn.
 * - resting: its last look was in vain. Nobody waits for it: its time is its own.
 */
export class Replayer {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #finding: Periodic;
	/** Running replays by id. */
	readonly #replays = new Map<string, Running>();
	readonly #line = new Rotation<Running>();
	/** By the end of their rest, in monotonic time. */
	readonly #resting = new Schedule<Running>();
	/** The deliveries of a webhook's replays that had not been attempted at the last look, by webhook. */
	readonly #untried = new Map<string, readonly string[]>();
	#started = false;
	#cancelTimer: (() => void) | null = null;
	/** When the timer fires, in monotonic time. */
	#timerAt = Infinity;
	#working: Promise<void> | null = null;
	/** The next look is not earlier than this, in monotonic time. */
	#notBefore = -Infinity;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
		this.#finding = new Periodic(parts, {
			everyMs: FIND_EVERY_MS,
			work: () => this.#find(),
			problem: READ_PROBLEM,
		});
	}

	/** Loads the running replays from the store and continues them. */
	async start(): Promise<void> {
		if (this.#started) return;
		this.#started = true;
		await this.#load();
		this.#finding.start();
	}

	/** Reads the running replays anew: another process may have moved them on. A failure is reported. */
	async look(): Promise<void> {
		if (!this.#started) return;
		try {
			await this.#load();
		} catch (error) {
			this.#parts.observer.problem(READ_PROBLEM, error);
		}
	}

	async #load(): Promise<void> {
		for (const replay of await this.#parts.store.runningReplays()) this.add(replay);
	}

	/** Takes up what other processes have started, and forgets what has ended in them. */
	async #find(): Promise<void> {
		// Another process can have started one just before it left, so it does not matter who is there now.
		if (this.#parts.tenure.shards() === null) return;
		const before = [...this.#replays.keys()];
		const running = await this.#parts.store.runningReplays();
		const ids = new Set(running.map(({ id }) => id));
		for (const id of before) if (!ids.has(id)) this.forget(id);
		for (const replay of running) if (!this.#replays.has(replay.id)) this.add(replay);
	}

	/** Resolves when the step under way is done. The next start continues. */
	async stop(): Promise<void> {
		this.#started = false;
		this.#cancelTimer?.();
		this.#cancelTimer = null;
		this.#timerAt = Infinity;
		await Promise.all([this.#working, this.#finding.stop()]);
	}

	/** Adds a replay that is Running in the store. One that is known already is looked at soon. */
	add(replay: Replay): void {
		const running = this.#replays.get(replay.id) ?? {
			replay,
			restMs: REST_MS.first,
			toldAt: -Infinity,
			steppedAt: -Infinity,
			waitsForRoom: false,
		};
		running.replay = replay;
		running.restMs = REST_MS.first;
		this.#replays.set(replay.id, running);
		if (this.#line.isEmpty) this.#waitUntil(this.#parts.clock.monotonicMs() + FIRST_LOOK_MS);
		this.#enter(running);
		this.#plan();
	}

	/** Removes a replay that has ended in the store. */
	forget(replayId: string): void {
		const running = this.#replays.get(replayId);
		if (running === undefined) return;
		const { projectId, customerId, webhookId } = running.replay;
		this.#replays.delete(replayId);
		this.#line.delete(projectId, customerId, running);
		this.#resting.remove(running);
		if (!this.#replays.values().some(({ replay }) => replay.webhookId === webhookId)) this.#untried.delete(webhookId);
	}

	#enter(running: Running): void {
		const { projectId, customerId } = running.replay;
		this.#resting.remove(running);
		this.#line.add(projectId, customerId, running);
	}

	#rest(running: Running, ms: number): void {
		const { id, projectId, customerId } = running.replay;
		if (this.#replays.get(id) !== running) return;
		this.#line.delete(projectId, customerId, running);
		this.#resting.schedule(running, this.#parts.clock.monotonicMs() + ms);
	}

	#waitUntil(at: number): void {
		this.#notBefore = Math.max(this.#notBefore, at);
	}

	/** A timer that is set already is only made earlier, so that whoever adds replays holds nobody up. */
	#plan(): void {
		if (!this.#started || this.#working !== null) return;
		const at = Math.max(this.#notBefore, this.#line.isEmpty ? this.#resting.nextAt() : -Infinity);
		if (at === Infinity || at >= this.#timerAt) return;
		this.#cancelTimer?.();
		this.#timerAt = at;
		this.#cancelTimer = this.#parts.clock.after(Math.max(0, at - this.#parts.clock.monotonicMs()), () => {
			this.#cancelTimer = null;
			this.#timerAt = Infinity;
			this.#working = this.#look().finally(() => {
				this.#working = null;
				this.#plan();
			});
		});
	}

	/** Makes one step of the first replay in line that can make one, and sets the time until the next look. */
	async #look(): Promise<void> {
		const { clock } = this.#parts;
		const startedAt = clock.monotonicMs();
		for (const running of this.#resting.takeDue(startedAt)) this.#enter(running);
		const failedMs = await this.#stepOne();
		const now = clock.monotonicMs();
		this.#waitUntil(now + Math.max(failedMs, this.#near.pace.pauseMs(now - startedAt, now)));
	}

	/** Returns how long all have to wait because a step has failed. */
	async #stepOne(): Promise<number> {
		for (let looks = 0; looks < MAX_LOOKS;) {
			const running = this.#line.take();
			if (running === undefined) return 0;
			if (this.#isStopped(running.replay)) {
				this.#rest(running, STOPPED_REST_MS);
				continue;
			}
			looks++;
			const first = this.#waitsLongest(running);
			try {
				if (await this.#turn(running, first)) return 0;
			} catch (error) {
				this.#report(first, error);
				this.#rest(running, FAILED_MS.own);
				return FAILED_MS.all;
			}
		}
		return 0;
	}

	/**
	 * The replay to the same webhook that has made no step for longest. They share the room: each would find it used up if the other one
	 * always looked just before.
	 */
	#waitsLongest(running: Running): Running {
		let first = running;
		for (const other of this.#replays.values()) {
			if (other.replay.webhookId === running.replay.webhookId && other.steppedAt < first.steppedAt) first = other;
		}
		return first;
	}

	/**
	 * It is the turn of this replay, which is neither in line nor resting meanwhile; `first` makes the step. True if that changed
	 * anything.
	 */
	async #turn(running: Running, first: Running): Promise<boolean> {
		if (await this.#advance(first)) {
			running.restMs = REST_MS.first;
			if (this.#replays.get(running.replay.id) === running) this.#enter(running);
			return true;
		}
		this.#rest(running, running.restMs);
		running.restMs = Math.min(REST_MS.max, running.restMs * 2);
		return false;
	}

	#report(running: Running, error: unknown): void {
		const { id: replayId, projectId, webhookId } = running.replay;
		const facts = { projectId, webhookId, replayId };
		this.#parts.observer.problem("a replay could not make a step and is tried again", error, facts);
	}

	/** Whether a replay can't make a step now, whatever the store says: its webhook is paused or disabled, or another process has it. */
	#isStopped({ webhookId }: Replay): boolean {
		if (!this.#parts.tenure.holds(webhookId)) return true;
		const webhook = this.#near.directory.webhook(webhookId);
		return webhook !== undefined && webhook.deleteDate === null && !isDeliverable(webhook);
	}

	/** Makes a step if the replay can make one. True if the step changed anything. */
	async #advance(running: Running): Promise<boolean> {
		const { projectId, webhookId } = running.replay;
		const { directory, quotas } = this.#near;
		const webhook = directory.webhook(webhookId);
		// The webhook is deleted: in this step, the store cancels the replay.
		if (webhook === undefined || webhook.deleteDate !== null) return this.#step(running, 1);
		this.#tellWaiting(running, !(await quotas.hasRoom(directory.project(projectId))));
		if (running.waitsForRoom) return false;
		const room = await this.#room(webhookId, webhook.rateLimit?.perSecond ?? Infinity);
		return room === 0 ? false : this.#step(running, room);
	}

	/** How many deliveries may be created now. 0 if they are too few to be worth a step. */
	async #room(webhookId: string, ratePerSecond: number): Promise<number> {
		const share = Math.floor(Math.min(this.#near.line.inFlightLimit(webhookId) * SHARE, ratePerSecond * RATE_SHARE_S));
		const allowed = Math.max(1, share);
		const before = this.#untried.get(webhookId) ?? [];
		const untried = before.length === 0 ? before : await this.#parts.store.untried(before);
		// Its last replay may have ended meanwhile.
		if (this.#untried.has(webhookId)) this.#untried.set(webhookId, untried);
		const room = allowed - untried.length;
		return room < Math.min(DELIVERY_LIMIT, allowed / 2) ? 0 : Math.min(DELIVERY_LIMIT, room);
	}

	/**
	 * False if the step changed nothing: the webhook is not deliverable in the store, or another process has made higher ids, after which
	 * those of this one go on then.
	 */
	async #step(running: Running, deliveryLimit: number): Promise<boolean> {
		const { clock, ids, store } = this.#parts;
		const { replay } = running;
		running.steppedAt = clock.monotonicMs();
		const at = clock.now();
		const deliveryIds = Array.from({ length: deliveryLimit }, () => ids.make("dlv", at));
		const after = await store.stepReplay({ replayId: replay.id, at, scanLimit: SCAN_LIMIT, deliveryIds });
		const made = deliveryIds.slice(0, (after ?? replay).deliveryCount - replay.deliveryCount);
		if (after !== null) running.replay = after;
		if (made.length > 0) {
			if (this.#replays.get(replay.id) === running) {
				this.#untried.set(replay.webhookId, [...(this.#untried.get(replay.webhookId) ?? []), ...made]);
			}
			this.#near.line.due(replay.webhookId, at);
		}
		if (after?.status === "Running") {
			// A step may have passed events only that are out of the range, and counted none.
			const hasMoved = after.scannedCount > replay.scannedCount || after.updateDate !== replay.updateDate;
			if (hasMoved) this.#tellProgress(running);
			else await this.#raiseIds();
			return hasMoved;
		}
		this.forget(replay.id);
		if (after === null) return true;
		this.#near.live.replayUpdated(after);
		this.#reportEnd(after);
		return true;
	}

	async #raiseIds(): Promise<void> {
		const newestId = await this.#parts.store.newestId();
		if (newestId !== null) this.#parts.ids.continueAfter(newestId);
	}

	/** Tells the live stream when the replay begins to wait, and when that is over. */
	#tellWaiting(running: Running, waits: boolean): void {
		if (running.waitsForRoom === waits) return;
		running.waitsForRoom = waits;
		if (!this.#replays.has(running.replay.id)) return;
		this.#near.live.replayUpdated(running.replay, waits ? "storedBytes" : null);
	}

	/** Steps are made every few milliseconds, which would drown the stream. */
	#tellProgress(running: Running): void {
		const now = this.#parts.clock.monotonicMs();
		if (!this.#replays.has(running.replay.id) || now - running.toldAt < TELL_EVERY_MS) return;
		running.toldAt = now;
		this.#near.live.replayUpdated(running.replay);
	}

	#reportEnd(replay: Replay): void {
		const { id, projectId, webhookId, status, scannedCount, deliveryCount } = replay;
		if (status === "Cancelled") {
			this.#parts.observer.note("a replay was cancelled: its webhook is deleted", {
				projectId,
				webhookId,
				replayId: id,
			});
			return;
		}
		const facts = { replayId: id, webhookId, scannedCount, deliveryCount };
		this.#parts.observer.note("a replay has made all its deliveries", { projectId, ...facts });
		this.#near.events.emit(replay, { type: "fanfare.replay.finished", data: facts });
	}
}
