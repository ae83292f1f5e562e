// The events of all scenarios and of the floor: each is 1,024 bytes as receivers get it unless said otherwise, with its number inside.
import { digits } from "./framing.ts";

/** Of a body as receivers get it. */
export const BODY_BYTES = 1_024;

const TYPE = "order.line.shipped";
/** Followed by a webhook's number, for events that are spread over many; as long as `TYPE` then. */
const NUMBERED_TYPE = "order.row.";
const NUMBERED_TYPE_KEY = `"type":"${NUMBERED_TYPE}`;
const SEQUENCE_DIGITS = 8;
const ZEROS = "0".repeat(SEQUENCE_DIGITS);
const SEQUENCE_KEY = '"seq":"';
const SEQUENCE_KEY_BYTES = Buffer.from(SEQUENCE_KEY);
const DIGIT_0 = 0x30;

/** Bytes that are sent again and again, with other sequence numbers each time. */
export interface Template {
	readonly bytes: Buffer;
	/** Where the numbers stand. */
	readonly numbersAt: readonly number[];
	/** Where the numbers of webhooks stand, in types: those of the events, divided by how many webhooks there are. */
	readonly typesAt: readonly number[];
	readonly spread: number;
}

/** Where to send, and what. */
export interface SampleTarget {
	readonly serverUrl: string;
	readonly key: string;
	readonly projectId: string;
	/** The number of webhooks over which the events are spread, each to one; 1: all have one type. */
	readonly spread: number;
}

/** The type of the events for webhook `number` of many. */
export function numberedType(number: number): string {
	return NUMBERED_TYPE + String(number).padStart(SEQUENCE_DIGITS, "0");
}

/** A request that sends one event, or `batchSize` of them, to Fanfare. */
export function sendTemplate(target: SampleTarget, batchSize: number, bodyBytes = BODY_BYTES): Template {
	const type = target.spread === 1 ? TYPE : numberedType(0);
	const event = `{"type":"${type}","data":${sampleData(bodyBytes)}}`;
	const body = batchSize === 1 ? event : `{"events":[${Array.from({ length: batchSize }, () => event).join(",")}]}`;
	const head =
		`POST /projects/${target.projectId}/events${batchSize === 1 ? "" : ":batch"} HTTP/1.1\r\n` +
		`host: ${new URL(target.serverUrl).host}\r\nauthorization: Bearer ${target.key}\r\n` +
		`content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
	return template(Buffer.from(head + body), target.spread);
}

/** A body as Fanfare builds it. */
export function bodyTemplate(bodyBytes = BODY_BYTES): Template {
	return template(Buffer.from(deliveredBody(sampleData(bodyBytes))), 1);
}

/** A request that POSTs such a body to a receiver. */
export function postTemplate(url: string, bodyBytes = BODY_BYTES): Template {
	const { host, pathname } = new URL(url);
	const body = deliveredBody(sampleData(bodyBytes));
	const head = `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
	return template(Buffer.from(head + body), 1);
}

/** Numbers the events of a template from `first` on. */
export function stamp({ bytes, numbersAt, typesAt, spread }: Template, first: number): void {
	for (const [index, at] of numbersAt.entries()) writeNumber(bytes, at, first + index);
	for (const [index, at] of typesAt.entries()) writeNumber(bytes, at, (first + index) % spread);
}

function writeNumber(bytes: Buffer, at: number, value: number): void {
	let rest = value;
	for (let index = at + SEQUENCE_DIGITS - 1; index >= at; index--) {
		bytes[index] = DIGIT_0 + (rest % 10);
		rest = Math.trunc(rest / 10);
	}
}

/** The number of the event whose body begins at `bodyAt`; -1 if it is none of ours. */
export function sequenceOf(bytes: Buffer, bodyAt: number): number {
	const at = bytes.indexOf(SEQUENCE_KEY_BYTES, bodyAt);
	return at === -1 ? -1 : digits(bytes, at + SEQUENCE_KEY_BYTES.length);
}

function template(bytes: Buffer, spread: number): Template {
	const after = (text: string): number[] => {
		const places: number[] = [];
		for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) places.push(at + text.length);
		return places;
	};
	return { bytes, numbersAt: after(SEQUENCE_KEY), typesAt: spread === 1 ? [] : after(NUMBERED_TYPE_KEY), spread };
}

function deliveredBody(data: string): string {
	return `{"type":"${TYPE}","timestamp":"2026-11-24T13:24:00.000Z","data":${data}}`;
}

/** An object such as applications send: nested, of several types, filled up to the size with text. */
export function sampleData(bodyBytes = BODY_BYTES): string {
	const withNote = (note: string) =>
		`{${SEQUENCE_KEY}${ZEROS}","orderId":4711004711,"customer":{"id":"cus_8f14e45fceea","name":"Ada Lovelace",` +
		`"email":"ada@example.com","isBusiness":false},"currency":"EUR","total":1249.9,"lines":[` +
		`{"sku":"KB-104-DE","quantity":1,"price":89.9,"tax":0.19},{"sku":"MN-27-4K","quantity":2,"price":580,"tax":0.19}],` +
		`"shipping":{"carrier":"dhl","tracking":"00340434161094042557","eta":null},"note":"${note}"}`;
	const missing = bodyBytes - Buffer.byteLength(deliveredBody(withNote("")));
	return withNote("Please ring twice. ".repeat(bodyBytes).slice(0, missing));
}
