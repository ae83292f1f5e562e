// The floor's process: it signs bodies and POSTs them with undici, and does nothing else. No API, no store, no retries, no log.
import { createHmac, createSecretKey, randomBytes } from "node:crypto";

import { Pool, type Dispatcher } from "undici";

import { nowMs } from "../harness/measure/clock.ts";
import { serveCalls } from "../harness/process/serve-calls.ts";
import { bodyTemplate, stamp, type Template } from "../wire/bench-event.ts";

export interface PumpOptions {
	readonly url: string;
	readonly connections: number;
	readonly bodyBytes: number;
	/** From `Receiver.newSeries`. */
	readonly series: number;
	readonly seconds: number;
}

export interface PaceOptions extends Omit<PumpOptions, "seconds"> {
	readonly ratePerS: number;
	readonly count: number;
}

export interface FloorPumpCalls {
	/** Each connection POSTs at least once, and again as soon as it has a response. */
	pump(options: PumpOptions): Promise<{ readonly posted: number; readonly startedAt: number }>;
	/** POSTs one by one on a fixed schedule, and resolves when all have been answered. */
	pace(options: PaceOptions): Promise<void>;
}

const SECRET = createSecretKey(randomBytes(32));
const USER_AGENT = "Fanfare/0.2.0 (+https://github.com/fanfare-webhooks/fanfare)";

async function pump({ url, connections, bodyBytes, series, seconds }: PumpOptions): ReturnType<FloorPumpCalls["pump"]> {
	const { origin, pathname } = new URL(url);
	const template = bodyTemplate(series, bodyBytes);
	const pool = new Pool(origin, { connections, pipelining: 1 });
	const startedAt = nowMs();
	const endAt = startedAt + seconds * 1_000;
	let next = 0;
	const run = async () => {
		do await post(pool, pathname, template, next++);
		while (nowMs() < endAt);
	};
	try {
		await Promise.all(Array.from({ length: connections }, run));
	} finally {
		await pool.destroy();
	}
	return { posted: next, startedAt };
}

/** One timer for each event, so that the schedule costs little beside the event. */
async function pace({ url, connections, bodyBytes, series, ratePerS, count }: PaceOptions): Promise<void> {
	const { origin, pathname } = new URL(url);
	const template = bodyTemplate(series, bodyBytes);
	const pool = new Pool(origin, { connections, pipelining: 1 });
	const startAt = nowMs();
	const posts: Promise<void>[] = [];
	try {
		await new Promise<void>((resolve) => {
			const postDue = () => {
				while (posts.length < count && dueAt(posts.length) <= nowMs()) {
					posts.push(post(pool, pathname, template, posts.length));
				}
				if (posts.length === count) resolve();
				else setTimeout(postDue, Math.ceil(dueAt(posts.length) - nowMs()));
			};
			const dueAt = (index: number) => startAt + (index / ratePerS) * 1_000;
			postDue();
		});
		await Promise.all(posts);
	} finally {
		await pool.destroy();
	}
}

function post(pool: Pool, path: string, template: Template, sequence: number): Promise<void> {
	stamp(template, sequence);
	const body = Buffer.from(template.bytes);
	const id = `evt_01936a2e-0000-7000-8000-0000${String(sequence).padStart(8, "0")}`;
	const timestamp = String(Math.floor(Date.now() / 1_000));
	const mac = createHmac("sha256", SECRET).update(`${id}.${timestamp}.`).update(body).digest("base64");
	const headers = {
		"content-type": "application/json",
		"user-agent": USER_AGENT,
		"webhook-id": id,
		"webhook-timestamp": timestamp,
		"webhook-signature": `v1,${mac}`,
	};
	return new Promise((resolve, reject) => {
		pool.dispatch({ path, method: "POST", headers, body }, new Answer(resolve, reject));
	});
}

class Answer implements Dispatcher.DispatchHandler {
	readonly #resolve: () => void;
	readonly #reject: (error: Error) => void;
	#status = 0;

	constructor(resolve: () => void, reject: (error: Error) => void) {
		this.#resolve = resolve;
		this.#reject = reject;
	}

	onRequestStart(): void {}

	onResponseStart(_: Dispatcher.DispatchController, status: number): void {
		this.#status = status;
	}

	onResponseData(): void {}

	onResponseEnd(): void {
		if (this.#status === 200) this.#resolve();
		else this.#reject(new Error(`the receiver responded to the floor's pump with ${this.#status}`));
	}

	onResponseError(_: Dispatcher.DispatchController, error: Error): void {
		this.#reject(error);
	}
}

serveCalls<FloorPumpCalls>({ pump, pace });
