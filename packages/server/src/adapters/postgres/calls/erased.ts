// Events whose payload is erased: their deliveries are not attempted again, and their attempts keep no response body.
import type { Attempt } from "../../../core/delivery.ts";
import { binaryArray } from "../codec/arrays.ts";
import { text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Session } from "../connection/session.ts";

const SELECT = statement("SELECT id FROM events WHERE id = ANY($1::uuid[]) AND octet_length(body) = 0");

/** The UUIDs of those events whose payload is erased. */
export async function readErased(session: Session, events: readonly string[]): Promise<Set<string>> {
	if (events.length === 0) return new Set();
	const rows = await session.run(SELECT, [binaryArray("uuid", events)]);
	return new Set(rows.map((row) => text(row["id"])));
}

/** The attempt without anything of its response. */
export function withoutResponse(attempt: Attempt): Attempt {
	const { response } = attempt;
	if (response === null || (response.body === "" && Object.keys(response.headers).length === 0)) return attempt;
	return { ...attempt, response: { headers: {}, body: "", bodyTruncated: true } };
}

/** The attempt without the body of its response. */
export function withoutResponseBody(attempt: Attempt): Attempt {
	const { response } = attempt;
	if (response === null || response.body === "") return attempt;
	return { ...attempt, response: { ...response, body: "", bodyTruncated: true } };
}
