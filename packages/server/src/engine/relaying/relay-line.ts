// One relay: the client that has it, the requests under way, and what becomes of them when the client goes away.
import type { Clock } from "../../core/clock.ts";
import type { Observer } from "../../ports/observer.ts";
import type { AttemptOutcome } from "../../ports/sender.ts";
import type { RelayEnd, RelayRequest } from "../relay-calls.ts";
import type { RelayClient } from "./relay-client.ts";
import { awayOutcome, timeoutOutcome } from "./relay-outcomes.ts";

/** A relay without a client for this long is away: its deliveries are Held. */
const AWAY_AFTER_MS = 10_000;
const TRY_AGAIN_MS = 1_000;
/** For the answer on its way. The client itself gives up in time, and says so. */
const ANSWER_GRACE_MS = 2_000;
/** A client that was given a request this often, and has never answered, counts as a receiver that does not answer. */
const MAX_SILENCES = 3;

interface Neighbours {
	readonly clock: Clock;
	readonly observer: Observer;
	/** Pauses the webhook because its relay is away, or takes that back. Neither undoes what a person has done. */
	readonly setAway: (webhookId: string, isAway: boolean) => Promise<void>;
	/** How often a request was given to a client that has not answered, including now. */
	readonly countSilence: (requestId: string) => number;
	/** The relay has no client and nothing under way. */
	readonly idle: (line: RelayLine) => void;
}

/** A request as the sender has it. */
export interface OpenRequest extends Omit<RelayRequest, "timeoutMs"> {
	readonly timeoutMs: number;
	readonly resolve: (outcome: AttemptOutcome) => void;
}

interface UnderWay extends OpenRequest {
	readonly startedAt: number;
	/** When it was last given to the client that has the relay now; null if it was not yet. */
	givenAt: number | null;
	cancelTimer: () => void;
}

/**
 * States:
 *
 * ```
 * missing ──a client comes──▶ held ──the client goes──▶ missing ──10 s──▶ away ──a client comes──▶ held
 * ```
 *
 * - missing: requests under way wait for a client, until their time is over.
 * - held: requests are given to the client. A client that comes later takes the place of the one before.
 * - away: the webhook is paused with the reason `away`. When that is stored, the requests under way are given back, so that the
 *   store holds their deliveries.
 */
export class RelayLine {
	readonly webhookId: string;
	readonly #near: Neighbours;
	readonly #requests = new Map<string, UnderWay>();
	#client: RelayClient | null = null;
	#epoch = 0;
	/** What is stored: whether the webhook is paused because the relay is away; null if this process does not know. */
	#storedAway: boolean | null = null;
	#isStoring = false;
	#isAway = false;
	#isStopped = false;
	#lastAnswerAt = -Infinity;
	#cancelTimer = (): void => {};

	constructor(webhookId: string, near: Neighbours) {
		this.webhookId = webhookId;
		this.#near = near;
	}

	get isHeld(): boolean {
		return this.#client !== null;
	}

	/** Of the client that has it. */
	get epoch(): number {
		return this.#epoch;
	}

	has(requestId: string): boolean {
		return this.#requests.has(requestId);
	}

	/** Takes a request. */
	send(request: OpenRequest): void {
		const { clock } = this.#near;
		const startedAt = clock.monotonicMs();
		// The same attempt, made again while the first one is still under way: only one of them is answered.
		this.#settle(request.requestId, awayOutcome("the attempt was made again", 0));
		const cancelTimer = clock.after(request.timeoutMs + ANSWER_GRACE_MS, () => this.#timeIsOver(underWay));
		const underWay: UnderWay = { ...request, startedAt, givenAt: null, cancelTimer };
		this.#requests.set(request.requestId, underWay);
		if (this.#client !== null) this.#offer(underWay);
		// Somebody has resumed the webhook meanwhile.
		else if (this.#requests.size === 1 && (this.#isAway || this.#storedAway === null)) this.#missing();
	}

	/** A client has opened the stream. */
	hold(client: RelayClient, epoch: number): void {
		this.#cancelTimer();
		const before = this.#client;
		this.#client = client;
		before?.end("replaced", "another client has opened the relay's stream");
		this.#epoch = epoch;
		this.#isAway = false;
		for (const request of this.#requests.values()) {
			request.givenAt = null;
			this.#offer(request);
		}
		this.#storedAway = null;
		void this.#store();
	}

	/** A client has lost the stream. */
	left(client: RelayClient): void {
		if (this.#client !== client) return;
		this.#client = null;
		this.#missing();
	}

	/** Ends an attempt with the outcome. Returns false if there is no such request under way. */
	answer(requestId: string, outcomeOf: (startedAt: number) => AttemptOutcome): boolean {
		const request = this.#requests.get(requestId);
		if (request === undefined) return false;
		this.#lastAnswerAt = this.#near.clock.monotonicMs();
		this.#settle(requestId, outcomeOf(request.startedAt));
		return true;
	}

	/** Ends the client's stream. */
	end(code: RelayEnd, reason: string): void {
		this.#client?.end(code, reason);
	}

	/** Ends all requests with an outcome that says nothing about the receiver. */
	giveBack(outcomeOf: (ms: number) => AttemptOutcome): void {
		const now = this.#near.clock.monotonicMs();
		for (const { requestId, startedAt } of this.#requests.values()) {
			this.#settle(requestId, outcomeOf(now - startedAt));
		}
	}

	/** The engine stops: nothing is stored any more. Call it when the client's stream was ended. */
	stop(): void {
		this.#isStopped = true;
		this.#cancelTimer();
	}

	/** The webhook was deleted. */
	deleted(): void {
		this.end("deleted", "the relay was deleted");
		this.#cancelTimer();
		this.giveBack((ms) => awayOutcome("the relay was deleted", ms));
		this.#near.idle(this);
	}

	#offer(request: UnderWay): void {
		const { clock } = this.#near;
		this.#client?.offer({
			bytes: request.body.length,
			take: () => {
				if (this.#requests.get(request.requestId) !== request) return null;
				request.givenAt = clock.monotonicMs();
				const { requestId, deliveryId, eventId, attemptNumber, trigger, headers, body } = request;
				const timeoutMs = Math.max(0, Math.round(request.timeoutMs - (request.givenAt - request.startedAt)));
				return { requestId, deliveryId, eventId, attemptNumber, trigger, headers, body, timeoutMs };
			},
		});
	}

	/** The time of a request is over, and nobody has answered. */
	#timeIsOver(request: UnderWay): void {
		const ms = this.#near.clock.monotonicMs() - request.startedAt;
		const { givenAt, requestId } = request;
		// The client is alive, and has not answered this one.
		const isOnlyThis = givenAt !== null && this.#lastAnswerAt > givenAt;
		if (isOnlyThis || (givenAt !== null && this.#near.countSilence(requestId) >= MAX_SILENCES)) {
			this.#settle(requestId, timeoutOutcome(ms));
			return;
		}
		this.#settle(requestId, awayOutcome("the relay's client was away", ms));
		this.end("silent", "the client has not answered a request within its time");
	}

	#settle(requestId: string, outcome: AttemptOutcome): void {
		const request = this.#requests.get(requestId);
		if (request === undefined) return;
		this.#requests.delete(requestId);
		request.cancelTimer();
		request.resolve(outcome);
		// Another line, made while this one still stores that the relay is away, would be told so by it later.
		const isStored = this.#isAway && this.#storedAway === true;
		if (this.#requests.size === 0 && isStored && this.#client === null) this.#near.idle(this);
	}

	#missing(): void {
		this.#cancelTimer();
		this.#isAway = false;
		this.#cancelTimer = this.#near.clock.after(AWAY_AFTER_MS, () => {
			this.#isAway = true;
			this.#storedAway = null;
			void this.#store();
		});
	}

	/** Stores whether the relay is away, until what is stored is what is true. */
	async #store(): Promise<void> {
		if (this.#isStoring) return;
		this.#isStoring = true;
		try {
			while (this.#storedAway !== this.#isAway) {
				const isAway = this.#isAway;
				// oxlint-disable-next-line no-await-in-loop -- it may have changed meanwhile
				await this.#near.setAway(this.webhookId, isAway);
				this.#storedAway = isAway;
			}
		} catch (error) {
			const what = "whether a relay is away could not be stored; it is tried again";
			if (this.#isStopped) return;
			this.#near.observer.problem(what, error, { webhookId: this.webhookId });
			this.#near.clock.after(TRY_AGAIN_MS, () => void this.#store());
			return;
		} finally {
			this.#isStoring = false;
		}
		if (!this.#isAway) return;
		this.giveBack((ms) => awayOutcome("the relay's client is away", ms));
		if (this.#client === null) this.#near.idle(this);
	}
}
