// The dispatcher: takes deliveries out of the ready queue, makes their attempts, and gives the outcomes to the next
// commit.
import type { DeliveryState } from "../../core/delivery.ts";
import { isDeliverable, type ArmedWebhook } from "../../core/webhook.ts";
import type { Facts } from "../../ports/observer.ts";
import { isOwnFailure, type AttemptOutcome, type AttemptRequest } from "../../ports/sender.ts";
import type { DeliveryUpdate, NewEvent, UpdateResult } from "../../ports/store/accept.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Span } from "../../ports/tracing.ts";
import type { Committer } from "../committing/committer.ts";
import type { Directory } from "../directory/directory.ts";
import type { KnownWebhook } from "../directory/webhook-table.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EngineParts } from "../parts.ts";
import { judge, recordAttempt, reportOf, requestFor, spanEnd, verdictOnPreviousEndpoint } from "./attempt.ts";
import type { HandOffs } from "./hand-offs/hand-offs.ts";
import type { OpenCommits } from "./open-commits.ts";
import type { ReadyQueue } from "./ready-queue.ts";
import type { Refiller } from "./refiller.ts";
import { Shortage } from "./shortage.ts";

type Parts = Pick<EngineParts, "sender" | "clock" | "wall" | "observer" | "ids" | "chance" | "tenure" | "tracing">;

interface Neighbours {
	readonly committer: Committer;
	readonly queue: ReadyQueue;
	readonly directory: Directory;
	readonly live: LiveReporter;
	/** Called when a receiver responded with 410. */
	readonly gone: (webhookId: string) => void;
	readonly refiller: Refiller;
	readonly handOffs: HandOffs;
	readonly commits: Pick<OpenCommits, "isCancelled">;
}

/** An attempt that was given to the sender. */
interface AttemptUnderWay {
	readonly delivery: LeasedDelivery;
	/** The webhook as it was at the start of the attempt. */
	readonly webhook: ArmedWebhook;
	readonly request: AttemptRequest;
	readonly startDate: number;
	readonly span: Span | undefined;
}

/** A lease must outlast the attempt by this much, so that the outcome can be committed before the lease ends. */
const LEASE_MARGIN_MS = 5_000;
const READ_AGAIN_MS = 1_000;

/**
 * States: stopped ──start──▶ running ──drain──▶ draining ──last attempt ended, outcome committed──▶ drained
 *
 * - stopped: no attempt is started; deliveries are only queued.
 * - running: `pump` starts attempts, whenever deliveries come, attempts end or a rate limit allows the next one. While
 *   the tenure is stalled, it starts none; while this process lacks resources, few or none (`Shortage`).
 * - draining: no attempt is started any more. Each attempt in flight ends, and its outcome is committed.
 * - drained: the promises that `drain` has returned are resolved. There is no way back.
 */
export class Dispatcher {
	readonly #parts: Parts;
	readonly #userAgent: string;
	readonly #near: Neighbours;
	readonly #shortage: Shortage;
	#running = false;
	#pumping = false;
	#lastActivityAt = -Infinity;
	#whenDrained: (() => void)[] = [];
	#rateTimerAt = Infinity;
	#cancelRateTimer: (() => void) | null = null;

	constructor(parts: Parts, { userAgent, maxInFlight }: { userAgent: string; maxInFlight: number }, near: Neighbours) {
		this.#parts = parts;
		this.#userAgent = userAgent;
		this.#near = near;
		this.#shortage = new Shortage(parts, maxInFlight, () => this.pump());
	}

	/** In words, what this process lacks for more attempts; null if it lacks nothing. */
	get shortage(): string | null {
		return this.#shortage.message;
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
		this.#shortage.stop();
		this.#near.committer.hurry();
		if (this.#near.queue.inFlight === 0) return Promise.resolve();
		return new Promise((resolve) => this.#whenDrained.push(resolve));
	}

	/** Takes over the deliveries of an event that was just committed, or hands them to the owners of their webhooks. */
	accepted(accepted: NewEvent): void {
		const { event, body, traceparent } = accepted;
		for (const { id, webhookId, state } of accepted.deliveries) {
			if (state.status !== "Pending" || this.#near.commits.isCancelled(id)) continue;
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
				traceparent,
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
		for (let delivery = this.#next(); delivery !== null; delivery = this.#next()) this.#begin(delivery);
		this.#pumping = false;
		this.#hurryIfHeldUp();
		this.#waitForRates();
	}

	#next(): LeasedDelivery | null {
		const { queue } = this.#near;
		return this.#shortage.allows(queue.inFlight) ? queue.take(this.#isArmed) : null;
	}

	/** Whether an attempt needs no read of its webhook. If it does, the webhook is read, and served again afterwards. */
	readonly #isArmed = (webhookId: string): boolean => {
		const { directory, queue } = this.#near;
		const known = directory.webhook(webhookId);
		// What is not deliverable is given back without a read.
		if (known === undefined || !isDeliverable(known) || directory.armed(known) !== undefined) return true;
		const wake = () => {
			queue.wake(webhookId);
			this.pump();
		};
		const wakeLater = () => void this.#parts.clock.after(READ_AGAIN_MS, wake);
		directory.readArmed(webhookId).then(
			(webhook) => (webhook === null ? wakeLater() : wake()),
			(error: unknown) => {
				const facts = { projectId: known.projectId, webhookId };
				this.#parts.observer.problem("a webhook could not be read; its deliveries wait", error, facts);
				wakeLater();
			},
		);
		return false;
	};

	/** An outcome keeps its place in flight until it is committed: it must not wait while a delivery needs that place. */
	#hurryIfHeldUp(): void {
		if (!this.#running || this.#near.queue.isHeldUp) this.#near.committer.hurry();
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

	/**
	 * An attempt is a chain of callbacks and not of promises, so that nothing is allocated for it but what it needs: `#deliver`, `#attempt`,
	 * `#ended`, `#record`, `#commit`. What throws on the way ends in `#fail`, and each way ends in `#finished`.
	 */
	#begin(delivery: LeasedDelivery): void {
		this.#lastActivityAt = this.#parts.clock.monotonicMs();
		try {
			this.#deliver(delivery);
		} catch (error) {
			this.#fail(delivery, error);
		}
	}

	#deliver(delivery: LeasedDelivery): void {
		// Another process delivers this webhook, or will soon.
		if (!this.#parts.tenure.holds(delivery.webhookId)) return this.#giveBack(delivery);
		const { directory } = this.#near;
		const known = directory.webhook(delivery.webhookId);
		// The webhook was paused, disabled or deleted. The store decides what becomes of the delivery.
		if (known === undefined || !isDeliverable(known)) return this.#giveBack(delivery);
		const armed = directory.armed(known);
		if (armed !== undefined) return this.#attempt(delivery, armed);
		this.#deliverAfterRead(delivery, known).catch((error: unknown) => this.#fail(delivery, error));
	}

	/** The webhook has to be read from the store first. */
	async #deliverAfterRead(delivery: LeasedDelivery, known: KnownWebhook): Promise<void> {
		const { directory } = this.#near;
		let webhook: ArmedWebhook | null | undefined;
		do {
			// Awaited as it is, so that attempts to a webhook begin in the order of their deliveries.
			const read = await directory.readArmed(known.id);
			// It may have changed during the read.
			webhook = read === null || read.revision >= known.revision ? read : directory.armed(known);
		} while (webhook === undefined);
		if (webhook === null || !isDeliverable(known) || !this.#mayStillBegin(delivery)) return this.#giveBack(delivery);
		this.#attempt(delivery, webhook);
	}

	#attempt(delivery: LeasedDelivery, webhook: ArmedWebhook): void {
		if (!isDeliverable(webhook)) return this.#giveBack(delivery);
		const startDate = this.#parts.clock.now();
		const leaseLeftMs = this.#near.queue.leaseUntil(delivery.id) - startDate;
		// Happens only if the whole process stood still for a while. The delivery is claimed again, with a new lease.
		if (leaseLeftMs < webhook.timeoutMs + LEASE_MARGIN_MS) return this.#giveBack(delivery);
		const span = this.#parts.tracing?.attempting(delivery, webhook.endpoint);
		const sent = span === undefined ? delivery : { ...delivery, traceparent: span.traceparent };
		const request = requestFor(webhook, sent, this.#userAgent, startDate, this.#parts.wall.now());
		const attempt = { delivery, webhook, request, startDate, span };
		this.#parts.sender.send(request, (outcome) => {
			try {
				this.#ended(attempt, outcome);
			} catch (error) {
				this.#fail(delivery, error);
			}
		});
	}

	#ended(attempt: AttemptUnderWay, outcome: AttemptOutcome): void {
		const { delivery, webhook, span } = attempt;
		span?.end(...spanEnd(outcome));
		if (isOwnFailure(outcome.error)) {
			this.#parts.observer.attemptReturned(outcome.error);
			if (outcome.error === "shortage") this.#shortage.began(outcome.reason ?? "", this.#near.queue.inFlight - 1);
			return this.#giveBack(delivery);
		}
		// Read now and not before the attempt: a change of the retry policy applies to the next wait already.
		const current = this.#unchanged(webhook);
		if (current !== undefined) return this.#record(attempt, outcome, current);
		this.#readAgain(webhook)
			.then((read) => this.#record(attempt, outcome, read))
			.catch((error: unknown) => this.#fail(delivery, error));
	}

	/**
	 * Whether an attempt may begin after a read. Meanwhile, the delivery may be cancelled, the drain may have begun, or the tenure may be
	 * lost or stalled.
	 */
	#mayStillBegin({ id, webhookId }: LeasedDelivery): boolean {
		const { tenure } = this.#parts;
		return this.#running && !this.#near.queue.isCancelled(id) && tenure.holds(webhookId) && !tenure.stalled();
	}

	/** Commits the attempt and the new state of the delivery. */
	#record(attempt: AttemptUnderWay, outcome: AttemptOutcome, current: ArmedWebhook): void {
		const { delivery, webhook, request, startDate } = attempt;
		const { chance, clock, ids, wall } = this.#parts;
		const now = clock.now();
		const judged = judge(outcome, wall.now());
		const verdict = current.endpoint === webhook.endpoint ? judged : verdictOnPreviousEndpoint(judged);
		const lane = this.#near.queue.lane(delivery.webhookId);
		if (verdict.kind === "success") lane.recordSuccess();
		else lane.recordFailure();
		this.#parts.observer.attemptFinished(reportOf(delivery, outcome, verdict.kind === "success", startDate));
		this.#near.live.attemptFinished(delivery, outcome, verdict.kind === "success");
		const policy = current.retries;
		const update: DeliveryUpdate = {
			deliveryId: delivery.id,
			at: now,
			change: { type: "attempted", at: now, trigger: delivery.trigger, verdict, policy, random: chance.fraction() },
			attempt: recordAttempt(ids.make("atm", startDate), delivery, webhook, request, outcome, startDate),
		};
		this.#commit(delivery, update, (result) => {
			const state = result?.state ?? null;
			this.#near.live.deliveryUpdated(delivery, state);
			if (verdict.kind === "gone") this.#near.gone(webhook.id);
			this.#noteNext(delivery.webhookId, state);
		});
		this.#hurryIfHeldUp();
	}

	/** Gives the last change of a delivery to the next commit. After that, `committed` is called, and the delivery leaves memory. */
	#commit(delivery: LeasedDelivery, update: DeliveryUpdate, committed: (result: UpdateResult | null) => void): void {
		this.#near.committer.add({
			update,
			done: (result) => {
				try {
					committed(result);
				} catch (error) {
					return this.#fail(delivery, error);
				}
				this.#finished(delivery);
			},
			failed: (error) => this.#fail(delivery, error),
		});
	}

	/** What is known of a webhook after an attempt, if it need not be read from the store. */
	#unchanged(webhook: ArmedWebhook): ArmedWebhook | undefined {
		const known = this.#near.directory.webhook(webhook.id);
		return known === undefined || known.revision <= webhook.revision ? webhook : this.#near.directory.armed(known);
	}

	/** Reads a webhook that was changed during an attempt. If the store fails, the outcome counts as if it had not been. */
	async #readAgain(webhook: ArmedWebhook): Promise<ArmedWebhook> {
		try {
			for (;;) {
				const read = await this.#near.directory.readArmed(webhook.id);
				const known = this.#near.directory.webhook(webhook.id);
				if (read === null || known === undefined || read.revision >= known.revision) return read ?? webhook;
			}
		} catch (error) {
			const facts = { projectId: webhook.projectId, webhookId: webhook.id };
			this.#parts.observer.problem("a webhook that was changed during an attempt could not be read", error, facts);
			return webhook;
		}
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
	#giveBack(delivery: LeasedDelivery): void {
		this.#near.queue.markReturning(delivery.id);
		const at = this.#parts.clock.now();
		const update = { deliveryId: delivery.id, at, change: { type: "release" }, attempt: null } as const;
		this.#commit(delivery, update, (result) => {
			// What was cancelled meanwhile was told when it was cancelled.
			if (result?.changed === true && result.state.status !== "Pending")
				this.#near.live.deliveryUpdated(delivery, result.state);
			this.#noteNext(delivery.webhookId, result?.state ?? null);
		});
	}

	/**
	 * Handles a failure that should not happen. The delivery stays leased in the store and is claimed again when its
	 * lease ends.
	 */
	#fail(delivery: LeasedDelivery, error: unknown): void {
		const message = "a delivery could not be handled; it is tried again after its lease";
		this.#parts.observer.problem(message, error, idsOf(delivery));
		try {
			try {
				this.noteDue(delivery.webhookId, this.#near.queue.leaseUntil(delivery.id));
			} finally {
				this.#finished(delivery);
			}
		} catch (defect) {
			this.#parts.observer.problem("the dispatcher failed", defect, idsOf(delivery));
		}
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
}

/** What log lines about a delivery name. */
function idsOf({ projectId, webhookId, id }: LeasedDelivery): Facts {
	return { projectId, webhookId, deliveryId: id };
}
