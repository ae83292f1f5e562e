// Attempts of the former table as text of the first form: see codec/attempt-rows.ts.
import { idText } from "../../codec/ids.ts";
import { bytes, number, textOrNull, text, type Row } from "../../codec/rows.ts";
import { list } from "../../codec/statements.ts";

/** The columns that `formerAttemptText` reads, from a table `attempt`. */
export const FORMER_ATTEMPT_COLUMNS = list([
	"attempt.id AS attempt_id",
	"attempt.number",
	"attempt.trigger",
	"attempt.start_date",
	"attempt.duration_ms",
	"attempt.response_code",
	"attempt.error",
	"attempt.reason",
	"attempt.request_headers",
	"attempt.response_headers",
	"attempt.response_body",
	"attempt.response_body_truncated",
]);

/**
 * The text that `attemptText` made of this attempt when the tables were new. The headers were JSON before, and are taken as they
 * are: parsing and writing them again takes twice as long.
 */
export function formerAttemptText(row: Row): string {
	const elements = [
		1,
		number(row["number"]),
		`"${idText("atm", bytes(row["attempt_id"]))}"`,
		number(row["trigger"]),
		number(row["start_date"]),
		number(row["duration_ms"]),
		number(row["response_code"]),
		JSON.stringify(textOrNull(row["error"])),
		JSON.stringify(textOrNull(row["reason"])),
		text(row["request_headers"]),
		textOrNull(row["response_headers"]),
		JSON.stringify(textOrNull(row["response_body"])),
		row["response_body_truncated"],
	];
	return `[${elements.map((element) => element ?? "null").join(",")}]`;
}
