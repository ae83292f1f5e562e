// Events: immutable once accepted. The request body that receivers get is built here, once.

/** An accepted event, without its body. */
export interface Event {
	readonly id: string;
	readonly projectId: string;
	readonly type: string;
	/** When it happened: the producer's time, or the time of acceptance if the producer gave none. */
	readonly timestamp: number;
	/** When it was accepted. */
	readonly createDate: number;
	readonly deliveryCount: number;
}

/** A validated send, before it becomes an event. */
export interface EventInput {
	readonly type: string;
	/** The JSON text of `data`, exactly as the producer wrote it. */
	readonly dataJson: string;
	readonly timestamp: number | null;
	readonly idempotencyKey: string | null;
	/** The webhooks to deliver to; null for all whose filter matches. */
	readonly webhookIds: readonly string[] | null;
}

/** A `type`: groups of letters, digits, `_` and `-`, joined by full stops, such as `batch.job.completed`. */
export const EVENT_TYPE_PATTERN = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
export const EVENT_TYPE_MAX_LENGTH = 256;

/** Whether `text` is a valid event type. */
export function isEventTypeName(text: string): boolean {
	return text.length <= EVENT_TYPE_MAX_LENGTH && EVENT_TYPE_PATTERN.test(text);
}

/** The largest size of an incoming event in bytes, including the fields beside `data`. */
export const MAX_EVENT_BYTES = 256 * 1_024;
/** The largest size of a request body in bytes: `buildBody` can add a timestamp to the incoming event. */
export const MAX_BODY_BYTES = MAX_EVENT_BYTES + '"timestamp":"1970-01-01T00:00:00.000Z",'.length;

/**
 * The request body of every attempt: `{"type":…,"timestamp":…,"data":…}`, with the producer's bytes for `data`.
 *
 * @example
 * buildBody("user.created", 0, '{"n":1.0}');
 * // {"type":"user.created","timestamp":"1970-01-01T00:00:00.000Z","data":{"n":1.0}}
 */
export function buildBody(type: string, timestamp: number, dataJson: string): Uint8Array {
	return Buffer.from(`{"type":"${type}","timestamp":"${new Date(timestamp).toISOString()}","data":${dataJson}}`);
}

/** The JSON text of `data` exactly as the producer wrote it, taken from the body that `buildBody` made. */
export function dataJsonOf({ type, timestamp }: Pick<Event, "type" | "timestamp">, body: Uint8Array): string {
	const start = buildBody(type, timestamp, "").length - 1;
	return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8", start, body.byteLength - 1);
}
