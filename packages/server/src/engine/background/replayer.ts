// The replayer: carries on the running replays in the background, a small step at a time, so that live traffic hardly notices.
//
// A replay waits ──its webhook is Enabled and few of its replay deliveries are out──▶ makes a step ──▶ waits, until it has ended.
// How often steps are made follows from how live traffic is doing.
// Each step is one transaction that moves the replay on, so a crash costs nothing: the next start takes up what is Running.
import type { Replay } from "../../core/replay.ts";
import type { WebhookRegistry } from "../directory/webhook-registry.ts";
import type { EngineParts } from "../parts.ts";
import type { OwnEvents } from "../reacting/own-events.ts";
import type { Pace } from "./pace.ts";

interface Neighbours {
	readonly registry: WebhookRegistry;
	readonly events: OwnEvents;
	readonly pace: Pace;
	/** New deliveries of this webhook are due. */
	readonly due: (webhookId: string, at: number) => void;
	/** Attempts that may be under way at once to this webhook, live ones and all. */
	readonly inFlightLimit: (webhookId: string) => number;
}

/** Events looked at in one step, and deliveries made: 2 ms and 1 ms of work. */
const SCAN_LIMIT = 500;
const DELIVERY_LIMIT = 32;
/** The first step comes this soon; then the pace says when. While all wait, the looks become rarer, up to the latter. */
const LOOK_EVERY_MS = { first: 20, max: 250 } as const;
/** Waiting replays looked at in one go. */
const MAX_LOOKS = 8;
/** The share of a webhook's attempts in flight that replays may take; the rest is for live traffic at any moment. */
const SHARE = 0.5;
/** Of a rate limit replays queue up no more than this, in seconds: so long a live event waits behind them at most. */
const RATE_SHARE_S = 0.1;
const RETRY_AFTER_MS = 1_000;

export class Replayer {
	readonly #parts: EngineParts;
	readonly #near: Neighbours;
	/** Running replays by id; the first one is next in turn. */
	readonly #replays = new Map<string, Replay>();
	/** The deliveries made for a webhook's replays that were not attempted yet when last looked. */
	readonly #untried = new Map<string, readonly string[]>();
	#started = false;
	#cancelTimer: (() => void) | null = null;
	#working: Promise<void> | null = null;
	#waitMs: number = LOOK_EVERY_MS.first;

	constructor(parts: EngineParts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	/** Takes up what a former run left. */
	async start(): Promise<void> {
		if (this.#started) return;
		this.#started = true;
		for (const replay of await this.#parts.store.runningReplays()) this.add(replay);
	}

	/** Resolves when the step under way is done; the next start goes on. */
	async stop(): Promise<void> {
		this.#started = false;
		this.#cancelTimer?.();
		this.#cancelTimer = null;
		await this.#working;
	}

	/** Takes on a replay that the store has as Running. */
	add(replay: Replay): void {
		this.#replays.set(replay.id, replay);
		this.#waitMs = LOOK_EVERY_MS.first;
		this.#plan();
	}

	/** The store has it as ended. */
	forget(replayId: string): void {
		const replay = this.#replays.get(replayId);
		this.#replays.delete(replayId);
		if (replay !== undefined && !this.#has(({ webhookId }) => webhookId === replay.webhookId)) {
			this.#untried.delete(replay.webhookId);
		}
	}

	countIn(projectId: string): number {
		let count = 0;
		for (const replay of this.#replays.values()) if (replay.projectId === projectId) count++;
		return count;
	}

	#has(is: (replay: Replay) => boolean): boolean {
		for (const replay of this.#replays.values()) if (is(replay)) return true;
		return false;
	}

	#plan(): void {
		if (!this.#started || this.#working !== null || this.#replays.size === 0) return;
		this.#cancelTimer?.();
		this.#cancelTimer = this.#parts.clock.after(this.#waitMs, () => {
			this.#cancelTimer = null;
			this.#working = this.#turn().finally(() => {
				this.#working = null;
				this.#plan();
			});
		});
	}

	/** One step of the first replay in turn that may make one. */
	async #turn(): Promise<void> {
		const startedAt = this.#parts.clock.now();
		try {
			const worked = await this.#stepOne();
			const now = this.#parts.clock.now();
			const pauseMs = this.#near.pace.pauseMs(now - startedAt, now);
			this.#waitMs = worked ? pauseMs : Math.max(pauseMs, Math.min(LOOK_EVERY_MS.max, this.#waitMs * 2));
		} catch (error) {
			this.#parts.observer.problem("a replay could not go on; it is tried again", error);
			this.#waitMs = RETRY_AFTER_MS;
		}
	}

	async #stepOne(): Promise<boolean> {
		for (const replay of [...this.#replays.values()].slice(0, MAX_LOOKS)) {
			// To the end of the turn before anything can fail, so that one that fails does not keep the others back.
			this.#replays.delete(replay.id);
			this.#replays.set(replay.id, replay);
			if (await this.#advance(replay)) return true;
		}
		return false;
	}

	/** Whether it did something. */
	async #advance(replay: Replay): Promise<boolean> {
		const { clock, store } = this.#parts;
		const webhook = this.#near.registry.find(replay.webhookId);
		if (webhook === undefined || webhook.record.deleteDate !== null) {
			await store.cancelReplay(replay.id, clock.now());
			this.forget(replay.id);
			const { id, webhookId } = replay;
			this.#parts.observer.note("a replay was cancelled: its webhook is deleted", { replayId: id, webhookId });
			return true;
		}
		if (webhook.armed.status !== "Enabled") return false;
		const room = await this.#room(replay.webhookId, webhook.armed.rateLimit?.perSecond ?? Infinity);
		if (room === 0) return false;
		await this.#step(replay, room);
		return true;
	}

	/** Deliveries that may be made now; none while they would be so few that a step is not worth it. */
	async #room(webhookId: string, ratePerSecond: number): Promise<number> {
		const share = Math.floor(Math.min(this.#near.inFlightLimit(webhookId) * SHARE, ratePerSecond * RATE_SHARE_S));
		const allowed = Math.max(1, share);
		const before = this.#untried.get(webhookId) ?? [];
		const untried = before.length === 0 ? before : await this.#parts.store.untried(before);
		this.#untried.set(webhookId, untried);
		const room = allowed - untried.length;
		return room < Math.min(DELIVERY_LIMIT, allowed / 2) ? 0 : Math.min(DELIVERY_LIMIT, room);
	}

	async #step(replay: Replay, deliveryLimit: number): Promise<void> {
		const { clock, ids, store } = this.#parts;
		const at = clock.now();
		const deliveryIds = Array.from({ length: deliveryLimit }, () => ids.make("dlv", at));
		const after = await store.stepReplay({ replayId: replay.id, at, scanLimit: SCAN_LIMIT, deliveryIds });
		const made = deliveryIds.slice(0, (after ?? replay).deliveryCount - replay.deliveryCount);
		if (after !== null && this.#replays.has(replay.id)) this.#replays.set(replay.id, after);
		if (made.length > 0) {
			this.#untried.set(replay.webhookId, [...(this.#untried.get(replay.webhookId) ?? []), ...made]);
			this.#near.due(replay.webhookId, at);
		}
		if (after?.status === "Running") return;
		this.forget(replay.id);
		if (after === null) return;
		const { id, projectId, webhookId, scannedCount, deliveryCount } = after;
		const facts = { replayId: id, webhookId, scannedCount, deliveryCount };
		this.#parts.observer.note("a replay has made all its deliveries", facts);
		this.#near.events.emit(projectId, { type: "fanfare.replay.finished", data: facts });
	}
}
