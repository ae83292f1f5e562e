// Attempts. Part of the busy path: values are bound by position, in the order of the columns.
import type { Attempt } from "../../../core/delivery.ts";
import { TRIGGER_CODES, TRIGGERS } from "./delivery-rows.ts";
import { idBytes, idText } from "./ids.ts";
import { bytes, json, nameOf, number, text, textOrNull, type Row } from "./rows.ts";
import type { ValuesOf } from "./statements.ts";

/** The columns of an attempt, except its key: `delivery_id` and `number`. */
export const ATTEMPT_COLUMNS = [
	"id",
	"trigger",
	"start_date",
	"duration_ms",
	"response_code",
	"error",
	"reason",
	"request_headers",
	"response_headers",
	"response_body",
	"response_body_truncated",
] as const;

/** The values of `ATTEMPT_COLUMNS`. */
export function attemptValues(attempt: Attempt): ValuesOf<typeof ATTEMPT_COLUMNS> {
	const { response } = attempt;
	return [
		idBytes("atm", attempt.id),
		TRIGGER_CODES[attempt.trigger],
		attempt.startDate,
		attempt.durationMs,
		attempt.responseCode,
		attempt.error,
		attempt.reason,
		JSON.stringify(attempt.requestHeaders),
		response === null ? null : JSON.stringify(response.headers),
		response === null ? null : response.body,
		response === null ? null : Number(response.bodyTruncated),
	];
}

export function toAttempt(row: Row): Attempt {
	return {
		id: idText("atm", bytes(row["id"])),
		number: number(row["number"]),
		trigger: nameOf(TRIGGERS, row["trigger"]),
		startDate: number(row["start_date"]),
		durationMs: number(row["duration_ms"]),
		responseCode: number(row["response_code"]),
		error: textOrNull(row["error"]),
		reason: textOrNull(row["reason"]),
		requestHeaders: json(row["request_headers"]),
		response:
			row["response_headers"] === null
				? null
				: {
						headers: json(row["response_headers"]),
						body: text(row["response_body"]),
						bodyTruncated: row["response_body_truncated"] === 1,
					},
	};
}
