// Sends many events: in several requests if the server's limits require it, with the results in one list.
import { FanfareError, PayloadTooLargeError, UnexpectedResponseError, type Issue } from "../errors.ts";
import type * as wire from "../wire/generated/types.ts";
import type { Event, EventToSend, SendEvent } from "./event.ts";

/** The result of one event of a batch: the accepted event, or an error. */
export type BatchResult =
	| {
			/** 202: the event is accepted. */
			readonly status: 202;
			/** The accepted event. */
			readonly event: Event;
			/** Not present: the event is accepted. */
			readonly error?: undefined;
	  }
	| {
			/** The HTTP status that the event would have got alone. */
			readonly status: number;
			/** Not present: the event is not accepted. */
			readonly event?: undefined;
			/** Why it is not accepted. */
			readonly error: BatchResultError;
	  };

/** Why an event of a batch was not accepted. */
export interface BatchResultError {
	/** Why the event was refused, as a sentence. */
	readonly message: string;
	/** The server's stable error code; null if there is none. */
	readonly code: string | null;
	/** The problems in the event. Present only if it was not valid. */
	readonly issues?: readonly Issue[];
}

/**
 * A batch of several requests has failed, but not in the first request. `cause` is the error of the failed request.
 *
 * @example
 * try {
 * 	await project.events.sendBatch(events);
 * } catch (error) {
 * 	if (!(error instanceof BatchError)) throw error;
 * 	await project.events.sendBatch(error.remaining); // with the same idempotency keys: no event is accepted twice
 * }
 */
export class BatchError extends FanfareError {
	override readonly name = "BatchError";
	/** The results of the events before the failed request, in order. */
	readonly results: readonly BatchResult[];
	/**
	 * The events from the failed request on, with their idempotency keys. Those of the failed request may have been
	 * accepted.
	 */
	// oxlint-disable-next-line typescript/no-explicit-any -- a client of any types takes them again
	readonly remaining: readonly EventToSend<any, any>[];

	/** Errors are made by `sendBatch`. For tests of your own, make one with the fields that your code reads. */
	constructor(message: string, details: Pick<BatchError, "results" | "remaining" | "cause">) {
		super(message, { cause: details.cause });
		this.results = details.results;
		this.remaining = details.remaining;
	}
}

const MAX_EVENTS = 1_000;
const MAX_BYTES = 5 * 1_024 * 1_024;
const HEAD = '{"events":[';
const TAIL = "]}";

/** Sends the events in as few requests as the server's limits allow, one after the other. */
export async function sendChunks(
	events: readonly SendEvent[],
	wireEvent: (event: SendEvent) => wire.SendEvent,
	post: (json: string) => Promise<unknown>,
): Promise<BatchResult[]> {
	const results: BatchResult[] = [];
	for (const chunk of chunksOf(events.map((event) => JSON.stringify(wireEvent(event))))) {
		try {
			// Pushed one by one, because spreading a large list overflows the stack.
			const first = results.length;
			for (const result of await sendChunk(chunk, post)) results.push(placed(result, first));
		} catch (cause) {
			if (results.length === 0) throw cause;
			const message = `The batch stopped after ${results.length} of ${events.length} ${events.length === 1 ? "event" : "events"}: ${messageOf(cause)}`;
			throw new BatchError(message, { results, remaining: events.slice(results.length), cause });
		}
	}
	return results;
}

function* chunksOf(events: readonly string[]): Generator<readonly string[]> {
	const encoder = new TextEncoder();
	let chunk: string[] = [];
	let size = 0;
	for (const event of events) {
		const eventSize = encoder.encode(event).length + 1;
		if (chunk.length === MAX_EVENTS || (chunk.length > 0 && size + eventSize > MAX_BYTES)) {
			yield chunk;
			chunk = [];
			size = 0;
		}
		if (chunk.length === 0) size = HEAD.length + TAIL.length;
		chunk.push(event);
		size += eventSize;
	}
	if (chunk.length > 0) yield chunk;
}

async function sendChunk(
	chunk: readonly string[],
	post: (json: string) => Promise<unknown>,
): Promise<readonly BatchResult[]> {
	try {
		const answer = await post(`${HEAD}${chunk.join(",")}${TAIL}`);
		return checkedResults(answer, chunk.length);
	} catch (error) {
		// If a single event is too large, only that event fails.
		if (chunk.length > 1 || !(error instanceof PayloadTooLargeError)) throw error;
		return [{ status: 413, error: { message: error.message, code: error.code } }];
	}
}

function checkedResults(answer: unknown, count: number): readonly BatchResult[] {
	const data = (answer as { readonly data?: readonly BatchResult[] } | null)?.data;
	if (Array.isArray(data) && data.length === count && data.every(isResult)) return data;
	const message = `The response to a batch of ${count} ${count === 1 ? "event" : "events"} does not contain one result for each event.`;
	throw new UnexpectedResponseError(message, { status: 202, requestId: null });
}

/** Adjusts the paths in a result to the whole batch: the server counts events from the start of each request. */
function placed(result: BatchResult, first: number): BatchResult {
	const { error } = result;
	if (error === undefined || first === 0) return result;
	const moved = (text: string) => text.replace(/^events\.(\d+)/, (_, n: string) => `events.${Number(n) + first}`);
	const issues = error.issues?.map((issue) => ({ ...issue, path: moved(issue.path) }));
	const message = moved(error.message);
	return { ...result, error: issues === undefined ? { ...error, message } : { ...error, message, issues } };
}

function isResult(result: Partial<BatchResult> | null): boolean {
	return typeof result?.status === "number" && typeof (result.event ?? result.error) === "object";
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
