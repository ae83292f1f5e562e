// The sweeper: after a webhook was paused, disabled, deleted or resumed, it has the store bring the waiting deliveries of
// the webhook into the state that follows from that, in small steps. Deliveries that are in that state already are left
// alone, so a sweep may be repeated after a crash.
import { Rotation } from "../../core/concurrency/rotation.ts";
import { StoreLockedError } from "../../ports/store/errors.ts";
import type { LifecycleStore } from "../../ports/store/lifecycle.ts";
import type { QueueStore, SweepStep, WebhooksToSweep } from "../../ports/store/queue.ts";
import { nextTurn } from "../background/next-turn.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";
import { FailingSweeps, type SweepOwner } from "./failing-sweeps.ts";

type Parts = Pick<
	PartsOn<Pick<QueueStore, "webhooksToSweep" | "sweepWebhook"> & Pick<LifecycleStore, "probe">>,
	"store" | "clock" | "observer"
>;

interface Neighbours {
	readonly directory: Pick<Directory, "webhook" | "forgetWebhook">;
	readonly live: Pick<LiveReporter, "deliveriesUpdated">;
	/** Told when deliveries of a webhook that were Held are due. */
	readonly line: { due(webhookId: string, at: number): void };
}

/** Deliveries changed in one transaction. This takes a few milliseconds, so that sends hardly have to wait. */
const STEP = 250;
/**
 * How long a step in the line waits for a lock, since others may come at any time and wait for it. A webhook that needs longer is swept beside
 * the line, where a step waits as long as any change does.
 */
const LOCK_WAIT_MS = 100;
/** Webhooks that a start looks at in one call of the store: some 15 ms. */
const LOOK_STEP = 5_000;
/** If the steps of this many webhooks fail without a success between them, the store is asked whether it can be written. */
const FAILING_IN_ROW = 8;
/** How long the answer holds. */
const ANSWER_HOLDS_MS = 1_000;
/** What the store is asked to write: as much as a step. A full disk often still has room for a small row. */
const PROBE_BYTES = 256 * 1_024;
/** How often a store that fails is asked. */
const ASK_AGAIN_MS = 1_000;
/** Whose turn it is for webhooks of which this process does not know the project. */
const UNKNOWN = "";

/** A line of webhooks that makes one step at a time. */
interface Line {
	/** The webhook whose turn it is; undefined if none may have a step now. */
	readonly take: () => string | undefined;
	/** How long its steps wait for a lock; undefined for as long as any change. */
	readonly lockWaitMs: number | undefined;
	isWorking: boolean;
	/** The steps under way, or the last ones. */
	work: Promise<void>;
}

/**
 * Makes one step at a time: projects take turns, in each of them its customers, and of each customer the waiting webhooks. So
 * neither sends nor other webhooks wait long for a webhook with many deliveries, nor for many webhooks of one project. The
 * store decides what a step does; of what this process knows of the webhook, only whose turn it is depends. Webhooks that it
 * does not know, such as deleted ones after a start, take turns as those of one project.
 *
 * A webhook whose step has failed leaves this line. It is tried again in a line of its own kind, beside the first one, until a step
 * succeeds: each with a back-off of its own, and all together seldom (failing-sweeps.ts). So no other webhook waits for them, however many they
 * are and however long their steps take.
 * A first step that has to wait for a lock is given up soon, and made there, too, before those of webhooks that fail: it has not failed, and
 * neither rests nor pauses. If many fail one after the other, the store is asked whether it is the one that fails.
 *
 * States: open ──FAILING_IN_ROW webhooks, and the store can't be written──▶ backing off ──it can be written──▶ open
 *         any ──stop──▶ stopped
 *
 * - open: each of the two lines makes a step at a time, as long as there is a webhook for it. A webhook whose step left something to
 *   change waits for another one, behind the others of its customer. If `sweep` is called during its step, it waits for another one, too.
 * - backing off: the store fails. Webhooks wait, and the store is asked every ASK_AGAIN_MS.
 * - stopped: no further step begins. There is no way back.
 */
export class Sweeper {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	/** Webhooks that wait for a step, but for those that fail. */
	readonly #waiting = new Rotation<string>();
	readonly #failing = new FailingSweeps((webhookId) => this.#ownerOf(webhookId));
	readonly #first = lineOf(() => this.#take(), LOCK_WAIT_MS);
	readonly #retries = lineOf(() => this.#failing.take(this.#parts.clock.monotonicMs()));
	/** Webhooks whose steps have failed since the last success. */
	readonly #failedInRow = new Set<string>();
	#state: "open" | "backing off" | "stopped" = "open";
	/** Whether the store can be written; null if it is not being asked. */
	#asking: Promise<boolean> | null = null;
	/** When it could be written, in monotonic time. */
	#writtenAt = -Infinity;
	#cancelBackoff = (): void => {};
	#cancelRetry = (): void => {};
	/** When the timer of the next retry fires, in monotonic time. */
	#retryAt = Infinity;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	/** Goes on with the sweeps that a stop or a crash has interrupted. Resolves when they are known, not when they are done. */
	async start(): Promise<void> {
		for (let after: string | null = null; ;) {
			const { webhookIds, next }: WebhooksToSweep = await this.#parts.store.webhooksToSweep(after, LOOK_STEP);
			for (const webhookId of webhookIds) this.sweep(webhookId);
			if (next === null) return;
			after = next;
		}
	}

	/** Begins to sweep a webhook. If a step of it is under way, another one follows. One that fails is swept when it is tried again. */
	sweep(webhookId: string): void {
		if (this.#state === "stopped" || this.#failing.ask(webhookId)) return;
		this.#wait(webhookId);
		this.#begin(this.#first);
	}

	/**
	 * Resolves after the steps under way. The next start of the engine goes on with the sweeps that are not finished.
	 */
	async stop(): Promise<void> {
		this.#state = "stopped";
		this.#cancelBackoff();
		this.#cancelRetry();
		await Promise.all([this.#first.work, this.#retries.work, this.#asking]);
	}

	/** A webhook of a project that is deleted stays that project's until it is forgotten. */
	#ownerOf(webhookId: string): SweepOwner {
		const { projectId = UNKNOWN, customerId = null } = this.#near.directory.webhook(webhookId) ?? {};
		return { projectId, customerId };
	}

	#wait(webhookId: string): void {
		const { projectId, customerId } = this.#ownerOf(webhookId);
		this.#waiting.add(projectId, customerId, webhookId);
	}

	/** One that has failed after it was asked for once more is swept when it is tried again. */
	#take(): string | undefined {
		let webhookId = this.#waiting.take();
		while (webhookId !== undefined && this.#failing.has(webhookId)) webhookId = this.#waiting.take();
		return webhookId;
	}

	#begin(line: Line): void {
		if (this.#state !== "open" || line.isWorking) return;
		line.isWorking = true;
		line.work = this.#sweepAll(line);
	}

	/** Makes steps until no webhook waits or the state changes. It handles its own failures and never rejects. */
	async #sweepAll(line: Line): Promise<void> {
		while (this.#state === "open") {
			const webhookId = line.take();
			if (webhookId === undefined) break;
			await this.#sweepOnce(webhookId, line);
			// Calls of the store that were made meanwhile go first.
			await nextTurn(this.#parts.clock);
		}
		line.isWorking = false;
		if (line === this.#retries) this.#planRetry();
	}

	async #sweepOnce(webhookId: string, { lockWaitMs }: Line): Promise<void> {
		const { clock } = this.#parts;
		const begunAt = clock.monotonicMs();
		try {
			const isDone = await this.#step(webhookId, lockWaitMs);
			this.#failedInRow.clear();
			const isAskedFor = this.#failing.succeeded(webhookId);
			if (isDone && !isAskedFor) return;
			this.#wait(webhookId);
			this.#begin(this.#first);
		} catch (error) {
			if (error instanceof StoreLockedError) {
				this.#failing.locked(webhookId);
				this.#planRetry();
				return;
			}
			const now = clock.monotonicMs();
			// One more may have a step under way.
			this.#failing.failed(webhookId, now, now - begunAt, this.#waiting.customers + 1);
			this.#planRetry();
			const facts = { projectId: this.#projectOf(webhookId), webhookId };
			this.#parts.observer.problem("waiting deliveries could not be swept; this is tried again", error, facts);
			this.#failedInRow.add(webhookId);
			if (this.#failedInRow.size >= FAILING_IN_ROW) await this.#suspectStore();
		}
	}

	/** Makes one step. True if nothing is left to change. */
	async #step(webhookId: string, lockWaitMs: number | undefined): Promise<boolean> {
		const now = this.#parts.clock.now();
		const step = await this.#parts.store.sweepWebhook(webhookId, now, STEP, lockWaitMs);
		this.#report(webhookId, step);
		if (step.change.type === "resume" && step.count > 0) this.#near.line.due(webhookId, now);
		if (step.change.type === "cancel" && step.done) this.#forget(webhookId);
		return step.done;
	}

	#report(webhookId: string, { change, count }: SweepStep): void {
		const projectId = this.#projectOf(webhookId);
		if (projectId !== undefined) this.#near.live.deliveriesUpdated(projectId, webhookId, change, count);
	}

	#projectOf(webhookId: string): string | undefined {
		return this.#near.directory.webhook(webhookId)?.projectId;
	}

	/** Forgets a deleted webhook. If memory does not know of its deletion yet, it is swept again once it does. */
	#forget(webhookId: string): void {
		const webhook = this.#near.directory.webhook(webhookId);
		if (webhook !== undefined && webhook.deleteDate !== null) this.#near.directory.forgetWebhook(webhookId);
	}

	/** Sets a timer for the next retry. One that is set already is only made earlier. */
	#planRetry(): void {
		const at = this.#failing.nextAt();
		if (this.#state === "stopped" || this.#retries.isWorking || at >= this.#retryAt) return;
		this.#cancelRetry();
		this.#retryAt = at;
		this.#cancelRetry = this.#parts.clock.after(Math.max(0, at - this.#parts.clock.monotonicMs()), () => {
			this.#retryAt = Infinity;
			this.#begin(this.#retries);
		});
	}

	/** Backs off if the store can't be written. Otherwise it is the webhooks that fail, each by itself. */
	async #suspectStore(): Promise<void> {
		if (await this.#canBeWritten()) this.#failedInRow.clear();
		else this.#backOff();
	}

	#backOff(): void {
		if (this.#state !== "open") return;
		this.#state = "backing off";
		this.#askLater();
	}

	#askLater(): void {
		this.#cancelBackoff = this.#parts.clock.after(ASK_AGAIN_MS, () => void this.#askAgain());
	}

	async #askAgain(): Promise<void> {
		const canBeWritten = await this.#canBeWritten();
		if (this.#state !== "backing off") return;
		if (!canBeWritten) {
			this.#askLater();
			return;
		}
		this.#failedInRow.clear();
		this.#state = "open";
		this.#begin(this.#first);
		this.#begin(this.#retries);
	}

	#canBeWritten(): Promise<boolean> {
		if (this.#parts.clock.monotonicMs() - this.#writtenAt < ANSWER_HOLDS_MS) return Promise.resolve(true);
		this.#asking ??= this.#ask().finally(() => (this.#asking = null));
		return this.#asking;
	}

	/** It handles its own failure and never rejects. */
	async #ask(): Promise<boolean> {
		const { clock, store, observer } = this.#parts;
		try {
			await store.probe(clock.now(), PROBE_BYTES);
			this.#writtenAt = clock.monotonicMs();
			return true;
		} catch (error) {
			observer.problem("waiting deliveries are not swept while the store can't be written", error);
			return false;
		}
	}
}

function lineOf(take: Line["take"], lockWaitMs?: number): Line {
	return { take, lockWaitMs, isWorking: false, work: Promise.resolve() };
}
