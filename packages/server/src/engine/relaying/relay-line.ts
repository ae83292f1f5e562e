// One relay: the client that has it, the requests under way, and what becomes of them when the client goes away.
import type { Clock } from "../../core/clock.ts";
import type { Observer } from "../../ports/observer.ts";
import { RELAY_TRAVEL_MS, type RelayedEnd, type RelayedOutcome } from "../../ports/relay-wire.ts";
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
export const REPLACED = "another client has opened the relay's stream";

interface Neighbours {
	readonly clock: Clock;
	readonly observer: Observer;
	/** See `RelayWebhooks.setAway`. */
	readonly setAway: (webhookId: string, isAway: boolean) => Promise<boolean>;
	/** Does that when it is this relay's turn: many may go away together. */
	readonly inTurn: <T>(store: () => Promise<T>) => Promise<T>;
	/** The client has answered a request. */
	readonly noteAnswer: (requestId: string) => void;
	/** How often a request was given to a client that has not answered, including now. */
	readonly countSilence: (requestId: string) => number;
	/** The relay has no client here and nothing under way. */
	readonly idle: (line: RelayLine) => void;
	/** The other processes, one of which may have the client; null if there are none. */
	readonly others: RelayLineOthers | null;
}

/** See ports/relay-wire.ts. */
export interface RelayLineOthers {
	/** `timeoutMs` is what is left of the request's. */
	readonly announce: (request: OpenRequest, timeoutMs: number, isForOthers: boolean) => Promise<RelayedOutcome | null>;
	readonly withdraw: (requestId: string) => Promise<RelayedOutcome | null>;
	/** Whether another process has the client now. */
	readonly haveClient: () => Promise<boolean>;
	/** Resolves when all of them know what this one has stored. */
	readonly know: () => Promise<void>;
}

/** A request as the sender has it. */
export interface OpenRequest extends RelayRequest {
	/** Whether another process makes the attempt, and this one has the request because it has the client. */
	readonly isRelayed: boolean;
	readonly resolve: (outcome: AttemptOutcome, end: RelayedEnd) => void;
}

interface UnderWay extends OpenRequest {
	readonly startedAt: number;
	/** When it was last given to the client that has the relay now; null if it was not yet. */
	givenAt: number | null;
	/** Whether other processes were told of it, and it was not withdrawn. */
	isAnnounced: boolean;
	/** Whether the client may have it: answers that come to other processes find it from then on. */
	isReady: boolean;
	cancelTimer: () => void;
}

/**
 * States:
 *
 * ```
 * missing ──a client comes──▶ held ──the client goes──▶ missing ──10 s──▶ away ──a client comes──▶ held
 * missing, away ──a client comes to another process──▶ elsewhere ──it goes there──▶ missing
 * ```
 *
 * - missing: requests under way wait for a client, until their time is over.
 * - held: requests are given to the client. A client that comes later takes the place of the one before.
 * - away: the webhook is paused with the reason `away`. When that is stored, the requests under way are given back, so that the
 *   store holds their deliveries.
 * - elsewhere: another process has the client, and is offered the requests of this one.
 *
 * Of the requests that other processes have offered to this one, only the client's answer, or its silence, is said to them. They are
 * dropped when the client goes: its next process gets them from their owners.
 */
export class RelayLine {
	readonly webhookId: string;
	readonly #near: Neighbours;
	readonly #requests = new Map<string, UnderWay>();
	#client: RelayClient | null = null;
	#epoch = 0;
	/** What is stored: whether the webhook is paused because the relay is away; null if this process does not know. */
	#storedAway: boolean | null = null;
	#doubts = 0;
	#isStoring = false;
	#isAway = false;
	#isElsewhere = false;
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

	/** The epoch of the client that has the relay. */
	get epoch(): number {
		return this.#epoch;
	}

	/** Takes a request. */
	send(request: OpenRequest): void {
		const { clock, others } = this.#near;
		const { isRelayed, requestId } = request;
		const known = this.#requests.get(requestId);
		// It is offered again if its owner has changed. The client has it.
		if (isRelayed && (known !== undefined || this.#client === null)) return;
		// The same attempt, made again while the first one is still under way: only one of them is answered.
		if (known !== undefined) this.#release(known, awayOutcome("the attempt was made again", 0));
		const travelMs = others === null || isRelayed ? 0 : RELAY_TRAVEL_MS;
		const underWay: UnderWay = {
			...request,
			startedAt: clock.monotonicMs(),
			givenAt: null,
			isAnnounced: false,
			isReady: others === null || isRelayed,
			cancelTimer: clock.after(request.timeoutMs + ANSWER_GRACE_MS + travelMs, () => this.#timeIsOver(underWay)),
		};
		this.#requests.set(requestId, underWay);
		if (!underWay.isReady) void this.#announce(underWay, this.#client === null);
		else if (this.#client !== null) this.#offer(underWay);
		if (this.#client !== null || this.#isElsewhere) return;
		// Somebody has resumed the webhook meanwhile.
		if (this.#requests.size === 1 && (this.#isAway || this.#storedAway === null)) this.#missing();
	}

	/** A client has opened the stream. Returns false if a newer one has, which was faster. */
	hold(client: RelayClient, epoch: number): boolean {
		if (this.#client !== null && epoch < this.#epoch) {
			client.end("replaced", REPLACED);
			return false;
		}
		this.#cancelTimer();
		const before = this.#client;
		this.#client = client;
		before?.end("replaced", REPLACED);
		this.#epoch = epoch;
		this.#isAway = false;
		this.#isElsewhere = false;
		for (const request of this.#requests.values()) {
			request.givenAt = null;
			if (request.isReady) this.#offer(request);
		}
		this.confirmHeld();
		return true;
	}

	/** Stores that the relay is not away: others may have found that it is. */
	confirmHeld(): void {
		if (this.#client === null) return;
		this.#doubt();
	}

	/** A client has lost the stream. */
	left(client: RelayClient): void {
		if (this.#client !== client) return;
		this.#client = null;
		for (const request of this.#requests.values()) {
			// Whether it has read this, nobody knows.
			request.givenAt = null;
			if (request.isRelayed) this.#drop(request);
			else if (request.isAnnounced) void this.#announce(request, true);
		}
		this.#missing();
	}

	/** Another process has the client, or has it no more. */
	elsewhere(isElsewhere: boolean): void {
		if (this.#client !== null || isElsewhere === this.#isElsewhere) return;
		if (!isElsewhere) return this.#missing();
		this.#cancelTimer();
		this.#isElsewhere = true;
		if (!this.#isAway) return;
		this.#isAway = false;
		void this.#store();
	}

	/** Ends an attempt of this process with the outcome. Returns false if there is no such request under way. */
	answer(requestId: string, outcomeOf: (startedAt: number) => AttemptOutcome): boolean {
		const request = this.#requests.get(requestId);
		if (request === undefined || request.isRelayed) return false;
		this.#lastAnswerAt = this.#near.clock.monotonicMs();
		this.#near.noteAnswer(requestId);
		this.#settle(request, outcomeOf(request.startedAt));
		return true;
	}

	/** A request that another process has offered is over: most likely, the client has answered it. */
	closed(requestId: string): void {
		const request = this.#requests.get(requestId);
		if (request?.isRelayed !== true) return;
		this.#lastAnswerAt = this.#near.clock.monotonicMs();
		this.#drop(request);
	}

	/** A request of this process was ended by another one. */
	endedElsewhere(requestId: string, end: RelayedEnd, outcome: RelayedOutcome): void {
		if (end === "answer") this.#near.noteAnswer(requestId);
		const request = this.#requests.get(requestId);
		if (request === undefined || request.isRelayed) return;
		const now = this.#near.clock.monotonicMs();
		const durationMs = now - request.startedAt;
		if (end === "answer") this.#lastAnswerAt = now;
		const isTimeout = end === "silence" && this.#near.countSilence(requestId) >= MAX_SILENCES;
		this.#settle(request, isTimeout ? timeoutOutcome(durationMs) : { ...outcome, durationMs });
	}

	/** Ends the client's stream. */
	end(code: RelayEnd, reason: string): void {
		this.#client?.end(code, reason);
	}

	/** Ends all requests with an outcome that says nothing about the receiver. */
	giveBack(outcomeOf: (ms: number) => AttemptOutcome): void {
		const now = this.#near.clock.monotonicMs();
		for (const request of this.#requests.values()) this.#release(request, outcomeOf(now - request.startedAt));
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
				const now = clock.monotonicMs();
				const timeoutMs = this.#leftMs(request, now);
				// It has come back too late to answer: it gets the next attempt, and this one uses no retry.
				if (timeoutMs === 0) {
					this.#settle(request, awayOutcome("the relay's client was away", now - request.startedAt));
					return null;
				}
				request.givenAt = now;
				const { requestId, deliveryId, eventId, attemptNumber, trigger, headers, body } = request;
				return { requestId, deliveryId, eventId, attemptNumber, trigger, headers, body, timeoutMs };
			},
		});
	}

	/** Tells other processes of a request. What the client is given, they know before. */
	async #announce(request: UnderWay, isForOthers: boolean): Promise<void> {
		request.isAnnounced = true;
		const { clock, others } = this.#near;
		const answer = (await others?.announce(request, this.#leftMs(request, clock.monotonicMs()), isForOthers)) ?? null;
		if (this.#requests.get(request.requestId) !== request || !request.isAnnounced) return;
		if (answer !== null) return this.endedElsewhere(request.requestId, "answer", answer);
		if (request.isReady) return;
		request.isReady = true;
		if (this.#client !== null) this.#offer(request);
	}

	/** The time of a request is over, and nobody has answered here. */
	#timeIsOver(request: UnderWay): void {
		if (request.isAnnounced) void this.#withdraw(request);
		else this.#giveUp(request);
	}

	async #withdraw(request: UnderWay): Promise<void> {
		request.isAnnounced = false;
		const answer = (await this.#near.others?.withdraw(request.requestId)) ?? null;
		if (this.#requests.get(request.requestId) !== request) return;
		if (answer === null) this.#giveUp(request);
		else this.endedElsewhere(request.requestId, "answer", answer);
	}

	/** The time of a request is over, and nobody has answered. */
	#giveUp(request: UnderWay): void {
		const { clock, countSilence } = this.#near;
		const ms = clock.monotonicMs() - request.startedAt;
		const { givenAt, isRelayed, requestId } = request;
		// The client is alive, and has not answered this one.
		const isOnlyThis = givenAt !== null && this.#lastAnswerAt > givenAt;
		// Of another process's requests, that process counts.
		if (isOnlyThis || (!isRelayed && givenAt !== null && countSilence(requestId) >= MAX_SILENCES)) {
			this.#settle(request, timeoutOutcome(ms));
			return;
		}
		const end = givenAt === null ? "other" : "silence";
		this.#settle(request, awayOutcome("the relay's client was away", ms), end);
		this.end("silent", "the client has not answered a request within its time");
	}

	#settle(request: UnderWay, outcome: AttemptOutcome, end: RelayedEnd = "other"): void {
		this.#remove(request);
		request.resolve(outcome, end);
		if (request.isAnnounced) void this.#near.others?.withdraw(request.requestId);
		this.#checkIdle();
	}

	/** Ends an attempt of this process with the outcome. Another process's goes on there. */
	#release(request: UnderWay, outcome: AttemptOutcome): void {
		if (request.isRelayed) this.#drop(request);
		else this.#settle(request, outcome);
	}

	#drop(request: UnderWay): void {
		this.#remove(request);
		this.#checkIdle();
	}

	#remove(request: UnderWay): void {
		this.#requests.delete(request.requestId);
		request.cancelTimer();
	}

	#checkIdle(): void {
		if (this.#requests.size > 0 || this.#client !== null) return;
		// Another line, made while this one still stores that the relay is away, would be told so by it later.
		const isStored = this.#isAway && this.#storedAway === true;
		if (isStored || (this.#isElsewhere && !this.#isStoring)) this.#near.idle(this);
	}

	#leftMs({ startedAt, timeoutMs }: UnderWay, now: number): number {
		return Math.max(0, Math.round(timeoutMs - (now - startedAt)));
	}

	#missing(): void {
		this.#cancelTimer();
		this.#isAway = false;
		this.#isElsewhere = false;
		this.#cancelTimer = this.#near.clock.after(AWAY_AFTER_MS, () => {
			this.#isAway = true;
			this.#doubt();
		});
	}

	/** Something else may be stored than this process knows: it is stored again. */
	#doubt(): void {
		this.#storedAway = null;
		this.#doubts++;
		void this.#store();
	}

	/** Stores whether the relay is away, until what is stored is what is true. */
	async #store(): Promise<void> {
		if (this.#isStoring) return;
		this.#isStoring = true;
		try {
			// oxlint-disable-next-line no-await-in-loop -- it may have changed meanwhile
			while (this.#storedAway !== this.#isAway) await this.#storeNow();
		} catch (error) {
			const what = "whether a relay is away could not be stored; it is tried again";
			this.#doubt();
			if (this.#isStopped) return;
			this.#near.observer.problem(what, error, { webhookId: this.webhookId });
			this.#near.clock.after(TRY_AGAIN_MS, () => void this.#store());
			return;
		} finally {
			this.#isStoring = false;
		}
		if (!this.#isAway) return this.#checkIdle();
		this.giveBack((ms) => awayOutcome("the relay's client is away", ms));
		if (this.#client === null) this.#near.idle(this);
	}

	/** Stores what is true when it is its turn. */
	async #storeNow(): Promise<void> {
		const { inTurn, others, setAway } = this.#near;
		const isNew = await inTurn(async () => {
			if (others !== null) await this.#findElsewhere(others);
			const [isAway, doubts] = [this.#isAway, this.#doubts];
			const isChanged = await setAway(this.webhookId, isAway);
			if (doubts === this.#doubts) this.#storedAway = isAway;
			return isChanged || isAway;
		});
		if (others === null || !isNew) return;
		// A client may have come to another process before that was known there: it had nothing to take back.
		await others.know();
		await this.#findElsewhere(others);
	}

	/** A relay is not away if another process has its client. */
	async #findElsewhere(others: RelayLineOthers): Promise<void> {
		if (this.#isAway && (await others.haveClient())) this.elsewhere(true);
	}
}
