// Producers that send without end, as a product does: each event under its own idempotency key, again until it is acknowledged.
import { setTimeout as delay } from "node:timers/promises";

import { Client } from "@fanfare/sdk";
import type { ServerProcess } from "@fanfare/testkit/server-process";

const LONGEST_WAIT_MS = 40;

export interface LoadOptions {
	readonly senders: number;
	/** The longest pause of a sender between two events. */
	readonly pauseMs: number;
	/** 0 ≤ random() < 1 */
	readonly random: () => number;
}

/** Sends from its making until `stop`. The data of each event is its number. */
export class SendingLoad {
	/** The numbers of the acknowledged events by their ids. */
	readonly acknowledged = new Map<string, number>();
	#count = 0;
	#stopping = false;
	readonly #done: Promise<unknown>;

	/** With `persistent`, a send is tried until it is acknowledged; else its sender ends with the first failure. */
	constructor(server: ServerProcess, options: LoadOptions, persistent: boolean) {
		// Persistence in little time: a restart takes half a second.
		const sleep = (ms: number) => delay(Math.min(ms, LONGEST_WAIT_MS));
		const maxRetries = persistent ? 10_000 : 0;
		const { events } = new Client(server.key, { endpoint: server.url, maxRetries }, { sleep }).project(
			server.projectId,
		);
		const send = async (number: number) => {
			const event = await events.send({ type: "load.sent", data: number, idempotencyKey: `load-${number}` });
			this.acknowledged.set(event.id, number);
		};
		const senders = Array.from({ length: options.senders }, () => this.#sendOn(send, options));
		this.#done = persistent ? Promise.all(senders) : Promise.allSettled(senders);
	}

	/** Resolves when each send that was begun is acknowledged; rejects if one was refused for good. */
	async stop(): Promise<void> {
		this.#stopping = true;
		await this.#done;
	}

	async #sendOn(send: (number: number) => Promise<void>, { pauseMs, random }: LoadOptions): Promise<void> {
		while (!this.#stopping) {
			await send(this.#count++);
			await delay(random() * pauseMs);
		}
	}
}
