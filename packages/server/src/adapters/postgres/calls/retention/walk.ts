// The walk of a purge: the events of a project in the order of their ids, some of them in each step.
import type { PurgeResult, PurgeStep } from "../../../../ports/store/retention.ts";
import { EVENT_COLUMNS } from "../../codec/event-rows.ts";
import { FIRST_UUID, firstUuidAt, idOf, uuidOf } from "../../codec/ids.ts";
import { number, text, type Row } from "../../codec/rows.ts";
import { list, statement } from "../../codec/statements.ts";
import { HORIZON_MS } from "../../connection/pools.ts";
import type { Session } from "../../connection/session.ts";
import { readLead } from "../../deliveries/leads.ts";
import { hasRow } from "../log/source.ts";
import type { PurgeCounter } from "./purge-counter.ts";

/** The cost of looking at a row; changing one costs 1. */
export const LOOK_COST = 0.2;
/** Events that a step looks at, at most. */
const MAX_LOOKS = 500;

const SELECT = statement(`
	SELECT ${list(EVENT_COLUMNS)}, details, octet_length(body) AS body_bytes,
		${hasRow("open_deliveries WHERE open_deliveries.event_id = events.id")} AS is_waiting
	FROM events WHERE project_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4
`);

/**
 * Visits events of the walk, in order, until `budget` is used up. Returns how many of them are finished: the walk goes on with the
 * next one.
 */
export type Visit = (
	session: Session,
	events: readonly Row[],
	budget: number,
	counter: PurgeCounter,
) => Promise<number>;

/** Makes a step. Without a horizon, events of any age are visited. */
export async function walk(
	session: Session,
	{ projectId, at, before, after, skipAhead = false, limit }: PurgeStep,
	visit: Visit,
	counter: PurgeCounter,
): Promise<PurgeResult> {
	const most = Math.min(MAX_LOOKS, Math.ceil(limit / LOOK_COST));
	const start = after === null ? FIRST_UUID : (uuidOf("evt", after) ?? FIRST_UUID);
	const end = Math.min(before, at + 1 - HORIZON_MS);
	const firstYoung = firstUuidAt(end);
	const high = skipAhead ? firstYoung : firstUuidAt(end + (await readLead(session)).idMs);
	const events = await session.run(SELECT, [uuidOf("proj", projectId), start, high, most]);
	// If ids were ever ahead of dates, the range has newer events, too. They are passed.
	const old = events.filter((event) => number(event["create_date"]) < end);
	const finished = await visit(session, old, limit, counter);
	const done = events.length < most && finished === old.length;
	// Events with higher ids may be young now, and are old for a later walk.
	const isPassed = (event: Row) => !done || text(event["id"]) < firstYoung;
	const last = finished < old.length ? old[finished - 1] : events.findLast(isPassed);
	const reached = last === undefined ? start : text(last["id"]);
	const place = done && reached > firstYoung ? firstYoung : reached;
	return { purged: counter.result(), after: place === FIRST_UUID ? after : idOf("evt", place), done };
}

/** The place of the end of those first events among which are at most `count` that are wanted. */
export function endOfFirst(events: readonly Row[], count: number, isWanted: (event: Row) => boolean): number {
	let left = Math.ceil(count);
	const end = events.findIndex((event) => isWanted(event) && left-- === 0);
	return end < 0 ? events.length : end;
}
