// Sends the requests of a conformance check to a webhook, by the sender of all attempts, and so behind the address guard.
import { createSecretKey, type KeyObject } from "node:crypto";

import { randomBytes } from "../../../core/chance.ts";
import { isoTime } from "../../../core/clock.ts";
import type { HeaderPairs, Probe, ProbeOutcome, Signer, Variation } from "../../../core/conformance/probe.ts";
import type { ArmedWebhook } from "../../../core/webhook.ts";
import { attemptOnce, isOwnFailure, type AttemptOutcome } from "../../../ports/sender.ts";
import { buildRequest } from "../../delivering/attempt.ts";
import type { EngineParts } from "../../parts.ts";
import type { EventPayload } from "../event-type-calls.ts";
import type { TriedWebhook } from "./tried-webhook.ts";

type Parts = Pick<EngineParts, "sender" | "clock" | "wall" | "ids" | "chance">;

/** All requests of a check together: the caller waits for the result. */
const TOTAL_MS = 60_000;
/** One request, however patient the webhook is. */
const MAX_TIMEOUT_MS = 15_000;
const OTHER_SECRET_BYTES = 32;

interface Probed {
	readonly latest: TriedWebhook["latest"];
	readonly sample: EventPayload;
}

export class WebhookProbe implements Probe {
	readonly #parts: Parts;
	readonly #userAgent: string;
	readonly #probed: Probed;
	readonly #endAt: number;
	#otherKey: KeyObject | null = null;
	#count = 0;
	#endedEarly: string | null = null;

	constructor(parts: Parts, userAgent: string, probed: Probed) {
		this.#parts = parts;
		this.#userAgent = userAgent;
		this.#probed = probed;
		this.#endAt = parts.clock.monotonicMs() + TOTAL_MS;
	}

	get type(): string {
		return this.#probed.sample.type;
	}

	get count(): number {
		return this.#count;
	}

	/** Why nothing can be sent any more; null if something can. */
	get endedEarly(): string | null {
		return this.#endedEarly;
	}

	isOver(): boolean {
		return this.#endedEarly !== null;
	}

	newId(): string {
		return this.#parts.ids.make("evt", this.#parts.clock.now());
	}

	isoTime(): string {
		return isoTime(this.#parts.clock.now());
	}

	monotonicMs(): number {
		return this.#parts.clock.monotonicMs();
	}

	body(more: Readonly<Record<string, unknown>> = {}): string {
		const { type, dataJson } = this.#probed.sample;
		const members = { type: JSON.stringify(type), timestamp: JSON.stringify(this.isoTime()), data: dataJson };
		const own = Object.entries(more).map(([name, value]): [string, string] => [name, JSON.stringify(value)]);
		const all = [...new Map([...Object.entries(members), ...own])];
		return `{${all.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
	}

	async send(variation: Variation = {}): Promise<ProbeOutcome> {
		const { clock, wall, sender } = this.#parts;
		const webhook = await this.#probed.latest();
		const leftMs = Math.floor(this.#endAt - clock.monotonicMs());
		if (webhook === null) return this.#end("The webhook was deleted meanwhile.");
		if (leftMs <= 0) return this.#end(`It took more than ${TOTAL_MS / 1_000} s in all.`);
		if (this.#endedEarly !== null) return this.#end(this.#endedEarly);
		const { body = this.body(), id = this.newId(), secondsFromNow = 0, signers = ["right"] } = variation;
		const { bodyAfter = body, headersAfter = (headers: HeaderPairs) => headers } = variation;
		const event = { eventId: id, body: Buffer.from(body), traceparent: null };
		const signed = { ...webhook, signingKeys: signers.flatMap((signer) => this.#keysOf(signer, webhook)) };
		const time = wall.now() + secondsFromNow * 1_000;
		const request = buildRequest(signed, event, this.#userAgent, clock.now(), time);
		const headers = Object.fromEntries(headersAfter(Object.entries(request.headers)));
		const timeoutMs = Math.min(webhook.timeoutMs, MAX_TIMEOUT_MS, leftMs);
		this.#count++;
		const outcome = await attemptOnce(sender, { ...request, headers, body: Buffer.from(bodyAfter), timeoutMs });
		if (isOwnFailure(outcome.error)) this.#endedEarly ??= `Fanfare could not send: ${outcome.reason ?? outcome.error}.`;
		return outcomeOf(outcome);
	}

	#keysOf(signer: Signer, { signingKeys }: ArmedWebhook): ArmedWebhook["signingKeys"] {
		if (signer === "right") return signingKeys;
		this.#otherKey ??= createSecretKey(randomBytes(this.#parts.chance, OTHER_SECRET_BYTES));
		return [{ key: this.#otherKey, expireDate: null }];
	}

	#end(reason: string): ProbeOutcome {
		this.#endedEarly ??= reason;
		return { kind: "failure", error: "ended", reason, durationMs: 0 };
	}
}

function outcomeOf({ error, reason, responseCode, response, durationMs }: AttemptOutcome): ProbeOutcome {
	const tookMs = Math.round(durationMs);
	if (error !== null) return { kind: "failure", error, reason: reason ?? error, durationMs: tookMs };
	return {
		kind: "response",
		status: responseCode,
		headers: Object.entries(response?.headers ?? {}),
		durationMs: tookMs,
	};
}
