// Reads sent events. The envelope is checked; `data` is passed on exactly as it was written.
import { FanfareError, invalidRequest } from "../../../core/errors.ts";
import { MAX_EVENT_BYTES, type EventInput } from "../../../core/event.ts";
import { elementSpans, memberSpans, type MemberSpan } from "../../../core/raw-json.ts";
import { expectedForm } from "../../request/body/expected-form.ts";
import { duplicateIssues, isObject, type JsonBody } from "../../request/body/json-body.ts";
import { validate, validateOrError } from "../../request/body/validate.ts";
import { batchEnvelopeSchema, MAX_BATCH_EVENTS, sendEventSchema } from "./schemas.ts";

/** The event of a single send. Throws `invalid_request`. */
export function readEvent(json: JsonBody): EventInput {
	const input = eventInput(json.text, json.value, json.members, "");
	if (input instanceof FanfareError) throw input;
	return input;
}

/**
 * The events of a batch, in order. For an event that is refused, the error takes its place. Throws only if the batch
 * itself is wrong: `invalid_request`, or `payload_too_large` for too many events.
 */
export function readBatch(json: JsonBody): (EventInput | FanfareError)[] {
	const { events } = validate(batchEnvelopeSchema, json.value);
	if (events.length > MAX_BATCH_EVENTS) {
		throw new FanfareError(
			"payload_too_large",
			`A batch takes at most ${MAX_BATCH_EVENTS} events, got ${events.length}. Send them in several batches.`,
		);
	}
	const at = json.members.find(({ name }) => name === "events")?.start ?? 0;
	return elementSpans(json.text, at).map((span, index) => batchEvent(json.text, span, events[index], index));
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
	const members = memberSpans(text, span.start);
	const duplicates = duplicateIssues(members, `${path}.`);
	if (duplicates.length > 0) return invalidRequest(duplicates);
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
	if (data === undefined) throw new Error("an event that its schema accepted has no data");
	return {
		type: envelope.type,
		dataJson: text.slice(data.start, data.end),
		timestamp: envelope.timestamp ?? null,
		idempotencyKey: envelope.idempotencyKey ?? null,
		webhookIds: envelope.webhookIds ?? null,
	};
}

/**
 * True if the span is larger than `limit` bytes in UTF-8. A UTF-16 unit takes 1 to 3 bytes, so most spans need no
 * count.
 */
function isLarger(text: string, { start, end }: MemberSpan, limit: number): boolean {
	if (end - start > limit) return true;
	return (end - start) * 3 > limit && Buffer.byteLength(text.slice(start, end)) > limit;
}
