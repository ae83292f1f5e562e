// Events: what a producer sends. Immutable once accepted; the bytes that receivers get are built here, once.

/** An accepted event, without its body. */
export interface Event {
	readonly id: string;
	readonly projectId: string;
	readonly type: string;
	/** When it happened, as the producer says, or when it was accepted. */
	readonly timestamp: number;
	readonly createDate: number;
	readonly deliveryCount: number;
}

/** A send, checked, before it becomes an event. */
export interface EventInput {
	readonly type: string;
	/** The JSON text of `data`, exactly as the producer wrote it. */
	readonly dataJson: string;
	readonly timestamp: number | null;
	readonly idempotencyKey: string | null;
	/** Named webhooks, or null for all whose filter matches. */
	readonly webhookIds: readonly string[] | null;
}

/** `type`: groups of letters, digits and `_`, `-` joined by full stops, such as `batch.job.completed`. */
export const EVENT_TYPE_PATTERN = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
export const EVENT_TYPE_MAX_LENGTH = 256;

/** Whether an event can have this type. */
export function isEventTypeName(text: string): boolean {
	return text.length <= EVENT_TYPE_MAX_LENGTH && EVENT_TYPE_PATTERN.test(text);
}

/** The most that an event may weigh as it comes in, with all that stands beside its data. */
export const MAX_EVENT_BYTES = 256 * 1_024;
/** The most that receivers get: `buildBody` adds the timestamp to what came in. */
export const MAX_BODY_BYTES = MAX_EVENT_BYTES + '"timestamp":"1970-01-01T00:00:00.000Z",'.length;

/**
 * The body that every attempt sends: `{"type":…,"timestamp":…,"data":…}`, with the producer's bytes for `data`.
 *
 * @example
 * buildBody("user.created", 0, '{"n":1.0}');
 * // {"type":"user.created","timestamp":"1970-01-01T00:00:00.000Z","data":{"n":1.0}}
 */
export function buildBody(type: string, timestamp: number, dataJson: string): Uint8Array {
	return Buffer.from(`{"type":"${type}","timestamp":"${new Date(timestamp).toISOString()}","data":${dataJson}}`);
}

/** The producer's bytes for `data`, out of the body of its event. */
export function dataJsonOf({ type, timestamp }: Pick<Event, "type" | "timestamp">, body: Uint8Array): string {
	const start = buildBody(type, timestamp, "").length - 1;
	return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8", start, body.byteLength - 1);
}
