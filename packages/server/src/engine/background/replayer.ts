// The replayer: executes the running replays in the background, in small steps, so that live traffic hardly notices.
import type { Replay } from "../../core/replay.ts";
import { isDeliverable } from "../../core/webhook.ts";
import type { ReplayStore } from "../../ports/store/replays.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";
import type { OwnEvents } from "../reacting/own-events.ts";
import type { Pace } from "./pace.ts";
import { Periodic } from "./periodic.ts";

type Parts = Pick<PartsOn<ReplayStore>, "store" | "clock" | "ids" | "observer" | "tenure">;

interface Neighbours {
	readonly directory: Directory;
	readonly events: OwnEvents;
	readonly pace: Pace;
	readonly line: Pick<DeliveryLine, "due" | "inFlightLimit">;
	readonly live: Pick<LiveReporter, "replayUpdated">;
}

/** Events examined and deliveries created in one step, which take about 2 ms and 1 ms. */
const SCAN_LIMIT = 500;
const DELIVERY_LIMIT = 32;
/**
 * The time until the first look, after which the pace decides. While no replay can make a step, it doubles up to the
 * maximum.
 */
const LOOK_EVERY_MS = { first: 20, max: 250 } as const;
/** Replays examined in one look, at most, besides those that wait for their webhook. */
const MAX_LOOKS = 8;
/** The share of a webhook's attempts in flight that replays may take. The rest is always free for live traffic. */
const SHARE = 0.5;
/**
 * Replays queue at most this many seconds' worth of a rate limit, which is how long a live event can wait behind them.
 */
const RATE_SHARE_S = 0.1;
const RETRY_AFTER_MS = 1_000;
/** How often the live stream tells of the progress of a replay, at most. */
const TELL_EVERY_MS = 1_000;
/** How often the running replays are read while other processes can start some, too. */
const FIND_EVERY_MS = 2_000;
const READ_PROBLEM = "the running replays could not be read";

/**
 * The running replays make their steps in round robin order, each in the process that holds its webhook. A replay can
 * make a step if its webhook is deliverable and few of its earlier replay deliveries still wait for their first attempt.
 * The pace, which follows live traffic, sets the time between steps. Each step is one transaction that also advances the
 * replay's position, so a crash loses nothing: the next start continues. If the webhook is deleted, a step cancels the replay.
 * Replays that other processes start are found in the store.
 *
 * States:
 * - stopped: the initial state, and the one after `stop`. Replays can be added, and wait for `start`.
 * - idle: entered by `start`. No replay is running, and no timer is set.
 * - waiting: entered when there is a running replay. A timer is set for the next look.
 * - working: entered when the timer fires, left for waiting or idle when the look has ended. One look is under way.
 */
export class Replayer {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #finding: Periodic;
	/** Running replays by id. The first one is next in line. */
	readonly #replays = new Map<string, Replay>();
	/** The deliveries of a webhook's replays that had not been attempted at the last look, by webhook. */
	readonly #untried = new Map<string, readonly string[]>();
	/** When the live stream was last told of a replay, in monotonic time. */
	readonly #toldAt = new Map<string, number>();
	#started = false;
	#cancelTimer: (() => void) | null = null;
	#working: Promise<void> | null = null;
	#waitMs: number = LOOK_EVERY_MS.first;

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
		if (this.#parts.tenure.liveMembers() === 1) return;
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
		await Promise.all([this.#working, this.#finding.stop()]);
	}

	/** Adds a replay that is Running in the store. */
	add(replay: Replay): void {
		this.#replays.set(replay.id, replay);
		this.#waitMs = LOOK_EVERY_MS.first;
		this.#plan();
	}

	/** Removes a replay that has ended in the store. */
	forget(replayId: string): void {
		const replay = this.#replays.get(replayId);
		this.#replays.delete(replayId);
		this.#toldAt.delete(replayId);
		if (replay !== undefined && !this.#replays.values().some(({ webhookId }) => webhookId === replay.webhookId)) {
			this.#untried.delete(replay.webhookId);
		}
	}

	#plan(): void {
		if (!this.#started || this.#working !== null || this.#replays.size === 0) return;
		this.#cancelTimer?.();
		this.#cancelTimer = this.#parts.clock.after(this.#waitMs, () => {
			this.#cancelTimer = null;
			this.#working = this.#look().finally(() => {
				this.#working = null;
				this.#plan();
			});
		});
	}

	/** Makes one step of the first replay in line that can make one, and sets the time until the next look. */
	async #look(): Promise<void> {
		const startedAt = this.#parts.clock.monotonicMs();
		try {
			const worked = await this.#stepOne();
			const now = this.#parts.clock.monotonicMs();
			const pauseMs = this.#near.pace.pauseMs(now - startedAt, now);
			this.#waitMs = worked ? pauseMs : Math.max(pauseMs, Math.min(LOOK_EVERY_MS.max, this.#waitMs * 2));
		} catch (error) {
			// Before its step, a replay is moved to the end of the line.
			const { id: replayId, projectId, webhookId } = [...this.#replays.values()].at(-1) ?? {};
			const facts = { projectId, webhookId, replayId };
			this.#parts.observer.problem("a replay could not make a step and is tried again", error, facts);
			this.#waitMs = RETRY_AFTER_MS;
		}
	}

	async #stepOne(): Promise<boolean> {
		// To pass those that wait for their webhook costs nothing, however many there are.
		const inLine = this.#replays.values().filter((replay) => !this.#waits(replay));
		for (const replay of inLine.take(MAX_LOOKS).toArray()) {
			// It moves to the end of the line before anything can fail, so that a failing replay does not block the others.
			this.#replays.delete(replay.id);
			this.#replays.set(replay.id, replay);
			if (await this.#advance(replay)) return true;
		}
		return false;
	}

	/** Whether a replay can't make a step now, whatever the store says: its webhook is paused or disabled, or another process has it. */
	#waits({ webhookId }: Replay): boolean {
		if (!this.#parts.tenure.holds(webhookId)) return true;
		const webhook = this.#near.directory.webhook(webhookId);
		return webhook !== undefined && webhook.deleteDate === null && !isDeliverable(webhook);
	}

	/** Makes a step if the replay can make one. True if the step changed anything. */
	async #advance(replay: Replay): Promise<boolean> {
		if (!this.#parts.tenure.holds(replay.webhookId)) return false;
		const webhook = this.#near.directory.webhook(replay.webhookId);
		// The webhook is deleted: in this step, the store cancels the replay.
		if (webhook === undefined || webhook.deleteDate !== null) return this.#step(replay, 1);
		if (!isDeliverable(webhook)) return false;
		const room = await this.#room(replay.webhookId, webhook.rateLimit?.perSecond ?? Infinity);
		return room === 0 ? false : this.#step(replay, room);
	}

	/** How many deliveries may be created now. 0 if they are too few to be worth a step. */
	async #room(webhookId: string, ratePerSecond: number): Promise<number> {
		const share = Math.floor(Math.min(this.#near.line.inFlightLimit(webhookId) * SHARE, ratePerSecond * RATE_SHARE_S));
		const allowed = Math.max(1, share);
		const before = this.#untried.get(webhookId) ?? [];
		const untried = before.length === 0 ? before : await this.#parts.store.untried(before);
		this.#untried.set(webhookId, untried);
		const room = allowed - untried.length;
		return room < Math.min(DELIVERY_LIMIT, allowed / 2) ? 0 : Math.min(DELIVERY_LIMIT, room);
	}

	/**
	 * False if the step changed nothing: the webhook is not deliverable in the store, or the replay waits until the horizon
	 * of the store has reached the end of its range.
	 */
	async #step(replay: Replay, deliveryLimit: number): Promise<boolean> {
		const { clock, ids, store } = this.#parts;
		const at = clock.now();
		const deliveryIds = Array.from({ length: deliveryLimit }, () => ids.make("dlv", at));
		const after = await store.stepReplay({ replayId: replay.id, at, scanLimit: SCAN_LIMIT, deliveryIds });
		const made = deliveryIds.slice(0, (after ?? replay).deliveryCount - replay.deliveryCount);
		if (after !== null && this.#replays.has(replay.id)) this.#replays.set(replay.id, after);
		if (made.length > 0) {
			this.#untried.set(replay.webhookId, [...(this.#untried.get(replay.webhookId) ?? []), ...made]);
			this.#near.line.due(replay.webhookId, at);
		}
		if (after?.status === "Running") {
			const hasMoved = after.scannedCount > replay.scannedCount;
			if (hasMoved) this.#tellProgress(after);
			return hasMoved;
		}
		this.forget(replay.id);
		if (after === null) return true;
		this.#near.live.replayUpdated(after);
		this.#reportEnd(after);
		return true;
	}

	/** Steps are made every few milliseconds, which would drown the stream. */
	#tellProgress(replay: Replay): void {
		const now = this.#parts.clock.monotonicMs();
		if (!this.#replays.has(replay.id) || now - (this.#toldAt.get(replay.id) ?? -Infinity) < TELL_EVERY_MS) return;
		this.#toldAt.set(replay.id, now);
		this.#near.live.replayUpdated(replay);
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
