// Conformance checks: whether the receiver of a webhook does what receivers must do.
import type { RequestOptions, Transport } from "../../transport.ts";
import type * as wire from "../../wire/generated/types.ts";

/** Options of `conform`. All are optional. */
export interface ConformOptions extends RequestOptions {
	/** The event type of the requests. Defaults to `conform.test`, with `{}` as its data. */
	readonly eventType?: string | undefined;
	/** The data of the requests, any JSON value but null. Defaults to the example of `eventType`. */
	readonly data?: unknown;
	/** The names of checks to make, beside the basic ones. Defaults to all. */
	readonly checks?: readonly string[] | undefined;
	/** How many requests come at once in the check `burst`, 1–50. Defaults to 20. */
	readonly burst?: number | undefined;
	/** How long the first answer may take in the check `quick`, in milliseconds, 1–15,000. Defaults to 5,000. */
	readonly slowMs?: number | undefined;
}

/** The result of a conformance check of a receiver. */
export interface Conformance {
	/** Always `"conformance"`. */
	readonly object: "conformance";
	/** Whether every check was made and passed. */
	readonly conforms: boolean;
	/** Why the rest was skipped, which says nothing about the receiver; null if it was not. */
	readonly endedEarly: string | null;
	/** How many requests were sent. */
	readonly requestCount: number;
	/** The checks, in their order. */
	readonly checks: readonly ConformanceCheck[];
}

/** One check and its result. */
export interface ConformanceCheck {
	/** Such as `changed_body`. */
	readonly name: string;
	/** What a correct receiver does. */
	readonly title: string;
	/** `skipped` if a basic check has failed before, or the whole check ended early. */
	readonly result: "passed" | "failed" | "skipped";
	/** What is wrong, and what to do, in sentences; null unless the result is `failed`. */
	readonly problem: string | null;
	/** How long it took. */
	readonly durationMs: number;
}

// A check takes up to a minute on the server, and a last attempt; the client must not give up first.
const TIMEOUT_MS = 90_000;

export function conformWebhook(
	transport: Transport,
	webhookPath: string,
	options: ConformOptions,
): Promise<Conformance> {
	const { eventType, data, checks, burst, slowMs } = options;
	const body: wire.ConformWebhook = {
		eventType,
		data,
		checks: checks === undefined ? undefined : [...checks],
		burst,
		slowMs,
	};
	const isAsked = Object.values(body).some((value) => value !== undefined);
	const request = {
		method: "POST",
		path: `${webhookPath}:conform`,
		...(isAsked && { json: JSON.stringify(body) }),
		answer: "conformance",
	} as const;
	const timeoutMs = options.timeoutMs ?? Math.max(transport.timeoutMs, TIMEOUT_MS);
	return transport.request<Conformance>(request, { ...options, timeoutMs });
}
