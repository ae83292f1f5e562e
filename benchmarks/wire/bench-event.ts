// The benchmark event, which all scenarios and the floor send: 1,024 bytes at its receiver unless a scenario says otherwise.
// Each event carries the number of its series (one load of the generator) and its own number within the series.
import { digits } from "./framing.ts";

/** Size of a body as receivers get it. */
export const BODY_BYTES = 1_024;

const TYPE = "order.line.shipped";
/** Followed by a webhook's number, for events that are spread over many webhooks; the result is as long as `TYPE`. */
const NUMBERED_TYPE = "order.row.";
const NUMBERED_TYPE_KEY = `"type":"${NUMBERED_TYPE}`;
const SERIES_DIGITS = 6;
const SEQUENCE_DIGITS = 8;
const SEQUENCES_PER_SERIES = 10 ** SEQUENCE_DIGITS;
const ZEROS = "0".repeat(SERIES_DIGITS + SEQUENCE_DIGITS);
const SEQUENCE_KEY = '"seq":"';
const SEQUENCE_KEY_BYTES = Buffer.from(SEQUENCE_KEY);
const DIGIT_0 = 0x30;

/** Bytes that are sent again and again, with other sequence numbers each time. */
export interface Template {
	readonly bytes: Buffer;
	/** Where the events' sequence numbers start in `bytes`. */
	readonly numbersAt: readonly number[];
	/** Where the webhooks' numbers start, in the events' types. A webhook's number is the event's modulo `spread`. */
	readonly typesAt: readonly number[];
	readonly spread: number;
}

/** Where the load generator sends its events, and the series that it sends. */
export interface SeriesTarget {
	readonly serverUrl: string;
	readonly key: string;
	readonly projectId: string;
	/** The number of webhooks over which the events are spread, each event to one of them; 1: all events have one type. */
	readonly spread: number;
	/** From `Receiver.newSeries`. */
	readonly series: number;
}

/** The type of the events for webhook `number` of many. */
export function numberedType(number: number): string {
	return NUMBERED_TYPE + String(number).padStart(SEQUENCE_DIGITS, "0");
}

/** A request that sends one event, or `batchSize` of them, to Fanfare. */
export function sendTemplate(target: SeriesTarget, batchSize: number, bodyBytes = BODY_BYTES): Template {
	const type = target.spread === 1 ? TYPE : numberedType(0);
	const event = `{"type":"${type}","data":${eventData(bodyBytes)}}`;
	const body = batchSize === 1 ? event : `{"events":[${Array.from({ length: batchSize }, () => event).join(",")}]}`;
	const head =
		`POST /projects/${target.projectId}/events${batchSize === 1 ? "" : ":batch"} HTTP/1.1\r\n` +
		`host: ${new URL(target.serverUrl).host}\r\nauthorization: Bearer ${target.key}\r\n` +
		`content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
	return template(Buffer.from(head + body), target);
}

/** A body as Fanfare builds it. */
export function bodyTemplate(series: number, bodyBytes = BODY_BYTES): Template {
	return template(Buffer.from(deliveredBody(eventData(bodyBytes))), { series, spread: 1 });
}

/** A request that POSTs such a body to a receiver. */
export function postTemplate(url: string, bodyBytes = BODY_BYTES): Template {
	const { host, pathname } = new URL(url);
	const body = deliveredBody(eventData(bodyBytes));
	const head = `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
	return template(Buffer.from(head + body), { series: 0, spread: 1 });
}

/** Numbers the events of a template from `first` on. */
export function stamp({ bytes, numbersAt, typesAt, spread }: Template, first: number): void {
	for (const [index, at] of numbersAt.entries()) writeNumber(bytes, at, SEQUENCE_DIGITS, first + index);
	for (const [index, at] of typesAt.entries()) writeNumber(bytes, at, SEQUENCE_DIGITS, (first + index) % spread);
}

function writeNumber(bytes: Buffer, at: number, length: number, value: number): void {
	let rest = value;
	for (let index = at + length - 1; index >= at; index--) {
		bytes[index] = DIGIT_0 + (rest % 10);
		rest = Math.trunc(rest / 10);
	}
}

/** The number of the first event of a series. Those after it follow one by one. */
export function firstNumberOf(series: number): number {
	return series * SEQUENCES_PER_SERIES;
}

/** The text that carries an event's number in its data, as `seq`. */
export function numberText(series: number, sequence: number): string {
	return String(firstNumberOf(series) + sequence).padStart(SERIES_DIGITS + SEQUENCE_DIGITS, "0");
}

/** The number of the event whose body begins at `bodyAt`; -1 if it is not a benchmark event. */
export function eventNumberOf(bytes: Buffer, bodyAt: number): number {
	const at = bytes.indexOf(SEQUENCE_KEY_BYTES, bodyAt);
	return at === -1 ? -1 : digits(bytes, at + SEQUENCE_KEY_BYTES.length);
}

function template(bytes: Buffer, { series, spread }: Pick<SeriesTarget, "series" | "spread">): Template {
	const after = (text: string): number[] => {
		const places: number[] = [];
		for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) places.push(at + text.length);
		return places;
	};
	const numbers = after(SEQUENCE_KEY);
	for (const at of numbers) writeNumber(bytes, at, SERIES_DIGITS, series);
	const numbersAt = numbers.map((at) => at + SERIES_DIGITS);
	return { bytes, numbersAt, typesAt: spread === 1 ? [] : after(NUMBERED_TYPE_KEY), spread };
}

function deliveredBody(data: string): string {
	return `{"type":"${TYPE}","timestamp":"2026-11-24T13:24:00.000Z","data":${data}}`;
}

/** JSON such as applications send: nested, of several types, padded with text to the wanted size. */
function eventData(bodyBytes = BODY_BYTES): string {
	const withNote = (note: string) =>
		`{${SEQUENCE_KEY}${ZEROS}","orderId":4711004711,"customer":{"id":"cus_8f14e45fceea","name":"Ada Lovelace",` +
		`"email":"ada@example.com","isBusiness":false},"currency":"EUR","total":1249.9,"lines":[` +
		`{"sku":"KB-104-DE","quantity":1,"price":89.9,"tax":0.19},{"sku":"MN-27-4K","quantity":2,"price":580,"tax":0.19}],` +
		`"shipping":{"carrier":"dhl","tracking":"00340434161094042557","eta":null},"note":"${note}"}`;
	const missing = bodyBytes - Buffer.byteLength(deliveredBody(withNote("")));
	return withNote("Please ring twice. ".repeat(bodyBytes).slice(0, missing));
}
