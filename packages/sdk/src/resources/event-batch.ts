// Sending many events: cut into requests that the server takes, answered as one list.
import { FanfareError, PayloadTooLargeError, UnexpectedResponseError, type Issue } from "../errors.ts";
import type { Event, SendEvent } from "./event.ts";

/** What became of one event of a batch, at the place of the event. */
export type BatchResult =
	| { readonly status: 202; readonly event: Event; readonly error?: undefined }
	| { readonly status: number; readonly event?: undefined; readonly error: BatchResultError };

export interface BatchResultError {
	readonly message: string;
	readonly code: string | null;
	readonly issues?: readonly Issue[];
}

/**
 * A batch that went in several requests has failed after some of them. `cause` is what the failed request threw.
 *
 * @example
 * try {
 * 	await project.events.sendBatch(events);
 * } catch (error) {
 * 	if (!(error instanceof BatchError)) throw error;
 * 	await project.events.sendBatch(error.remaining); // the same idempotency keys: nothing is sent twice
 * }
 */
export class BatchError extends FanfareError {
	override readonly name = "BatchError";
	/** Of the events before the failed request, in order. */
	readonly results: readonly BatchResult[];
	/** The events from the failed request on, with their idempotency keys. Whether the failed request's were accepted is not known. */
	readonly remaining: readonly SendEvent[];

	constructor(message: string, details: Pick<BatchError, "results" | "remaining"> & { cause: unknown }) {
		super(message, { cause: details.cause });
		this.results = details.results;
		this.remaining = details.remaining;
	}
}

const MAX_EVENTS = 1_000;
const MAX_BYTES = 5 * 1_024 * 1_024;
const HEAD = '{"events":[';
const TAIL = "]}";

/** Sends the events in as few requests as the limits allow, one after the other. */
export async function sendChunks(
	events: readonly SendEvent[],
	wireEvent: (event: SendEvent) => unknown,
	post: (json: string) => Promise<unknown>,
): Promise<BatchResult[]> {
	const results: BatchResult[] = [];
	for (const chunk of chunksOf(events.map((event) => JSON.stringify(wireEvent(event))))) {
		try {
			// One by one: a spread of a large list overflows the stack.
			const first = results.length;
			for (const result of await sendChunk(chunk, post)) results.push(placed(result, first));
		} catch (cause) {
			if (results.length === 0) throw cause;
			const message = `The batch stopped after ${results.length} of ${events.length} events: ${messageOf(cause)}`;
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
		// An event that alone is too large is that event's failure, not the others'.
		if (chunk.length > 1 || !(error instanceof PayloadTooLargeError)) throw error;
		return [{ status: 413, error: { message: error.message, code: error.code } }];
	}
}

function checkedResults(answer: unknown, count: number): readonly BatchResult[] {
	const data = (answer as { readonly data?: readonly BatchResult[] } | null)?.data;
	if (Array.isArray(data) && data.length === count && data.every(isResult)) return data;
	const message = `A batch of ${count} events was answered without one result for each.`;
	throw new UnexpectedResponseError(message, { status: 202, requestId: null });
}

/** The result with its places counted over the whole batch: the server counts from the beginning of each request. */
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
