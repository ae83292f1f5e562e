// Producers that send like a real product: each event with an idempotency key, and with retries until it is acknowledged.
import { setTimeout as delay } from "node:timers/promises";

import { Client, type ClientOptions } from "@fanfare/sdk";

import type { Random } from "./seeded-random.ts";
import type { ServerProcess } from "./server-process.ts";

const LONGEST_RETRY_DELAY_MS = 40;
const MANY_RETRIES = 10_000;

export interface LoadOptions {
	readonly senders: number;
	/** The longest pause of a sender between two events. */
	readonly pauseMs: number;
	readonly random: Random;
	/** Whether a send is retried until it is acknowledged. If not, its sender ends at the first failure. Defaults to true. */
	readonly persistent?: boolean;
}

/**
 * Sends from its construction until `stop`. The data of each event is its number, counted from 0.
 *
 * @example
 * await using load = new SendingLoad(server, { senders: 6, pauseMs: 30, random: seededRandom(seed) });
 * server.kill("SIGKILL");
 * await server.restart();
 * await load.stop();
 * expect(load.acknowledged.size).toBeGreaterThan(0);
 */
export class SendingLoad implements AsyncDisposable {
	/** The numbers of the acknowledged events, by event id. */
	readonly acknowledged = new Map<string, number>();
	/** When they were acknowledged, in milliseconds since the epoch, in ascending order. */
	readonly acknowledgedAt: number[] = [];
	#count = 0;
	#stopping = false;
	readonly #abort = new AbortController();
	readonly #senders: readonly Promise<void>[];
	readonly #persistent: boolean;

	constructor(server: ServerProcess, options: LoadOptions) {
		this.#persistent = options.persistent ?? true;
		const client = this.#persistent
			? persistentClient(server.key, server.url)
			: new Client(server.key, { endpoint: server.url, maxRetries: 0 });
		const { events } = client.project(server.projectId);
		const { signal } = this.#abort;
		const send = async (number: number) => {
			const event = { type: "load.sent", data: number, idempotencyKey: `load-${number}` };
			const { id } = await events.send(event, { signal });
			this.acknowledged.set(id, number);
			this.acknowledgedAt.push(Date.now());
		};
		this.#senders = Array.from({ length: options.senders }, () => this.#sendOn(send, options));
		for (const sender of this.#senders) sender.catch(() => {}); // reported by stop()
	}

	/** Resolves when each send that was started is acknowledged. Rejects if a persistent load's send was refused. */
	async stop(): Promise<void> {
		this.#stopping = true;
		if (this.#persistent) await Promise.all(this.#senders);
		else await Promise.allSettled(this.#senders);
	}

	/** Aborts the sends that are still in flight. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#stopping = true;
		this.#abort.abort();
		await Promise.allSettled(this.#senders);
	}

	async #sendOn(send: (number: number) => Promise<void>, { pauseMs, random }: LoadOptions): Promise<void> {
		while (!this.#stopping) {
			await send(this.#count++);
			await delay(random() * pauseMs);
		}
	}
}

/**
 * A client that retries again and again with short delays, so that its calls outlast a restart of the server. Each try may go to another
 * server, if `fetch` leads it there.
 */
export function persistentClient(
	key: string,
	url: string,
	options: Pick<ClientOptions, "timeoutMs" | "fetch"> = {},
): Client {
	const sleep = (ms: number) => delay(Math.min(ms, LONGEST_RETRY_DELAY_MS));
	return new Client(key, { endpoint: url, maxRetries: MANY_RETRIES, timeoutMs: 5_000, ...options }, { sleep });
}
