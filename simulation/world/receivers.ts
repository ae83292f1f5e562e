// The receivers of all webhooks: how each responds at the moment, and what they have seen. They outlive the server.
import type { Random } from "@fanfare/testkit/seeded-random";

import type { AttemptError, AttemptOutcome, AttemptRequest } from "../../packages/server/src/ports/sender.ts";
import type { SimClock } from "./sim-clock.ts";

/** How a receiver responds. */
export type Mode =
	| { readonly kind: "status"; readonly status: number }
	/** Responds with 429 or 503 and asks to wait. */
	| { readonly kind: "busy"; readonly status: 429 | 503; readonly seconds: number; readonly asDate: boolean }
	/** Sends the head of a response with status 200, and never the end. */
	| { readonly kind: "endless" }
	/** Every other request fails with 500. */
	| { readonly kind: "flaky" }
	| { readonly kind: "hang" | "reset" | "refused" };

/** What a request is answered with, and when. */
export interface Answer {
	readonly afterMs: number;
	readonly outcome: AttemptOutcome;
}

const FINE: Mode = { kind: "status", status: 200 };
const NORMAL_MS = { from: 1, to: 60 } as const;
const SLOW_SHARE = 0.05;
const SLOW_MS = 3_000;

export class Receivers {
	readonly #clock: Pick<SimClock, "now">;
	readonly #random: Random;
	readonly #modes = new Map<string, Mode>();
	readonly #counts = new Map<string, number>();
	/** Modes of all receivers, once everything is healed. */
	#healed = false;

	/** @param random the chance of latencies */
	constructor(clock: Pick<SimClock, "now">, random: Random) {
		this.#clock = clock;
		this.#random = random;
	}

	/** `name` is the receiver's host. */
	set(name: string, mode: Mode): void {
		this.#modes.set(name, mode);
	}

	/** From now on every receiver responds with 200. */
	heal(): void {
		this.#healed = true;
	}

	get healed(): boolean {
		return this.#healed;
	}

	/** How the receiver answers this request. */
	answer(name: string, { timeoutMs }: AttemptRequest): Answer {
		const count = this.#counts.get(name) ?? 0;
		this.#counts.set(name, count + 1);
		const mode = this.#healed ? FINE : (this.#modes.get(name) ?? FINE);
		const latencyMs = this.#latencyMs();
		const answer = this.#answerOf(mode, count, latencyMs, timeoutMs);
		return answer.afterMs <= timeoutMs ? answer : failed("timeout", timeoutMs, 0);
	}

	#latencyMs(): number {
		const random = this.#random;
		if (!this.#healed && random() < SLOW_SHARE) return Math.ceil(random() * SLOW_MS);
		return NORMAL_MS.from + Math.floor(random() * (NORMAL_MS.to - NORMAL_MS.from));
	}

	#answerOf(mode: Mode, count: number, latencyMs: number, timeoutMs: number): Answer {
		switch (mode.kind) {
			case "status":
				return complete(mode.status, latencyMs, {});
			case "flaky":
				return complete(count % 2 === 0 ? 500 : 200, latencyMs, {});
			case "busy": {
				const at = this.#clock.now() + mode.seconds * 1_000;
				const retryAfter = mode.asDate ? new Date(at).toUTCString() : String(mode.seconds);
				return complete(mode.status, latencyMs, { "retry-after": retryAfter });
			}
			case "endless":
				return failed("timeout", timeoutMs, 200);
			case "hang":
				return failed("timeout", timeoutMs, 0);
			case "reset":
			case "refused":
				return failed(mode.kind, latencyMs, 0);
		}
	}
}

function complete(responseCode: number, afterMs: number, headers: Readonly<Record<string, string>>): Answer {
	const response = { headers, body: `status ${responseCode}`, bodyTruncated: false };
	return { afterMs, outcome: { ...outcomeWith(responseCode, afterMs), response } };
}

/** An attempt without a complete response. `responseCode` is that of the response that broke off, or 0. */
export function failed(error: AttemptError, afterMs: number, responseCode: number): Answer {
	const response = responseCode === 0 ? null : { headers: {}, body: "", bodyTruncated: false };
	return {
		afterMs,
		outcome: { ...outcomeWith(responseCode, afterMs), error, reason: `simulated: ${error}`, response },
	};
}

/** What outcomes have in common. */
function outcomeWith(responseCode: number, durationMs: number): AttemptOutcome {
	const firstByteMs = responseCode === 0 ? null : durationMs;
	const failure = { error: null, reason: null, detail: null, cause: null };
	return { responseCode, ...failure, durationMs, firstByteMs, connection: null, response: null };
}
