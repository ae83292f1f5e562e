// The dispatcher: takes deliveries out of the ready queue, makes their attempts, and gives the outcomes to the next
// commit.
import type { DeliveryState } from "../../core/delivery.ts";
import { isDeliverable, type ArmedWebhook } from "../../core/webhook.ts";
import type { AttemptOutcome, AttemptRequest } from "../../ports/sender.ts";
import type { NewEvent } from "../../ports/store/accept.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Committer } from "../committing/committer.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EngineParts } from "../parts.ts";
import { buildRequest, judge, recordAttempt, verdictOnPreviousEndpoint } from "./attempt.ts";
import type { HandOffs } from "./hand-offs.ts";
import type { ReadyQueue } from "./ready-queue.ts";
import type { Refiller } from "./refiller.ts";

type Parts = Pick<EngineParts, "sender" | "clock" | "wall" | "observer" | "ids" | "chance" | "tenure">;

interface Neighbours {
	readonly committer: Committer;
	readonly queue: ReadyQueue;
	readonly directory: Directory;
	readonly live: LiveReporter;
	/** Called when a receiver responded with 410. */
	readonly gone: (webhookId: string) => void;
	readonly refiller: Refiller;
	readonly handOffs: HandOffs;
}

/** A lease must outlast the attempt by this much, so that the outcome can be committed before the lease ends. */
const LEASE_MARGIN_MS = 5_000;

/**
 * States: stopped ──start──▶ running ──drain──▶ draining ──last attempt ended, outcome committed──▶ drained
 *
 * - stopped: no attempt is started; deliveries are only queued.
 * - running: `pump` starts attempts, whenever deliveries come, attempts end or a rate limit allows the next one. While
 *   the tenure is stalled, it starts none.
 * - draining: no attempt is started any more. Each attempt in flight ends, and its outcome is committed.
 * - drained: the promises that `drain` has returned are resolved. There is no way back.
 */
export class Dispatcher {
	readonly #parts: Parts;
	readonly #userAgent: string;
	readonly #near: Neighbours;
	#running = false;
	#pumping = false;
	#lastActivityAt = -Infinity;
	#whenDrained: (() => void)[] = [];
	#rateTimerAt = Infinity;
	#cancelRateTimer: (() => void) | null = null;

	constructor(parts: Parts, userAgent: string, near: Neighbours) {
		this.#parts = parts;
		this.#userAgent = userAgent;
		this.#near = near;
	}

	/** When an attempt last started or ended, in monotonic time; -Infinity if there was no attempt so far. */
	get lastActivityAt(): number {
		return this.#lastActivityAt;
	}

	start(): void {
		this.#running = true;
		this.pump();
	}

	/** Starts no more attempts. Resolves when every attempt in flight has ended and its outcome is committed. */
	drain(): Promise<void> {
		this.#running = false;
		this.#cancelRateTimer?.();
		if (this.#near.queue.inFlight === 0) return Promise.resolve();
		return new Promise((resolve) => this.#whenDrained.push(resolve));
	}

	/** Takes over the deliveries of an event that was just committed, or hands them to the owners of their webhooks. */
	accepted(accepted: NewEvent): void {
		const { event, body } = accepted;
		for (const { id, webhookId, state } of accepted.deliveries) {
			if (state.status !== "Pending") continue;
			const isOurs = this.#parts.tenure.holds(webhookId);
			if (state.leaseUntil === null) {
				if (isOurs) this.noteDue(webhookId, state.nextAttemptAt ?? event.createDate);
				continue;
			}
			const delivery: LeasedDelivery = {
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
			};
			if (isOurs) this.#near.queue.push(delivery);
			else this.#near.handOffs.send(delivery);
		}
		this.pump();
	}

	/** Notes that the store has a delivery of this webhook that is due at this time. */
	noteDue(webhookId: string, at: number): void {
		const lane = this.#near.queue.lane(webhookId);
		lane.noteDue(at);
		this.#near.refiller.refill(lane);
	}

	/** Starts as many attempts as the limits allow. */
	pump(): void {
		if (!this.#running || this.#pumping || this.#parts.tenure.stalled()) return;
		this.#pumping = true;
		for (let delivery = this.#near.queue.take(); delivery !== null; delivery = this.#near.queue.take()) {
			this.#begin(delivery);
		}
		this.#pumping = false;
		this.#waitForRates();
	}

	/** Sets the timer for the lane whose rate limit is the first to allow another attempt. */
	#waitForRates(): void {
		const at = this.#near.queue.nextRateAt();
		if (at >= this.#rateTimerAt) return;
		this.#cancelRateTimer?.();
		this.#rateTimerAt = at;
		this.#cancelRateTimer = this.#parts.clock.after(at - this.#parts.clock.monotonicMs(), () => {
			this.#rateTimerAt = Infinity;
			this.#near.queue.wakeRateLimited(at);
			this.pump();
		});
	}

	#begin(delivery: LeasedDelivery): void {
		this.#lastActivityAt = this.#parts.clock.monotonicMs();
		this.#deliver(delivery)
			.catch((error: unknown) => this.#leaveLeased(delivery, error))
			.finally(() => this.#finished(delivery))
			// `#finished` changes memory only. If it throws nevertheless, that is a defect and must be reported.
			.catch((error: unknown) => this.#parts.observer.problem("the dispatcher failed", error));
	}

	async #deliver(delivery: LeasedDelivery): Promise<void> {
		// Another process delivers this webhook, or will soon.
		if (!this.#parts.tenure.holds(delivery.webhookId)) return this.#giveBack(delivery);
		const webhook = this.#near.directory.webhook(delivery.webhookId);
		// The webhook was paused, disabled or deleted. The store decides what becomes of the delivery.
		if (webhook === undefined || !isDeliverable(webhook.record)) return this.#giveBack(delivery);
		const startDate = this.#parts.clock.now();
		const leaseLeftMs = this.#near.queue.leaseUntil(delivery.id) - startDate;
		// Happens only if the whole process stood still for a while. The delivery is claimed again, with a new lease.
		if (leaseLeftMs < webhook.armed.timeoutMs + LEASE_MARGIN_MS) return this.#giveBack(delivery);
		const request = buildRequest(webhook.armed, delivery, this.#userAgent, startDate, this.#parts.wall.now());
		const outcome = await this.#parts.sender.send(request);
		// Cut short by Fanfare at a shutdown: this says nothing about the receiver and uses up no retry.
		if (outcome.error === "aborted") return this.#giveBack(delivery);
		await this.#recordOutcome(delivery, webhook.armed, request, outcome, startDate);
	}

	/** Commits the attempt and the new state of the delivery. */
	async #recordOutcome(
		delivery: LeasedDelivery,
		webhook: ArmedWebhook,
		request: AttemptRequest,
		outcome: AttemptOutcome,
		startDate: number,
	): Promise<void> {
		const { chance, clock, ids, wall } = this.#parts;
		const now = clock.now();
		// Read now and not before the attempt: a change of the retry policy applies to the next wait already.
		const current = this.#near.directory.webhook(webhook.id)?.armed ?? webhook;
		const judged = judge(outcome, wall.now());
		const verdict = current.endpoint === webhook.endpoint ? judged : verdictOnPreviousEndpoint(judged);
		const lane = this.#near.queue.lane(delivery.webhookId);
		if (verdict.kind === "success") lane.recordSuccess();
		else lane.recordFailure();
		this.#report(delivery, outcome, verdict.kind === "success", startDate);
		this.#near.live.attemptFinished(delivery, outcome, verdict.kind === "success");
		const policy = current.retries;
		const state = await this.#near.committer.update({
			deliveryId: delivery.id,
			at: now,
			change: { type: "attempted", at: now, trigger: delivery.trigger, verdict, policy, random: chance.fraction() },
			attempt: recordAttempt(ids.make("atm", startDate), delivery, webhook, request, outcome, startDate),
		});
		this.#near.live.deliveryUpdated(delivery, state);
		if (verdict.kind === "gone") this.#near.gone(webhook.id);
		this.#noteNext(delivery.webhookId, state);
	}

	#noteNext(webhookId: string, state: DeliveryState | null): void {
		const at = state?.nextAttemptAt ?? null;
		// Only noted: the delivery is still in memory here. `#finished` removes it and then has the lane refilled.
		if (at !== null) this.#near.queue.lane(webhookId).noteDue(at);
	}

	/**
	 * Returns the delivery to the store without an attempt. It is due there at once, unless the store holds or cancels it
	 * because of its webhook.
	 */
	async #giveBack(delivery: LeasedDelivery): Promise<void> {
		const state = await this.#release(delivery);
		if (state !== null && state.status !== "Pending") this.#near.live.deliveryUpdated(delivery, state);
		this.#noteNext(delivery.webhookId, state);
	}

	#release(delivery: LeasedDelivery): Promise<DeliveryState | null> {
		this.#near.queue.markReturning(delivery.id);
		const at = this.#parts.clock.now();
		return this.#near.committer.update({ deliveryId: delivery.id, at, change: { type: "release" }, attempt: null });
	}

	/**
	 * Handles a failure that should not happen. The delivery stays leased in the store and is claimed again when its
	 * lease ends.
	 */
	#leaveLeased(delivery: LeasedDelivery, error: unknown): void {
		this.#parts.observer.problem("a delivery could not be handled; it is tried again after its lease", error);
		this.noteDue(delivery.webhookId, this.#near.queue.leaseUntil(delivery.id));
	}

	/** Removes the delivery from memory, and uses the room that this makes. */
	#finished(delivery: LeasedDelivery): void {
		const { queue } = this.#near;
		this.#lastActivityAt = this.#parts.clock.monotonicMs();
		const lane = queue.lane(delivery.webhookId);
		queue.finish(delivery);
		if (this.#running) {
			this.#near.refiller.refill(lane);
			this.pump();
		} else if (queue.inFlight === 0) {
			for (const resolve of this.#whenDrained.splice(0)) resolve();
		}
	}

	#report(delivery: LeasedDelivery, outcome: AttemptOutcome, success: boolean, startDate: number): void {
		const isFirst = delivery.attemptCount === 0 && delivery.trigger === "auto";
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
			acceptedToSentMs: isFirst ? startDate - delivery.createDate : null,
			result: success ? "success" : "failure",
		});
	}
}
