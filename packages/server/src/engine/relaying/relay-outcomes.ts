// The outcomes of relays' attempts.
import { ResponseReader } from "../../core/receivers/response-reader.ts";
import type { RelayedOutcome } from "../../ports/relay-wire.ts";
import type { AttemptOutcome } from "../../ports/sender.ts";
import type { RelayAnswer } from "../relay-calls.ts";

const NOTHING = {
	responseCode: 0,
	error: null,
	reason: null,
	detail: null,
	cause: null,
	durationMs: 0,
	firstByteMs: null,
	connection: null,
	response: null,
} as const satisfies AttemptOutcome;

/** The attempt says nothing about the receiver: nobody was there to ask it. */
export function awayOutcome(reason: string, durationMs: number): AttemptOutcome {
	return { ...NOTHING, error: "away", reason, durationMs };
}

export function abortedOutcome(durationMs: number): AttemptOutcome {
	const reason = "the attempt was aborted before the response was complete";
	return { ...NOTHING, error: "aborted", reason, durationMs };
}

/** The client is there and has not answered. */
export function timeoutOutcome(durationMs: number): AttemptOutcome {
	const reason = "the relay's client did not answer within the timeout";
	return { ...NOTHING, error: "timeout", reason, cause: "response_timeout", durationMs };
}

/** What a client's answer means. Of the response, the log keeps as much as of any other. */
export function answerOutcome(answer: RelayAnswer, durationMs: number): AttemptOutcome {
	if ("error" in answer) {
		const { error, reason } = answer;
		return { ...NOTHING, error, reason: reason ?? `the relay's client reports: ${error}`, durationMs };
	}
	const reader = new ResponseReader(headersOf(answer.headers));
	reader.add(Buffer.from(answer.body));
	return { ...NOTHING, responseCode: answer.status, durationMs, response: reader.response(true) };
}

/** The outcome for the process that makes the attempt, which knows how long it took. */
export function relayedOutcome({ durationMs: _durationMs, ...outcome }: AttemptOutcome): RelayedOutcome {
	return outcome;
}

/** Headers by their names in lower case; those of the same name together, in their order. */
function headersOf(pairs: readonly (readonly [string, string])[]): Record<string, string[]> {
	const headers: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
	for (const [name, value] of pairs) (headers[name.toLowerCase()] ??= []).push(value);
	return headers;
}
