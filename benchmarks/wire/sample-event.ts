// The events of all scenarios and of the floor: each is 1,024 bytes as receivers get it, with its number inside.
import { digits } from "./framing.ts";

/** Of a body as receivers get it. */
export const BODY_BYTES = 1_024;

const TYPE = "order.line.shipped";
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
}

/** A request that sends one event, or `batchSize` of them, to Fanfare. */
export function sendTemplate(
	target: { readonly serverUrl: string; readonly key: string; readonly projectId: string },
	batchSize: number,
): Template {
	const event = `{"type":"${TYPE}","data":${sampleData()}}`;
	const body = batchSize === 1 ? event : `{"events":[${Array.from({ length: batchSize }, () => event).join(",")}]}`;
	const head =
		`POST /projects/${target.projectId}/events${batchSize === 1 ? "" : ":batch"} HTTP/1.1\r\n` +
		`host: ${new URL(target.serverUrl).host}\r\nauthorization: Bearer ${target.key}\r\n` +
		`content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
	return template(Buffer.from(head + body));
}

/** A body as Fanfare builds it. */
export function bodyTemplate(): Template {
	return template(Buffer.from(deliveredBody(sampleData())));
}

/** Numbers the events of a template from `first` on. */
export function stamp({ bytes, numbersAt }: Template, first: number): void {
	let sequence = first;
	for (const at of numbersAt) {
		let rest = sequence++;
		for (let index = at + SEQUENCE_DIGITS - 1; index >= at; index--) {
			bytes[index] = DIGIT_0 + (rest % 10);
			rest = Math.trunc(rest / 10);
		}
	}
}

/** The number of the event whose body begins at `bodyAt`; -1 if it is none of ours. */
export function sequenceOf(bytes: Buffer, bodyAt: number): number {
	const at = bytes.indexOf(SEQUENCE_KEY_BYTES, bodyAt);
	return at === -1 ? -1 : digits(bytes, at + SEQUENCE_KEY_BYTES.length);
}

function template(bytes: Buffer): Template {
	const numbersAt: number[] = [];
	for (let at = bytes.indexOf(SEQUENCE_KEY); at !== -1; at = bytes.indexOf(SEQUENCE_KEY, at + 1)) {
		numbersAt.push(at + SEQUENCE_KEY.length);
	}
	return { bytes, numbersAt };
}

function deliveredBody(data: string): string {
	return `{"type":"${TYPE}","timestamp":"2026-11-24T13:24:00.000Z","data":${data}}`;
}

/** An object such as applications send: nested, of several types, filled up to the size with text. */
function sampleData(): string {
	const withNote = (note: string) =>
		`{${SEQUENCE_KEY}${ZEROS}","orderId":4711004711,"customer":{"id":"cus_8f14e45fceea","name":"Ada Lovelace",` +
		`"email":"ada@example.com","isBusiness":false},"currency":"EUR","total":1249.9,"lines":[` +
		`{"sku":"KB-104-DE","quantity":1,"price":89.9,"tax":0.19},{"sku":"MN-27-4K","quantity":2,"price":580,"tax":0.19}],` +
		`"shipping":{"carrier":"dhl","tracking":"00340434161094042557","eta":null},"note":"${note}"}`;
	const missing = BODY_BYTES - Buffer.byteLength(deliveredBody(withNote("")));
	return withNote("Please ring twice. ".repeat(BODY_BYTES).slice(0, missing));
}
