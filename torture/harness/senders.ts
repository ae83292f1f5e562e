// Producers that send like a real product: with an idempotency key for each event, and with retries until it is acknowledged.
import { setTimeout as delay } from "node:timers/promises";

import type { BatchResult, Event, FetchLike, ProjectHandle, SendEvent } from "@fanfare/sdk";
import type { Acknowledged } from "@fanfare/testkit/checks/record";
import { persistentClient } from "@fanfare/testkit/sending-load";

export interface SendersOptions {
	readonly key: string;
	readonly url: string;
	/** Leads each try of a send to a server. Omitted: all go to that of the URL. */
	readonly fetch?: FetchLike | undefined;
	readonly projectId: string;
	/** The id of the webhook that `aimed.event`s are for. */
	readonly aimedAt: string;
	/** How many events of type `hostile.event` are sent; 0 if no webhook of the round wants them. */
	readonly hostileEvents: number;
	/** One generator for each sender. */
	readonly randoms: readonly (() => number)[];
	/** The longest pause of a sender between two sends. */
	readonly pauseMs: number;
}

/** How long a process may take before the next one is tried. */
const TURN_MS = 2_000;
const BATCH_SHARE = 0.12;
const BATCH = { min: 5, max: 40 };
/** Its webhook has a rate limit, and would fall behind by many seconds in a long round. */
const LIMITED = "limited.tick";
const MOST_LIMITED = 40;
/** The share of each type. The rest is `order.paid`. */
const TYPES = [
	["hostile.event", 0.05],
	[LIMITED, 0.06],
	["aimed.event", 0.1],
	["order.shipped", 0.2],
	["user.created", 0.25],
] as const;
const PAD = { usual: 1_500, large: 60_000, largeShare: 0.01 };

/** Sends from its construction until `stop`. */
export class Senders implements Disposable {
	readonly acknowledged: Acknowledged[] = [];
	/** Errors of sends that were not acknowledged. */
	readonly failures: string[] = [];
	/** The number of responses that said that the event existed already. */
	duplicateCount = 0;
	readonly #options: SendersOptions;
	readonly #events: ProjectHandle["events"];
	readonly #done: Promise<unknown>;
	#stopping = false;
	readonly #abort = new AbortController();
	#count = 0;
	/** How often each type with a limit was drawn. */
	readonly #counts = new Map<string, number>();

	constructor(options: SendersOptions) {
		this.#options = options;
		const { key, url, fetch, projectId } = options;
		// A process that is suspended takes connections and does not answer.
		const turns = fetch === undefined ? {} : { fetch, timeoutMs: TURN_MS };
		this.#events = persistentClient(key, url, turns).project(projectId).events;
		this.#done = Promise.all(options.randoms.map((random) => this.#sendOn(random)));
	}

	/** Resolves when each send that was started is acknowledged. */
	async stop(): Promise<void> {
		this.#stopping = true;
		await this.#done;
	}

	/** Aborts the sends that are not acknowledged, which would be retried for ever without a server. */
	[Symbol.dispose](): void {
		this.#stopping = true;
		this.#abort.abort();
	}

	/** Sends events of these types in one batch, and waits for the acknowledgement. */
	async sendBatch(types: readonly string[], random: () => number): Promise<void> {
		await this.#send(
			types.map((type) => this.#event(type, random)),
			true,
		);
	}

	async #sendOn(random: () => number): Promise<void> {
		while (!this.#stopping) {
			const isBatch = random() < BATCH_SHARE;
			const size = isBatch ? BATCH.min + Math.floor(random() * (BATCH.max - BATCH.min)) : 1;
			const events = Array.from({ length: size }, () => this.#event(this.#drawType(random), random));
			await this.#send(events, isBatch);
			await delay(random() * this.#options.pauseMs);
		}
	}

	async #send(events: readonly Planned[], isBatch: boolean): Promise<void> {
		const sentAt = Date.now();
		const { signal } = this.#abort;
		try {
			const [only] = events;
			if (isBatch) this.#noteBatch(events, await this.#events.sendBatch(events.map(wire), { signal }), sentAt);
			else if (only !== undefined) this.#note(only, await this.#events.send(wire(only), { signal }), sentAt);
		} catch (error) {
			this.failures.push(error instanceof Error ? error.message : String(error));
		}
	}

	#noteBatch(events: readonly Planned[], results: readonly BatchResult[], sentAt: number): void {
		for (const [index, { event, error }] of results.entries()) {
			const planned = events[index];
			if (planned !== undefined && event !== undefined) this.#note(planned, event, sentAt);
			else this.failures.push(error?.message ?? "a batch had more results than events");
		}
	}

	#note({ type, n, webhookIds }: Planned, { id, duplicate }: Event, sentAt: number): void {
		if (duplicate) this.duplicateCount++;
		this.acknowledged.push({ eventId: id, type, n, webhookIds, sentAt, acknowledgedAt: Date.now() });
	}

	#drawType(random: () => number): string {
		let at = random();
		for (const [type, share] of TYPES) {
			at -= share;
			if (at >= 0) continue;
			const most = type === "hostile.event" ? this.#options.hostileEvents : type === LIMITED ? MOST_LIMITED : Infinity;
			const count = (this.#counts.get(type) ?? 0) + 1;
			this.#counts.set(type, count);
			return count <= most ? type : "order.paid";
		}
		return "order.paid";
	}

	#event(type: string, random: () => number): Planned {
		const n = this.#count++;
		const bytes = random() * (random() < PAD.largeShare ? PAD.large : PAD.usual);
		const webhookIds = type.startsWith("aimed.") ? [this.#options.aimedAt] : null;
		return { type, n, webhookIds, pad: "x".repeat(Math.floor(bytes)) };
	}
}

interface Planned {
	readonly type: string;
	readonly n: number;
	readonly webhookIds: readonly string[] | null;
	readonly pad: string;
}

function wire({ type, n, webhookIds, pad }: Planned): SendEvent {
	return { type, data: { n, pad }, idempotencyKey: `torture-${n}`, ...(webhookIds !== null && { webhookIds }) };
}
