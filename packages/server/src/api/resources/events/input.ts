// Reads sent events. The envelope is checked; `data` is passed on exactly as it was written.
import type { EventCustomers } from "../../../core/access/customer.ts";
import { FanfareError, invalidRequest } from "../../../core/errors.ts";
import { MAX_EVENT_BYTES, NO_TAGS, type EventInput } from "../../../core/event.ts";
import { elementSpans, memberSpans, type MemberSpan } from "../../../core/raw-json.ts";
import { expectedForm } from "../../request/body/expected-form.ts";
import { duplicateIssues, isObject, type JsonBody, type TakeTurn } from "../../request/body/json-body.ts";
import { MAX_MEMBERS, placeholder } from "../../request/body/large-body.ts";
import { unknownFieldIssues, validate, validateOrError } from "../../request/body/validate.ts";
import { batchEnvelopeSchema, MAX_BATCH_EVENTS, sendEventSchema } from "./schemas.ts";

/** The event of a single send. Throws `invalid_request`. */
export function readEvent(json: JsonBody): EventInput {
	const input = eventInput(json.text, json.value, json.members, "");
	if (input instanceof FanfareError) throw input;
	return input;
}

/** The events of a batch, in order. For an event that is refused, the error takes its place. */
type Batch = (EventInput | FanfareError)[];

/**
 * Reads a batch. Throws only if the batch itself is wrong: `invalid_request`, or `payload_too_large` for too many events.
 */
export function readBatch(json: JsonBody): Batch | Promise<Batch> {
	if (json.takeTurn !== null) return readLargeBatch(json, json.takeTurn);
	const { events } = validate(batchEnvelopeSchema, json.value);
	refuseTooMany(events.length);
	return eventSpans(json).map((span, index) => batchEvent(json.text, span, events[index], index));
}

/** The same for a batch whose events are not parsed: their envelopes are, one after the other, and nothing else of them. */
async function readLargeBatch(json: JsonBody, takeTurn: TakeTurn): Promise<Batch> {
	const { events: list } = json.value as { events?: unknown };
	const spans = Array.isArray(list) ? eventSpans(json) : [];
	validate(batchEnvelopeSchema, Array.isArray(list) ? { ...json.value, events: spans } : json.value);
	refuseTooMany(spans.length);
	const batch: Batch = [];
	for (const [index, span] of spans.entries()) {
		// oxlint-disable-next-line no-await-in-loop -- one after the other on purpose
		await takeTurn(span.end - span.start);
		const isLarge = isLarger(json.text, span, MAX_EVENT_BYTES);
		batch.push(batchEvent(json.text, span, isLarge ? null : envelopeIn(json.text, span), index));
	}
	return batch;
}

/** Up to one more event than a batch may have. */
function eventSpans({ text, members }: JsonBody): MemberSpan[] {
	const at = members.find(({ name }) => name === "events")?.start ?? 0;
	return elementSpans(text, at, MAX_BATCH_EVENTS + 1);
}

function refuseTooMany(count: number): void {
	if (count <= MAX_BATCH_EVENTS) return;
	throw new FanfareError(
		"payload_too_large",
		`A batch takes at most ${MAX_BATCH_EVENTS} events, got more. Send them in several batches.`,
	);
}

/** An event without its data, or a value of another kind, parsed from the text. */
function envelopeIn(text: string, { start }: MemberSpan): unknown {
	if (text[start] !== "{") return JSON.parse(placeholder(text, start));
	const members = memberSpans(text, start, MAX_MEMBERS).map((member) => {
		const value = member.name === "data" ? placeholder(text, member.start) : text.slice(member.start, member.end);
		return `${JSON.stringify(member.name)}:${value}`;
	});
	return JSON.parse(`{${members.join(",")}}`);
}

function batchEvent(text: string, span: MemberSpan, value: unknown, index: number): EventInput | FanfareError {
	const path = `events.${index}`;
	if (isLarger(text, span, MAX_EVENT_BYTES)) {
		return new FanfareError(
			"payload_too_large",
			`${path} is larger than the ${MAX_EVENT_BYTES} bytes that an event may have.`,
		);
	}
	if (!isObject(value)) {
		return invalidRequest([{ path, message: `must be ${expectedForm("an object", sendEventSchema, value)}` }]);
	}
	const members = memberSpans(text, span.start, MAX_MEMBERS + 1);
	const duplicates = duplicateIssues(members, `${path}.`);
	if (duplicates.length > 0) return invalidRequest(duplicates);
	if (members.length > MAX_MEMBERS) return invalidRequest(unknownFieldIssues(sendEventSchema, members, `${path}.`));
	return eventInput(text, value, members, `${path}.`);
}

/**
 * `value` is the parsed text. Only its envelope is checked, and nothing refers to it afterwards, since it can be large.
 */
function eventInput(
	text: string,
	value: object,
	members: readonly MemberSpan[],
	prefix: string,
): EventInput | FanfareError {
	const data = members.find(({ name }) => name === "data");
	const envelope = validateOrError(sendEventSchema, value, prefix);
	if (envelope instanceof FanfareError) return envelope;
	const customers = customersOrError(envelope, prefix);
	if (customers instanceof FanfareError) return customers;
	if (data === undefined) throw new Error("an event that its schema accepted has no data");
	return {
		type: envelope.type,
		dataJson: text.slice(data.start, data.end),
		timestamp: envelope.timestamp ?? null,
		idempotencyKey: envelope.idempotencyKey ?? null,
		webhookIds: envelope.webhookIds ?? null,
		traceparent: null,
		customers,
		tags: envelope.tags ?? NO_TAGS,
	};
}

/** The customers that a body names. Throws `invalid_request` if it names them twice. */
export function customersOf(body: NamesCustomers): EventCustomers {
	const customers = customersOrError(body, "");
	if (customers instanceof FanfareError) throw customers;
	return customers;
}

interface NamesCustomers {
	readonly customerId?: string | null | undefined;
	readonly customerIds?: EventCustomers | undefined;
}

function customersOrError({ customerId, customerIds }: NamesCustomers, prefix: string): EventCustomers | FanfareError {
	if (!customerId || !customerIds) return customerIds ?? customerId ?? null;
	return invalidRequest([
		{ path: `${prefix}customerIds`, message: "can't be combined with customerId: send one of the two" },
	]);
}

/**
 * True if the span is larger than `limit` bytes in UTF-8. A UTF-16 unit takes 1 to 3 bytes, so most spans need no
 * count.
 */
function isLarger(text: string, { start, end }: MemberSpan, limit: number): boolean {
	if (end - start > limit) return true;
	return (end - start) * 3 > limit && Buffer.byteLength(text.slice(start, end)) > limit;
}
