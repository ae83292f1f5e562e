// Sends: the small part of an event that is checked, and the part that is passed on as it was written.
import { FanfareError, invalidRequest } from "../../../core/errors.ts";
import { MAX_EVENT_BYTES, type EventInput } from "../../../core/event.ts";
import { elementSpans, memberSpans, type MemberSpan } from "../../../core/raw-json.ts";
import { expectedForm } from "../../request/body/expected-form.ts";
import { duplicateIssues, isObject, type JsonBody } from "../../request/body/json-body.ts";
import { check, validate } from "../../request/body/validate.ts";
import { batchEnvelopeSchema, MAX_BATCH_EVENTS, sendEventSchema } from "./schemas.ts";

/** The event of a single send; throws `invalid_request`. */
export function readEvent(json: JsonBody): EventInput {
	const input = eventInput(json.text, json.value, json.members, "");
	if (input instanceof FanfareError) throw input;
	return input;
}

/**
 * The events of a batch in order, each as what is to be sent or as why it cannot be. Throws only for what is wrong with
 * the batch itself.
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
	if (isHeavier(text, span, MAX_EVENT_BYTES)) {
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

/** `value` is what `text` says; only its envelope is looked at. Nothing here keeps `value`, which can be large. */
function eventInput(
	text: string,
	value: object,
	members: readonly MemberSpan[],
	prefix: string,
): EventInput | FanfareError {
	const data = members.find(({ name }) => name === "data");
	const envelope = check(sendEventSchema, value, prefix);
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

/** Whether the span weighs more than `limit` as UTF-8. A character weighs 1–3 bytes a code unit, so most need no count. */
function isHeavier(text: string, { start, end }: MemberSpan, limit: number): boolean {
	if (end - start > limit) return true;
	return (end - start) * 3 > limit && Buffer.byteLength(text.slice(start, end)) > limit;
}
