// Whether a commit was made, by its own rows: for a question that comes so late that its mark is gone.
import type { CommitBatch, CommitResult } from "../../../../ports/store/accept.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { among, isAmong, uuidOf } from "../../codec/ids.ts";
import { boolean } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";

/** An attempt may have got another number. Its id is the third element of the text, after two numbers. */
const SELECT_ATTEMPT = statement(`
	SELECT EXISTS (
		SELECT 1 FROM attempts JOIN unnest($1::uuid[], $4::text[]) AS given(delivery_id, attempt_id) USING (delivery_id)
		WHERE ${isAmong("attempts.delivery_id")} AND split_part(attempts.attempt, ',', 3) = to_json(given.attempt_id)::text
	) AS is_found
`);
const SELECT_DELIVERY = statement(`
	SELECT EXISTS (SELECT 1 FROM open_deliveries WHERE ${isAmong("id")})
		OR EXISTS (SELECT 1 FROM deliveries WHERE ${isAmong("id")}) AS is_found
`);
const SELECT_EVENT = statement(`SELECT EXISTS (SELECT 1 FROM events WHERE ${isAmong("id")}) AS is_found`);

/**
 * Whether a commit that would have had this result was made: if so, it has stored its attempts and its events. Null if none of them is there,
 * and none of the deliveries that were attempted: they were deleted meanwhile, and an update of such a delivery stores nothing. Null as well
 * for a commit of nothing but changes without an attempt, such as a retry by hand: nothing tells whether that was made, so it is made again.
 */
export async function isStored(
	session: Session,
	{ events, updates }: CommitBatch,
	result: CommitResult,
): Promise<boolean | null> {
	const attempts = updates.flatMap(({ deliveryId, attempt }) => {
		const delivery = uuidOf("dlv", deliveryId);
		return delivery === null || attempt === null ? [] : { delivery, id: attempt.id };
	});
	const attempted = attempts.map(({ delivery }) => delivery);
	const ids = binaryArray(
		"text",
		attempts.map(({ id }) => id),
	);
	if (await isFound(session, SELECT_ATTEMPT, attempted, ids)) return true;
	const accepted = events.filter((_, index) => result.events[index]?.kind === "accepted");
	const eventIds = accepted.flatMap(({ event }) => uuidOf("evt", event.id) ?? []);
	if (await isFound(session, SELECT_EVENT, eventIds)) return true;
	return (await isFound(session, SELECT_DELIVERY, attempted)) ? false : null;
}

async function isFound(
	session: Session,
	select: typeof SELECT_EVENT,
	uuids: readonly string[],
	...more: readonly unknown[]
): Promise<boolean> {
	if (uuids.length === 0) return false;
	const [row] = await session.run(select, [...among(uuids), ...more]);
	return boolean(row?.["is_found"]);
}
