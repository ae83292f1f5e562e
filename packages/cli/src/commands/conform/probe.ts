// Sends signed requests to a receiver, in every form in which its checks need them.
import { randomUUID } from "node:crypto";

import { forward, type HeaderPairs, type Outcome } from "../listen/forward.ts";
import type { Target } from "../listen/target.ts";
import { signedHeaders, type Secret } from "../signing/signature.ts";

/** How a request differs from a valid one. */
export interface Variation {
	/** Defaults to a new event. */
	readonly body?: string;
	/** Defaults to a new id. */
	readonly id?: string;
	/** The time of the signature, in seconds from now. Defaults to 0. */
	readonly secondsFromNow?: number;
	/** Defaults to that of the receiver. */
	readonly secrets?: readonly Secret[];
	/** What is sent instead of the signed body. */
	readonly bodyAfter?: string;
	/** What is sent instead of the signed headers. */
	readonly headersAfter?: (headers: HeaderPairs) => HeaderPairs;
}

/** What the events have. */
export interface Sample {
	readonly type: string;
	readonly data: unknown;
}

const AGENT = "Fanfare-conform";

/** Sends requests to one receiver. */
export class Probe {
	readonly sample: Sample;
	readonly secret: Secret;
	readonly #target: Target;
	readonly #timeoutMs: number;
	#count = 0;

	constructor(target: Target, secret: Secret, sample: Sample, timeoutMs: number) {
		this.#target = target;
		this.secret = secret;
		this.sample = sample;
		this.#timeoutMs = timeoutMs;
	}

	/** How many requests were sent. */
	get count(): number {
		return this.#count;
	}

	/** A body as Fanfare sends it. */
	body(more: object = {}): string {
		const { type, data } = this.sample;
		return JSON.stringify({ type, timestamp: new Date().toISOString(), data, ...more });
	}

	send(variation: Variation = {}): Promise<Outcome> {
		const { body = this.body(), id = newId(), secondsFromNow = 0, secrets = [this.secret] } = variation;
		const { bodyAfter = body, headersAfter = (headers: HeaderPairs) => headers } = variation;
		const seconds = Math.floor(Date.now() / 1_000) + secondsFromNow;
		const headers = [
			["content-type", "application/json"],
			["user-agent", AGENT],
			...signedHeaders(secrets, id, seconds, Buffer.from(body)),
		] as const;
		this.#count++;
		return forward(this.#target, { headers: headersAfter(headers), body: Buffer.from(bodyAfter) }, this.#timeoutMs);
	}
}

/** The id of an event that no receiver has seen. */
export function newId(): string {
	return `evt_${randomUUID()}`;
}
