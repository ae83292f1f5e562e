// One client of a relay: the SDK's, whose answers are late, doubled, lost or never given, and which loses its connection.
import { setTimeout as delay } from "node:timers/promises";

import {
	Client,
	verifySignature,
	type FetchLike,
	type ProjectHandle,
	type Relay,
	type RelayRequest,
	type RelayState,
} from "@fanfare/sdk";
import type { Seen, WebhookRecord } from "@fanfare/testkit/checks/record";
import { eventually } from "@fanfare/testkit/eventually";
import { namedRandom, pickByWeight } from "@fanfare/testkit/seeded-random";

import type { Round } from "../../round.ts";

/** What becomes of the answer to a request. */
const DEEDS = [
	{ kind: "answers", weight: 20 },
	/** With an error of the receiver. */
	{ kind: "fails", weight: 2 },
	{ kind: "doubled", weight: 3 },
	/** It comes when the server has given up. */
	{ kind: "late", weight: 1 },
	/** It does not reach the server, and the connection is lost, too. */
	{ kind: "lost", weight: 2 },
	/** The server has it, and the client does not know. */
	{ kind: "unconfirmed", weight: 2 },
	{ kind: "never", weight: 1 },
] as const;
type Deed = (typeof DEEDS)[number]["kind"];

/** From this attempt on, each is answered: retries of a relay's webhook are as many as of any other. */
const LAST_DEED = 2;
const TIMEOUT_MS = 2_000;
/** The server waits for the answer on its way, and between processes for its way there. */
const LATE_MS = TIMEOUT_MS + 4_500;
const MANY_RETRIES = 10_000;
const CONNECTED_WITHIN_MS = 60_000;

type Entry = { -readonly [Name in keyof Seen]: Seen[Name] };

/** A request that the client has got, and what became of its answer. */
interface Got {
	readonly deed: Deed;
	readonly entry: Entry;
	/** How often the answer was to be sent. */
	posts: number;
}

export interface CrowdClientOptions {
	readonly round: Round;
	readonly projectId: string;
	readonly device: string;
	readonly secret: string;
	/** The only type of events in the project. */
	readonly eventType: string;
}

export class RelayCrowdClient {
	/** The requests that the receiver behind the client was given. */
	readonly seen: Seen[] = [];
	readonly #options: CrowdClientOptions;
	readonly #end = new AbortController();
	readonly #got = new Map<string, Got>();
	readonly #done: Promise<void>;
	#relay: Relay | null = null;
	#stream = new AbortController();
	#awayUntil = 0;

	constructor(options: CrowdClientOptions) {
		this.#options = options;
		this.#done = this.#run();
	}

	async connected(): Promise<void> {
		await eventually("a relay's client to be ready", () => this.#relay, CONNECTED_WITHIN_MS);
	}

	/** Loses its connection, and finds no way to the server for this time. */
	cut(forMs: number): void {
		this.#awayUntil = Math.max(this.#awayUntil, Date.now() + forMs);
		this.#stream.abort(lostConnection());
	}

	/** The relay as the checks know a webhook. */
	get record(): WebhookRecord {
		const { device, eventType, secret } = this.#options;
		return {
			id: this.#relay?.webhookId ?? "",
			name: device,
			secrets: [secret],
			wants: (type) => type === eventType,
			mayEnd: () => ["Succeeded"],
			attemptsUntilFailed: null,
			mayMiss: () => false,
			isHealthy: false,
			perSecond: null,
		};
	}

	async stop(): Promise<void> {
		this.#end.abort();
		await this.#done;
	}

	async #run(): Promise<void> {
		const { device, round, secret } = this.#options;
		const options = { signal: this.#end.signal, onState: (state: RelayState) => this.#state(state) };
		const requests = this.#project().relays.connect({ device, secret, timeoutMs: TIMEOUT_MS }, options);
		try {
			for await (const request of requests) {
				const got = this.#get(request);
				// Whether the server has taken it is noted where it says so.
				request.answer({ status: got.entry.status }).catch((error: unknown) => this.#failed("an answer failed", error));
				got.entry.signature = await this.#judge(request);
			}
		} catch (error) {
			return this.#failed("a relay's client has given up", error);
		}
		round.breach("fault", `the connection of ${device} has ended: no other client has its relay`);
	}

	#state(state: RelayState): void {
		if (state.state === "ready") this.#relay = state.relay;
	}

	#failed(what: string, error: unknown): void {
		if (!this.#end.signal.aborted) this.#options.round.breach("fault", `${what}: ${String(error)}`);
	}

	#get({ requestId, eventId, attemptNumber, body }: RelayRequest): Got {
		const { device, round } = this.#options;
		const { data } = JSON.parse(Buffer.from(body).toString()) as { readonly data: { readonly n: number } };
		const webhookId = this.#relay?.webhookId ?? "";
		const isAnswered = this.seen.some((entry) => entry.eventId === eventId && entry.certain && entry.status === 200);
		if (isAnswered) round.breach("duplicates", `${requestId} was sent to a client that had answered ${eventId}`);
		// The same for the same seed, whatever comes first.
		const random = namedRandom(round.seed, `${device} ${data.n} ${attemptNumber}`);
		const deed = attemptNumber > LAST_DEED ? "answers" : pickByWeight(random, DEEDS).kind;
		const status = deed === "fails" ? 500 : 200;
		const rest = { n: data.n, run: 0, at: Date.now(), signature: "not checked" };
		const entry = { webhookId, eventId, status, certain: false, ...rest };
		this.seen.push(entry);
		const got = { deed, entry, posts: 0 };
		this.#got.set(requestId, got);
		return got;
	}

	async #judge({ body, headers }: RelayRequest): Promise<string> {
		try {
			await verifySignature(Buffer.from(body).toString(), Object.fromEntries(headers), this.#options.secret);
			return "ok";
		} catch (error) {
			return String(error);
		}
	}

	#project(): ProjectHandle {
		const { projectId, round } = this.#options;
		const { isCluster, server } = round;
		// In a cluster, each call is led to another process.
		const toServer: FetchLike = isCluster ? round.members.fetchInTurn : fetch;
		const call: FetchLike = (url, init) => {
			const requestId = /\/requests\/([^/]+):answer$/.exec(url)?.[1];
			const got = requestId === undefined ? undefined : this.#got.get(decodeURIComponent(requestId));
			if (got !== undefined) return this.#post(got, () => toServer(url, init), init.signal);
			return url.endsWith("/requests") ? this.#connect(toServer, url, init) : toServer(url, init);
		};
		return new Client(round.adminKey, { endpoint: server.url, maxRetries: MANY_RETRIES, fetch: call }).project(
			projectId,
		);
	}

	#connect(toServer: FetchLike, url: string, init: Parameters<FetchLike>[1]): ReturnType<FetchLike> {
		if (Date.now() < this.#awayUntil) return Promise.reject(lostConnection());
		this.#stream = new AbortController();
		return toServer(url, { ...init, signal: AbortSignal.any([this.#stream.signal, init.signal]) });
	}

	async #post(got: Got, send: () => ReturnType<FetchLike>, signal: AbortSignal): ReturnType<FetchLike> {
		const isFirst = got.posts++ === 0;
		if (got.deed === "never") return await noResponse(signal);
		if (isFirst && got.deed === "late") await delay(LATE_MS, null, { signal });
		if (isFirst && got.deed === "lost") {
			this.cut(0);
			throw lostConnection();
		}
		const [response] = await Promise.all(isFirst && got.deed === "doubled" ? [send(), send()] : [send()]);
		if (isFirst && got.deed === "unconfirmed") throw lostConnection();
		if (response.status === 200) got.entry.certain = true;
		return response;
	}
}

/** As the platform says it. */
function lostConnection(): TypeError {
	return new TypeError("terminated");
}

function noResponse(signal: AbortSignal): Promise<never> {
	return new Promise((_, reject) => {
		if (signal.aborted) reject(lostConnection());
		signal.addEventListener("abort", () => reject(lostConnection()));
	});
}
