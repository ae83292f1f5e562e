// The dispatcher: takes ready deliveries in turn, makes their attempts, and hands the outcomes to the next commit.
//
// States: stopped ──start──▶ running ──stop──▶ draining (nothing new starts) ──last outcome written──▶ stopped
import type { DeliveryState } from "../../core/delivery.ts";
import type { ArmedWebhook } from "../../core/webhook.ts";
import type { AttemptOutcome, AttemptRequest } from "../../ports/sender.ts";
import type { NewEvent } from "../../ports/store/accept.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Committer } from "../committing/committer.ts";
import type { WebhookRegistry } from "../directory/webhook-registry.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EngineParts } from "../parts.ts";
import { buildRequest, judge, judgedBefore, recordAttempt } from "./attempt.ts";
import type { Lane } from "./lane.ts";
import type { ReadyQueue } from "./ready-queue.ts";

interface Neighbours {
	readonly committer: Committer;
	readonly queue: ReadyQueue;
	readonly registry: WebhookRegistry;
	readonly live: LiveReporter;
	/** The receiver answered 410. */
	readonly gone: (webhookId: string) => void;
	/** A lane has room again, or something in the store will be due. */
	readonly wanting: (lane: Lane) => void;
	/** Something is due for a webhook that may get nothing: it must be held or cancelled. */
	readonly stray: (webhookId: string) => void;
}

/** A lease must outlast the attempt by this much, for its outcome to be written. */
const LEASE_MARGIN_MS = 5_000;

export class Dispatcher {
	readonly #parts: EngineParts;
	readonly #userAgent: string;
	readonly #near: Neighbours;
	#running = false;
	#pumping = false;
	#lastMoveAt = 0;
	#whenDrained: (() => void)[] = [];
	#rateTimerAt = Infinity;
	#cancelRateTimer: (() => void) | null = null;

	constructor(parts: EngineParts, userAgent: string, near: Neighbours) {
		this.#parts = parts;
		this.#userAgent = userAgent;
		this.#near = near;
	}

	/** When an attempt was last started or ended; 0 if none was. */
	get lastMoveAt(): number {
		return this.#lastMoveAt;
	}

	start(): void {
		this.#running = true;
		this.pump();
	}

	/** Starts nothing more; resolves when all that is in flight has ended and is written. */
	drain(): Promise<void> {
		this.#running = false;
		this.#cancelRateTimer?.();
		if (this.#near.queue.inFlight === 0) return Promise.resolve();
		return new Promise((resolve) => this.#whenDrained.push(resolve));
	}

	/** Takes on the deliveries of an event that was just committed. */
	accepted(accepted: NewEvent): void {
		const { event, body } = accepted;
		for (const { id, webhookId, state } of accepted.deliveries) {
			if (state.status !== "Pending") continue;
			if (state.leaseUntil === null) {
				this.noteDue(webhookId, state.nextAttemptAt ?? event.createDate);
				continue;
			}
			this.#near.queue.push({
				id,
				projectId: event.projectId,
				webhookId,
				eventId: event.id,
				eventType: event.type,
				trigger: state.trigger,
				attemptCount: 0,
				leaseUntil: state.leaseUntil,
				createDate: event.createDate,
				body,
			});
		}
		this.pump();
	}

	/** Something of this webhook in the store is due then. */
	noteDue(webhookId: string, at: number): void {
		const lane = this.#near.queue.lane(webhookId);
		lane.noteDue(at);
		this.#near.wanting(lane);
	}

	/** Starts as many attempts as the limits allow. */
	pump(): void {
		if (!this.#running || this.#pumping) return;
		this.#pumping = true;
		for (let delivery = this.#near.queue.take(); delivery !== null; delivery = this.#near.queue.take()) {
			this.#begin(delivery);
		}
		this.#pumping = false;
		this.#waitForRates();
	}

	/** Sets the timer for the first lane that its rate limit holds back. */
	#waitForRates(): void {
		const at = this.#near.queue.nextRateAt();
		if (at >= this.#rateTimerAt) return;
		this.#cancelRateTimer?.();
		this.#rateTimerAt = at;
		this.#cancelRateTimer = this.#parts.clock.after(at - this.#parts.clock.now(), () => {
			this.#rateTimerAt = Infinity;
			this.#near.queue.wakeSlowed();
			this.pump();
		});
	}

	#begin(delivery: LeasedDelivery): void {
		this.#lastMoveAt = this.#parts.clock.now();
		this.#deliver(delivery)
			.catch((error: unknown) => this.#setBack(delivery, error))
			.finally(() => this.#finished(delivery))
			// `#finished` touches memory only; should it ever throw, that must not pass unseen.
			.catch((error: unknown) => this.#parts.observer.problem("the dispatcher failed", error));
	}

	async #deliver(delivery: LeasedDelivery): Promise<void> {
		const webhook = this.#near.registry.find(delivery.webhookId);
		// Whoever paused or deleted it has the rest of its deliveries swept; this one is swept with them.
		if (webhook === undefined || webhook.record.deleteDate !== null || webhook.armed.status !== "Enabled") {
			await this.#release(delivery);
			this.#near.stray(delivery.webhookId);
			return;
		}
		const startDate = this.#parts.clock.now();
		const leaseLeftMs = this.#near.queue.leaseUntil(delivery.id) - startDate;
		// Only after a pause of the whole process: it is claimed again with a new lease.
		if (leaseLeftMs < webhook.armed.timeoutMs + LEASE_MARGIN_MS) return this.#giveBack(delivery);
		const request = buildRequest(webhook.armed, delivery, this.#userAgent, startDate);
		const outcome = await this.#parts.sender.send(request);
		// Ended by ourselves, at a shutdown: it says nothing about the receiver and uses up no retry.
		if (outcome.error === "aborted") return this.#giveBack(delivery);
		await this.#settle(delivery, webhook.armed, request, outcome, startDate);
	}

	async #settle(
		delivery: LeasedDelivery,
		webhook: ArmedWebhook,
		request: AttemptRequest,
		outcome: AttemptOutcome,
		startDate: number,
	): Promise<void> {
		const { clock, ids, random } = this.#parts;
		const now = clock.now();
		// Read now: a change of the webhook holds for the next wait.
		const current = this.#near.registry.find(webhook.id)?.armed ?? webhook;
		const judged = judge(outcome, now);
		const verdict = current.endpoint === webhook.endpoint ? judged : judgedBefore(judged);
		const lane = this.#near.queue.lane(delivery.webhookId);
		if (verdict.kind === "success") lane.recordSuccess();
		else lane.recordFailure();
		this.#report(delivery, outcome, verdict.kind === "success", startDate);
		this.#near.live.attemptFinished(delivery, outcome, verdict.kind === "success");
		const policy = current.retries;
		const state = await this.#near.committer.update({
			deliveryId: delivery.id,
			at: now,
			change: { type: "attempted", at: now, trigger: delivery.trigger, verdict, policy, random: random() },
			attempt: recordAttempt(ids.make("atm", startDate), delivery, webhook, request, outcome, startDate),
		});
		this.#near.live.deliveryUpdated(delivery, state);
		if (verdict.kind === "gone") this.#near.gone(webhook.id);
		this.#noteNext(delivery.webhookId, state);
	}

	#noteNext(webhookId: string, state: DeliveryState | null): void {
		const at = state?.nextAttemptAt ?? null;
		// Only noted: the delivery is still in hand here. `#finished` lets go of it and then looks at what is due.
		if (at !== null) this.#near.queue.lane(webhookId).noteDue(at);
	}

	/** Leaves the delivery to the store, where it is due at once. */
	async #giveBack(delivery: LeasedDelivery): Promise<void> {
		this.#noteNext(delivery.webhookId, await this.#release(delivery));
	}

	#release(delivery: LeasedDelivery): Promise<DeliveryState | null> {
		this.#near.queue.returning(delivery.id);
		const at = this.#parts.clock.now();
		return this.#near.committer.update({ deliveryId: delivery.id, at, change: { type: "release" }, attempt: null });
	}

	/** Something failed that should not. The delivery stays leased in the store and is claimed again when the lease ends. */
	#setBack(delivery: LeasedDelivery, error: unknown): void {
		this.#parts.observer.problem("a delivery was set back", error);
		this.noteDue(delivery.webhookId, this.#near.queue.leaseUntil(delivery.id));
	}

	#finished(delivery: LeasedDelivery): void {
		const { queue } = this.#near;
		this.#lastMoveAt = this.#parts.clock.now();
		const lane = queue.lane(delivery.webhookId);
		queue.finish(delivery);
		if (this.#running) {
			this.#near.wanting(lane);
			this.pump();
		} else if (queue.inFlight === 0) {
			for (const resolve of this.#whenDrained.splice(0)) resolve();
		}
	}

	#report(delivery: LeasedDelivery, outcome: AttemptOutcome, success: boolean, startDate: number): void {
		const first = delivery.attemptCount === 0 && delivery.trigger === "auto";
		this.#parts.observer.attemptFinished({
			projectId: delivery.projectId,
			webhookId: delivery.webhookId,
			eventId: delivery.eventId,
			deliveryId: delivery.id,
			attemptNumber: delivery.attemptCount + 1,
			trigger: delivery.trigger,
			responseCode: outcome.responseCode,
			error: outcome.error,
			reason: outcome.reason,
			durationMs: outcome.durationMs,
			acceptedToSentMs: first ? startDate - delivery.createDate : null,
			result: success ? "success" : "failure",
		});
	}
}
