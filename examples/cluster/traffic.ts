// Events that are sent all the time, and a receiver that counts what arrives. Neither asks the servers.
import { Client, utils, type ProjectHandle } from "@fanfare/sdk";

import { Receiver } from "../demo/receiver.ts";

/** As many as can wait for an answer while the database is away. */
const MAX_WAITING_SENDS = 2_000;
const WEBHOOKS = 32;
const RETRIES = { maxRetries: 20, maxRetryDelay: 1_000 };

export interface Counts {
	/** Events that were acknowledged. */
	readonly accepted: number;
	/** Of these, those that have arrived. */
	readonly arrived: number;
	/** How often an event arrived again. */
	readonly twice: number;
	/** Sends that got an error first, or had to be repeated. */
	readonly repeated: number;
	/** From the acknowledgement to the arrival, in milliseconds: the longest since the last call of `takeLongest`. */
	readonly longestMs: number;
}

export class Traffic {
	readonly #receiver: Receiver;
	readonly #project: ProjectHandle;
	readonly #calls: { value: number };
	/** When each event was acknowledged that has not arrived. */
	readonly #waiting = new Map<string, number>();
	readonly #arrived = new Set<string>();
	#timer: NodeJS.Timeout | null = null;
	#sends = 0;
	#underWay = 0;
	#counts = { accepted: 0, arrived: 0, twice: 0, longestMs: 0 };

	private constructor(receiver: Receiver, project: ProjectHandle, calls: { value: number }) {
		this.#receiver = receiver;
		this.#project = project;
		this.#calls = calls;
	}

	/** Makes a project with webhooks, all of them served by one receiver. */
	static async create(url: string, adminKey: string): Promise<Traffic> {
		const receiver = new Receiver(() => "accept");
		receiver.secret = utils.generateWebhookSecret();
		const endpoint = await receiver.start();
		const calls = { value: 0 };
		const counting: typeof fetch = (...call) => {
			calls.value++;
			return fetch(...call);
		};
		const client = new Client(adminKey, { endpoint: url, maxRetries: 30, timeoutMs: 3_000, fetch: counting });
		const project = await client.projects.create({ name: "Cluster" });
		for (let number = 0; number < WEBHOOKS; number++) {
			const spec = { endpoint, secret: receiver.secret, eventTypes: [typeOf(number)], retries: RETRIES };
			await project.batch.webhooks.create({ name: `Receiver ${number + 1}`, spec });
		}
		const traffic = new Traffic(receiver, project, calls);
		receiver.onArrival(({ event, receivedAt }) => traffic.#arrive(event.id, receivedAt));
		return traffic;
	}

	/** Sends so many events each second from now on. */
	start(ratePerS: number): void {
		this.#calls.value = 0;
		this.#timer = setInterval(() => void this.#send(), 1_000 / ratePerS);
	}

	/** Sends nothing more. */
	stop(): void {
		if (this.#timer !== null) clearInterval(this.#timer);
	}

	close(): void {
		this.stop();
		this.#receiver.close();
	}

	get counts(): Counts {
		const { accepted } = this.#counts;
		const late = Math.max(0, ...[...this.#waiting.values()].map((since) => Date.now() - since));
		const longestMs = Math.max(this.#counts.longestMs, late);
		return { ...this.#counts, longestMs, repeated: this.#calls.value - accepted - this.#underWay };
	}

	/** Whether every event that was acknowledged has arrived, and no send waits for its answer. */
	get isDrained(): boolean {
		return this.#waiting.size === 0 && this.#underWay === 0;
	}

	/** Counts the longest wait from now on. */
	forgetLongest(): void {
		this.#counts.longestMs = 0;
	}

	async #send(): Promise<void> {
		if (this.#underWay >= MAX_WAITING_SENDS) return;
		const number = this.#sends++;
		this.#underWay++;
		try {
			const { id } = await this.#project.events.send({
				type: typeOf(number),
				data: { number },
				idempotencyKey: `number-${number}`,
			});
			this.#counts.accepted++;
			if (this.#arrived.has(id)) this.#counts.arrived++;
			else this.#waiting.set(id, Date.now());
		} catch {
			// All its repetitions were refused: it was never acknowledged.
		} finally {
			this.#underWay--;
		}
	}

	#arrive(id: string, at: number): void {
		if (this.#arrived.has(id)) {
			this.#counts.twice++;
			return;
		}
		this.#arrived.add(id);
		const since = this.#waiting.get(id);
		if (since === undefined) return;
		this.#waiting.delete(id);
		this.#counts.arrived++;
		this.#counts.longestMs = Math.max(this.#counts.longestMs, at - since);
	}
}

function typeOf(number: number): string {
	return `order.kind${number % WEBHOOKS}`;
}
