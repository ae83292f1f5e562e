// The relays of this process: sends attempts to the clients that are connected, and takes their answers.
import type { ApiKey } from "../../core/access/key.ts";
import { accessEndDate, keyIdOf, sessionIdOf, type Principal } from "../../core/access/principal.ts";
import { FanfareError } from "../../core/errors.ts";
import { isRelayEndpoint, webhookIdOfEndpoint } from "../../core/receivers/relay.ts";
import type { RelayedRequest, RelayWire } from "../../ports/relay-wire.ts";
import type { AttemptEnded, AttemptRequest, Sender } from "../../ports/sender.ts";
import type { RelayStore } from "../../ports/store/relays/relays.ts";
import { Periodic } from "../background/periodic.ts";
import { StreamPlaces, type PlaceUse } from "../live/stream-places.ts";
import type { PartsOn } from "../parts.ts";
import type { RelayAnswer, RelayClientOptions, RelaySubscription } from "../relay-calls.ts";
import { FairTurns } from "./fair-turns.ts";
import { GivingTurns } from "./giving-turns.ts";
import { RelayClient } from "./relay-client.ts";
import { openHeaders, relayedRequest } from "./relay-headers.ts";
import { RelayLine, REPLACED, type RelayLineOthers } from "./relay-line.ts";
import { abortedOutcome, answerOutcome, relayedOutcome } from "./relay-outcomes.ts";
import { RememberedRequests } from "./remembered-requests.ts";

type Parts = Pick<PartsOn<RelayStore>, "store" | "clock" | "observer" | "sealer" | "wire">;

interface Neighbours {
	readonly setAway: (webhookId: string, isAway: boolean) => Promise<boolean>;
	/** Resolves when all other processes know of the project what this one does. */
	readonly othersKnow: (projectId: string) => Promise<void>;
}

const SEEN_EVERY_MS = 60_000;
/** A relay has one stream, and a project some relays: so many streams are room for many projects. */
const STREAMS_FOR_EACH_LIVE_STREAM = 2;

/**
 * How many clients are let in at once, and of how many relays it is stored at once that they are away or back: a store may have
 * few connections for changes.
 */
const AT_ONCE = { opening: 2, storing: 2 };
/** The opener or the holder of a relay's stream. */
interface Holder {
	readonly projectId: string;
	principal: Principal | null;
	/** Null while the stream is being opened. */
	client: RelayClient | null;
	/** Why the stream must not be opened any more; null if it may be. */
	revoked: string | null;
}

/** Clients hold streams of requests here. The engine's senders know nothing of them: they call `send`. */
export class RelayHub implements Pick<Sender, "send" | "abort"> {
	readonly #parts: Parts;
	/** The wire to the other processes. */
	readonly #wire: RelayWire;
	readonly #near: Neighbours;
	readonly #lines = new Map<string, RelayLine>();
	readonly #holders = new Map<string, Holder>();
	readonly #opening = new Set<Holder>();
	readonly #places: StreamPlaces<"relay">;
	readonly #remembered = new RememberedRequests();
	readonly #openings = new FairTurns(AT_ONCE.opening);
	readonly #storings = new FairTurns(AT_ONCE.storing);
	readonly #givings: GivingTurns;
	readonly #seen: Periodic;
	#tests = 0;
	#closed = false;

	constructor(parts: Parts, limits: { readonly maxStreams: number }, near: Neighbours) {
		this.#parts = parts;
		this.#wire = parts.wire.relays;
		this.#near = near;
		this.#givings = new GivingTurns(parts.clock);
		this.#places = new StreamPlaces({ relay: limits.maxStreams * STREAMS_FOR_EACH_LIVE_STREAM });
		this.#seen = new Periodic(parts, {
			everyMs: SEEN_EVERY_MS,
			work: () => this.#noteSeen(),
			problem: "the times at which relays were seen could not be stored",
		});
		this.#wire.listen({
			ended: ({ webhookId, requestId }, end, outcome) => {
				this.#lines.get(webhookId)?.endedElsewhere(requestId, end, outcome);
			},
			heldElsewhere: (webhookId, isHeld) => this.#lines.get(webhookId)?.elsewhere(isHeld),
			offered: (request) => this.#offered(request),
			closed: ({ webhookId, requestId }) => this.#lines.get(webhookId)?.closed(requestId),
			replaced: (webhookId, epoch) => this.#replaced(webhookId, epoch),
			returned: () => {
				for (const line of this.#lines.values()) line.confirmHeld();
			},
		});
	}

	/** The open streams of relays. */
	get streams(): PlaceUse {
		return this.#places.use("relay");
	}

	/** The sender for every endpoint: relays' here, the others by this one. */
	besides(sender: Sender): Sender {
		return {
			send: (request, ended) => (isRelayEndpoint(request.url) ? this : sender).send(request, ended),
			abort: () => {
				this.abort();
				sender.abort();
			},
			close: () => sender.close(),
		};
	}

	send(request: AttemptRequest, ended: AttemptEnded): void {
		const { attempt = null, body, headers, timeoutMs } = request;
		const webhookId = webhookIdOfEndpoint(request.url);
		const eventId = headers["webhook-id"] ?? "";
		this.#line(webhookId, request.projectId).send({
			isRelayed: false,
			requestId: attempt?.requestId ?? `test.${eventId}.${++this.#tests}`,
			deliveryId: attempt?.deliveryId ?? null,
			eventId,
			attemptNumber: attempt?.number ?? 1,
			trigger: attempt?.trigger ?? "test",
			headers: Object.entries(headers),
			body,
			timeoutMs,
			resolve: ended,
		});
	}

	/** Ends all attempts under way: they are made again, with the same requests. */
	abort(): void {
		for (const line of this.#lines.values()) line.giveBack(abortedOutcome);
	}

	isHeld(webhookId: string): boolean {
		return this.#lines.get(webhookId)?.isHeld ?? false;
	}

	/** The relays that have a client, at any process. */
	async held(webhookIds: readonly string[]): Promise<ReadonlySet<string>> {
		const held = new Set(webhookIds.filter((id) => this.isHeld(id)));
		return this.#wire.isShared ? held.union(await this.#wire.held(webhookIds)) : held;
	}

	/** Opens the stream of a relay's requests. Resolves with null if there is no such relay. Throws as `Relays.open` does. */
	async open(
		webhookId: string,
		projectId: string,
		{ principal, abandon, isGone = () => false }: RelayClientOptions,
	): Promise<RelaySubscription | null> {
		this.#checkOpen();
		// The client that has it now gives up its place.
		const isReplacing = this.#holders.has(webhookId);
		if (!isReplacing && this.#places.ask("relay", projectId).kind !== "free") throw tooManyStreams();
		this.#places.take("relay", projectId);
		const holder: Holder = { projectId, principal, client: null, revoked: null };
		this.#opening.add(holder);
		let epoch: number | null = null;
		let mayHold = false;
		try {
			await this.#openings.run(projectId, async () => {
				// It would take the relay from the client that has come since.
				if (isGone()) throw clientGone();
				epoch = await this.#parts.store.holdRelay(webhookId, this.#parts.clock.now());
				this.#checkOpen();
				if (epoch !== null && this.#wire.isShared) await this.#wire.hold(webhookId, epoch);
			});
			if (holder.revoked !== null) throw revoked(holder.revoked);
			mayHold = epoch !== null;
		} finally {
			this.#opening.delete(holder);
			if (!mayHold) this.#places.giveBack("relay", projectId);
			if (!mayHold && epoch !== null) this.#lost(webhookId, epoch);
		}
		if (epoch === null) return null;
		const heldEpoch = epoch;
		const line = this.#line(webhookId, projectId);
		const client: RelayClient = new RelayClient({
			clock: this.#parts.clock,
			abandon,
			mayStay: () => holder.principal === null || accessEndDate(holder.principal) > this.#parts.clock.now(),
			left: () => {
				this.#places.giveBack("relay", projectId);
				if (this.#holders.get(webhookId)?.client === client) this.#holders.delete(webhookId);
				line.left(client);
				void this.#wire.leave(webhookId, heldEpoch);
			},
			inTurn: (give) => this.#givings.run(projectId, give),
		});
		holder.client = client;
		if (line.hold(client, epoch)) this.#holders.set(webhookId, holder);
		this.#seen.start();
		return client;
	}

	/** A client was not let in that has the relay in the store. The one before it has it no more, and is told so. */
	#lost(webhookId: string, epoch: number): void {
		void this.#wire.leave(webhookId, epoch);
		const line = this.#lines.get(webhookId);
		if (line !== undefined && line.epoch < epoch) line.end("replaced", REPLACED);
	}

	/** Ends the attempt of a request. A repeated answer changes nothing. Throws `request_not_open`. */
	async answer(webhookId: string, projectId: string, requestId: string, answer: RelayAnswer): Promise<void> {
		const { clock } = this.#parts;
		const outcomeOf = (startedAt: number) => answerOutcome(answer, clock.monotonicMs() - startedAt);
		const line = this.#lines.get(webhookId);
		if (line?.answer(requestId, outcomeOf) === true) return;
		line?.closed(requestId);
		if (this.#wire.isShared) {
			const outcome = relayedOutcome(answerOutcome(answer, 0));
			const isTaken = await this.#wire.answer({ webhookId, requestId }, outcome);
			if (isTaken) return this.#remembered.noteAnswer(projectId, webhookId, requestId);
		}
		if (this.#remembered.isAnswered(projectId, webhookId, requestId)) return;
		throw new FanfareError(
			"request_not_open",
			"No such request is under way: it has ended, or its time is over. It comes again if an answer is still needed.",
		);
	}

	/** Another process makes an attempt to a relay whose client is here. */
	#offered(request: RelayedRequest): void {
		const { webhookId, requestId } = request;
		const line = this.#lines.get(webhookId);
		if (line === undefined) return;
		let headers: ReturnType<typeof openHeaders>;
		try {
			headers = openHeaders(this.#parts.sealer, request);
		} catch (error) {
			const what = "a request to a relay could not be read: does each process have the same master key?";
			return this.#parts.observer.problem(what, error, { webhookId });
		}
		line.send({
			...request,
			headers,
			isRelayed: true,
			resolve: (outcome, end) => {
				if (end === "answer") return;
				void this.#wire.end({ webhookId, requestId }, line.epoch, end, relayedOutcome(outcome));
			},
		});
	}

	/** A newer client has come to another process. */
	#replaced(webhookId: string, epoch: number): void {
		const line = this.#lines.get(webhookId);
		// Perhaps a newer client has it here.
		if (line?.epoch === epoch) line.end("replaced", REPLACED);
	}

	/** A webhook is paused because its relay is away. Another process may have said so that did not know of the client here, and died. */
	webhookAway(webhookId: string): void {
		if (this.#wire.isKnown) this.#lines.get(webhookId)?.confirmHeld();
	}

	/** A webhook was deleted. */
	webhookDeleted(webhookId: string): void {
		this.#lines.get(webhookId)?.deleted();
	}

	projectDeleted(projectId: string): void {
		for (const [webhookId, holder] of this.#holders) {
			if (holder.projectId === projectId) this.webhookDeleted(webhookId);
		}
	}

	/** A key was changed: streams that were opened with it end earlier or later than they were to. */
	keyChanged(key: ApiKey): void {
		for (const holder of this.#all()) {
			const { principal } = holder;
			if (principal?.kind === "key" && principal.key.id === key.id) holder.principal = { ...principal, key };
		}
	}

	/** Ends the streams that were opened with these keys. */
	keysDeleted(ids: ReadonlySet<string>): void {
		this.#revoke("the key of this stream was deleted", (principal) => ids.has(keyIdOf(principal) ?? ""));
	}

	/** Ends the streams that were opened in these sessions. */
	sessionsEnded(ids: ReadonlySet<string>): void {
		this.#revoke("the session of this stream was ended", (principal) => ids.has(sessionIdOf(principal) ?? ""));
	}

	/** Opens no more streams. */
	close(): void {
		this.#closed = true;
	}

	/** Ends all streams. Call it when no attempt is under way any more. */
	async stop(): Promise<void> {
		this.#closed = true;
		for (const { client } of this.#holders.values()) client?.end("stopped", "the server is shutting down");
		for (const line of this.#lines.values()) line.stop();
		await this.#seen.stop();
	}

	#all(): Holder[] {
		return [...this.#opening, ...this.#holders.values()];
	}

	#revoke(reason: string, isMeant: (principal: Principal | null) => boolean): void {
		for (const holder of this.#all()) {
			if (!isMeant(holder.principal)) continue;
			holder.revoked = reason;
			holder.client?.end("revoked", reason);
		}
	}

	#line(webhookId: string, projectId: string): RelayLine {
		const known = this.#lines.get(webhookId);
		if (known !== undefined) return known;
		const line: RelayLine = new RelayLine(webhookId, {
			clock: this.#parts.clock,
			observer: this.#parts.observer,
			setAway: this.#near.setAway,
			inTurn: (store) => this.#storings.run(projectId, store),
			noteAnswer: (requestId) => this.#remembered.noteAnswer(projectId, webhookId, requestId),
			countSilence: (requestId) => this.#remembered.countSilence(projectId, requestId),
			idle: (idle) => {
				if (this.#lines.get(webhookId) === idle && !idle.isHeld) this.#lines.delete(webhookId);
			},
			others: this.#othersOf(webhookId, projectId),
		});
		this.#lines.set(webhookId, line);
		return line;
	}

	#othersOf(webhookId: string, projectId: string): RelayLineOthers | null {
		const wire = this.#wire;
		if (!wire.isShared) return null;
		const { sealer } = this.#parts;
		return {
			announce: (request, timeoutMs, isForOthers) =>
				wire.announce(relayedRequest(sealer, { ...request, webhookId, projectId, timeoutMs }), isForOthers),
			withdraw: (requestId) => wire.withdraw({ webhookId, requestId }),
			haveClient: async () => (await wire.held([webhookId])).has(webhookId),
			know: () => this.#near.othersKnow(projectId),
		};
	}

	async #noteSeen(): Promise<void> {
		const held = [...this.#holders.keys()].map((webhookId) => {
			return { webhookId, epoch: this.#lines.get(webhookId)?.epoch ?? 0 };
		});
		if (held.length === 0) {
			void this.#seen.stop();
			return;
		}
		const lost = await this.#parts.store.relaysSeen(held, this.#parts.clock.now());
		const epochs = new Map(held.map(({ webhookId, epoch }) => [webhookId, epoch]));
		for (const webhookId of lost) this.#replaced(webhookId, epochs.get(webhookId) ?? 0);
	}

	#checkOpen(): void {
		if (this.#closed)
			throw new FanfareError("shutting_down", "The server is shutting down. Connect again after the restart.");
	}
}

function revoked(reason: string): FanfareError {
	return new FanfareError("unknown_key", `The stream was not opened: ${reason} meanwhile.`);
}

function clientGone(): FanfareError {
	return new FanfareError("too_many_streams", "The client has gone before it was let in.", { retryAfterMs: 1_000 });
}

function tooManyStreams(): FanfareError {
	return new FanfareError(
		"too_many_streams",
		"The project has its share of the streams of relays. Close some, or try again later.",
		{ retryAfterMs: 30_000 },
	);
}
