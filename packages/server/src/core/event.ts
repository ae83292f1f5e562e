// Events: immutable once accepted. The request body that receivers get is built here, once.
import type { EventCustomers } from "./access/customer.ts";
import { isoTime } from "./clock.ts";

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
	/** The customers that it is for. */
	readonly customers: EventCustomers;
	/** In the order of the sender; `NO_TAGS` if there are none. */
	readonly tags: readonly string[];
}

/** The largest number of tags of an event. */
export const MAX_TAGS = 5;
export const TAG_MAX_LENGTH = 64;
/** A tag, such as `order:42`: none needs an escape in a list of several, and none is a formula in a spreadsheet. */
export const TAG_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:/=@-]{0,63}$/;
export const NO_TAGS: readonly string[] = [];

/** Whom the sender named: nobody in particular (every webhook that wants the event gets it), single webhooks, or no webhook at all. */
export const EVENT_TARGETS = ["everyone", "webhooks", "nobody"] as const;
export type EventTargets = (typeof EVENT_TARGETS)[number];

/** The data of a send that is kept beside the event, for as long as the event. */
export interface EventDetails {
	readonly idempotencyKey: string | null;
	/** Null if it is not known, as of events of version 0.1. */
	readonly targets: EventTargets | null;
	/** The `traceparent` header of the request, as W3C Trace Context defines it; null if there was none. Each attempt sends it on. */
	readonly traceparent: string | null;
}

/** A `traceparent` header of any version; parts that versions after 00 add at the end are allowed. */
const TRACEPARENT_PATTERN =
	/^(?!ff|00-.{53})[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[!-~]{1,200})?$/;

/**
 * The `traceparent` of a request; null if it has none. One that is malformed is ignored, as its specification demands: tracing must
 * never be the reason that an event is refused.
 *
 * @example
 * traceparentOf("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"); // the same text
 */
export function traceparentOf(header: string | null): string | null {
	return header !== null && TRACEPARENT_PATTERN.test(header) ? header : null;
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
	/** The `traceparent` of the request that it came with. */
	readonly traceparent: string | null;
	/** The customers that the event is for: see `isFor` of core/access/customer.ts. */
	readonly customers: EventCustomers;
	/** Up to `MAX_TAGS`, by which the event and its deliveries are found. They are in no request to receivers. */
	readonly tags: readonly string[];
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
	return Buffer.from(`{"type":"${type}","timestamp":"${isoTime(timestamp)}","data":${dataJson}}`);
}

/** The bytes of `data` exactly as the producer wrote them: a part of the body that `buildBody` made. */
export function dataBytesOf({ type, timestamp }: Pick<Event, "type" | "timestamp">, body: Uint8Array): Uint8Array {
	return body.subarray(buildBody(type, timestamp, "").length - 1, -1);
}

/** The same as text. */
export function dataJsonOf(event: Pick<Event, "type" | "timestamp">, body: Uint8Array): string {
	const data = dataBytesOf(event, body);
	return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8");
}
