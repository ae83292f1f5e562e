// `fanfare listen` while it runs: takes the requests of a relay, forwards them to the local program, and answers with its responses.
import { setTimeout as sleep } from "node:timers/promises";

import type { ProjectHandle, PutRelay, Relay, RelayRequest, RelayState } from "@fanfare/sdk";

import { forward, type Outcome, type SignedRequest } from "./forward.ts";
import { listens, type Target } from "./target.ts";

/** A request that was forwarded, and what came of it. */
export interface Forwarded extends SignedRequest {
	/** When it came, in milliseconds since the epoch. */
	readonly date: number;
	readonly eventId: string;
	/** Null for a test of the webhook, and for a request that was edited here. */
	readonly deliveryId: string | null;
	/** Null if the body does not say it. */
	readonly eventType: string | null;
	readonly attemptNumber: number;
	/** `auto`, `manual`, `replay` or `test`; `again` and `edited` for what was sent from here. */
	readonly trigger: string;
	readonly outcome: Outcome;
	/** Whether the server has taken the answer. If not, it asks again; null for what was sent from here. */
	readonly accepted: boolean | null;
}

/** Is told what happens. */
export interface Listening {
	/** Requests come. Also after each lost connection. */
	ready(relay: Relay): void;
	/** The connection to the server was lost. `wasTaken`: another connection has taken the deliveries, and has left since. */
	away(reason: string, wasTaken: boolean): void;
	/** Nothing listens at the target: deliveries wait at the server. */
	waiting(): void;
	/** Something listens there again. */
	back(): void;
	/** An answer could not be sent. */
	problem(error: unknown): void;
	/** A request was forwarded. */
	forwarded(one: Forwarded): Promise<void>;
}

/** How a session ended: it was stopped here, or the server has ended it. */
export type SessionEnd = { readonly by: "us" } | { readonly by: "replaced" | "deleted"; readonly reason: string };

/** Requests to the local program at once. */
const MAX_AT_ONCE = 32;
/** Outcomes that are kept, since the server may ask for them again. */
const MAX_KEPT = 500;
/** The part of a response's body that is kept, as in the server's log. */
const MAX_KEPT_BODY_BYTES = 4_096;
const PROBE_EVERY_MS = 1_000;
/** The program's time ends before that of the request, so that what is said of it is exact. */
const MARGIN_MS = 400;
const MIN_TIMEOUT_MS = 100;

/**
 * States:
 *
 * - connected: requests are forwarded. - waiting: nothing listens at the target. There is no connection, so the server holds the deliveries
 *   and uses no retry; the target is looked at each second. - stopping: nothing more is forwarded, and what is under way is answered.
 *
 * A request that comes again, since its answer was lost, is not forwarded again: it gets the answer that there was.
 */
export class Session {
	readonly #project: ProjectHandle;
	readonly #settings: PutRelay;
	readonly #target: Target;
	readonly #listening: Listening;
	readonly #stopped = new AbortController();
	/** The outcomes of requests that are under way. */
	readonly #coming = new Map<string, Promise<Outcome>>();
	/** The last outcomes, oldest first. */
	readonly #outcomes = new Map<string, Outcome>();
	readonly #underWay = new Set<Promise<void>>();
	#roomFor: (() => void) | null = null;
	#connection = new AbortController();
	#isStopping = false;
	#isRefused = false;
	#hasProbed = false;

	constructor(project: ProjectHandle, settings: PutRelay, target: Target, listening: Listening) {
		this.#project = project;
		this.#settings = settings;
		this.#target = target;
		this.#listening = listening;
	}

	/** Runs until it is stopped, or until the server ends it. Throws if the server can't be reached at the start, or refuses. */
	async run(): Promise<SessionEnd> {
		for (;;) {
			const end = await this.#connected();
			if (end !== null) {
				await this.#settled();
				return end;
			}
			if (!this.#isStopping) await this.#untilTargetListens();
			if (this.#isStopping) return { by: "us" };
		}
	}

	/** Answers what is under way, takes nothing more, and ends. */
	async stop(): Promise<void> {
		if (this.#isStopping) return;
		this.#isStopping = true;
		await this.#settled();
		this.#stopped.abort();
		this.#connection.abort();
	}

	/** Requests that are being forwarded. */
	get underWayCount(): number {
		return this.#underWay.size;
	}

	/** Forwards the requests of one connection. Returns how it was ended; null if nothing listens at the target. */
	async #connected(): Promise<SessionEnd | null> {
		const connection = new AbortController();
		this.#connection = connection;
		this.#isRefused = false;
		let relayId = "";
		let end: SessionEnd = { by: "us" };
		const onState = (state: RelayState) => {
			if (state.state === "ready") relayId = state.relay.id;
			else if (state.state !== "away") end = { by: state.state, reason: state.reason };
			if (this.#isStopping) return;
			if (state.state === "away") this.#listening.away(state.reason, state.wasTaken === true);
			if (state.state !== "ready") return;
			this.#listening.ready(state.relay);
			void this.#probe(connection);
		};
		try {
			const requests = this.#project.relays.connect(this.#settings, { signal: connection.signal, onState });
			for await (const request of requests) {
				await this.#room();
				if (this.#isStopping) continue;
				const handled: Promise<void> = this.#handle(request, relayId, connection)
					.catch((error: unknown) => this.#listening.problem(error))
					.finally(() => {
						this.#underWay.delete(handled);
						this.#roomFor?.();
					});
				this.#underWay.add(handled);
			}
		} catch (error) {
			if (!connection.signal.aborted) throw error;
			return this.#isRefused && !this.#isStopping ? null : { by: "us" };
		}
		return end;
	}

	async #handle(request: RelayRequest, relayId: string, connection: AbortController): Promise<void> {
		const { requestId, eventId, deliveryId, attemptNumber, trigger, headers, body } = request;
		const known = this.#outcomes.get(requestId) ?? this.#coming.get(requestId);
		const date = Date.now();
		const outcome = await (known ?? this.#forward(request));
		// A test waits for its answer, and is not tried again.
		if (isRefused(outcome) && trigger !== "test") {
			this.#refused(connection);
			return;
		}
		const accepted = await this.#answer(request, relayId, outcome, connection.signal);
		if (known !== undefined) return;
		const eventType = typeOf(body);
		const about = { date, eventId, deliveryId, eventType, attemptNumber, trigger };
		await this.#listening.forwarded({ ...about, headers, body, outcome, accepted });
	}

	async #forward(request: RelayRequest): Promise<Outcome> {
		const { requestId, timeoutMs, trigger } = request;
		const coming = forward(this.#target, request, Math.max(MIN_TIMEOUT_MS, timeoutMs - MARGIN_MS));
		this.#coming.set(requestId, coming);
		const outcome = await coming;
		this.#coming.delete(requestId);
		// What was not received is forwarded when it comes again.
		if (!isRefused(outcome) || trigger === "test") this.#keep(requestId, outcome);
		return outcome;
	}

	#keep(requestId: string, outcome: Outcome): void {
		const kept =
			outcome.kind === "failure"
				? outcome
				: { ...outcome, body: Buffer.from(outcome.body.subarray(0, MAX_KEPT_BODY_BYTES)) };
		this.#outcomes.set(requestId, kept);
		for (const oldest of this.#outcomes.keys()) {
			if (this.#outcomes.size <= MAX_KEPT) break;
			this.#outcomes.delete(oldest);
		}
	}

	/** Answers over the connection, or without it if it has ended meanwhile. Returns whether the server has taken the answer. */
	async #answer(request: RelayRequest, relayId: string, outcome: Outcome, connection: AbortSignal): Promise<boolean> {
		if (!connection.aborted) {
			try {
				return await (outcome.kind === "failure"
					? request.fail(outcome.error, outcome.reason)
					: request.answer(outcome));
			} catch (error) {
				if (!connection.aborted) throw error;
			}
		}
		const answer =
			outcome.kind === "failure"
				? { error: outcome.error, reason: outcome.reason }
				: { status: outcome.status, headers: outcome.headers, bodyBase64: outcome.body.toString("base64") };
		return this.#project.relays.answer(relayId, request.requestId, answer, { maxRetries: 0 }).then(
			() => true,
			() => false,
		);
	}

	/** At the start, a program that is not there yet is noticed before the first request. */
	async #probe(connection: AbortController): Promise<void> {
		if (this.#hasProbed) return;
		this.#hasProbed = true;
		if (!(await listens(this.#target, connection.signal)) && !connection.signal.aborted) this.#refused(connection);
	}

	#refused(connection: AbortController): void {
		if (this.#isRefused || this.#isStopping || connection !== this.#connection) return;
		this.#isRefused = true;
		this.#listening.waiting();
		connection.abort();
	}

	async #untilTargetListens(): Promise<void> {
		const { signal } = this.#stopped;
		while (!signal.aborted && !(await listens(this.#target, signal))) {
			await sleep(PROBE_EVERY_MS, undefined, { signal }).catch(() => {});
		}
		if (!signal.aborted) this.#listening.back();
	}

	/** Waits while as many requests are under way as may be. */
	async #room(): Promise<void> {
		while (this.#underWay.size >= MAX_AT_ONCE) {
			await new Promise<void>((resolve) => (this.#roomFor = resolve));
		}
	}

	async #settled(): Promise<void> {
		while (this.#underWay.size > 0) await Promise.all(this.#underWay);
	}
}

function isRefused(outcome: Outcome): boolean {
	return outcome.kind === "failure" && outcome.error === "refused";
}

/** The type that the body of an event has. */
export function typeOf(body: Uint8Array): string | null {
	try {
		const { type } = JSON.parse(Buffer.from(body).toString("utf8")) as { readonly type?: unknown };
		return typeof type === "string" ? type : null;
	} catch {
		return null;
	}
}
