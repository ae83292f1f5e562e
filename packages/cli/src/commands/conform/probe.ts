// Sends the requests of a conformance check from this machine, signed with the secret of a file.
import { randomBytes, randomUUID } from "node:crypto";

import type { Probe, Variation } from "@fanfare/server/conformance";

import { forward, type HeaderPairs, type Outcome } from "../listen/forward.ts";
import type { Target } from "../listen/target.ts";
import { signedHeaders, type Secret } from "../signing/signature.ts";

/** What the events have. */
export interface Sample {
	readonly type: string;
	readonly data: unknown;
}

const AGENT = "Fanfare-conform";
const OTHER_SECRET_BYTES = 32;

/** Sends requests to one receiver. */
export class LocalProbe implements Probe {
	readonly #target: Target;
	readonly #secrets: Readonly<Record<"right" | "other", Secret>>;
	readonly #sample: Sample;
	readonly #timeoutMs: number;
	#count = 0;

	constructor(target: Target, secret: Secret, sample: Sample, timeoutMs: number) {
		const other = randomBytes(OTHER_SECRET_BYTES);
		this.#target = target;
		this.#secrets = { right: secret, other: { text: `whsec_${other.toString("base64")}`, bytes: other } };
		this.#sample = sample;
		this.#timeoutMs = timeoutMs;
	}

	get type(): string {
		return this.#sample.type;
	}

	get count(): number {
		return this.#count;
	}

	newId(): string {
		return `evt_${randomUUID()}`;
	}

	isoTime(): string {
		return new Date().toISOString();
	}

	monotonicMs(): number {
		return performance.now();
	}

	isOver(): boolean {
		return false;
	}

	body(more: object = {}): string {
		const { type, data } = this.#sample;
		return JSON.stringify({ type, timestamp: this.isoTime(), data, ...more });
	}

	send(variation: Variation = {}): Promise<Outcome> {
		const { body = this.body(), id = this.newId(), secondsFromNow = 0, signers = ["right"] } = variation;
		const { bodyAfter = body, headersAfter = (headers: HeaderPairs) => headers } = variation;
		const seconds = Math.floor(Date.now() / 1_000) + secondsFromNow;
		const secrets = signers.map((signer) => this.#secrets[signer]);
		const headers = [
			["content-type", "application/json"],
			["user-agent", AGENT],
			...signedHeaders(secrets, id, seconds, Buffer.from(body)),
		] as const;
		this.#count++;
		return forward(this.#target, { headers: headersAfter(headers), body: Buffer.from(bodyAfter) }, this.#timeoutMs);
	}
}
