// Erases payloads on demand: the body of an event first, then the responses of its receivers, in steps.
import { wholeProject, type Scope } from "../../../../core/access/principal.ts";
import type {
	BegunErasure,
	ContinueErasure,
	Erasure,
	ErasureStep,
	RetentionStore,
} from "../../../../ports/store/retention.ts";
import { FIRST_UUID, idOf, uuidOf } from "../../codec/ids.ts";
import { boolean, number, text, textOrNull } from "../../codec/rows.ts";
import { insertInto, statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import { StatsChanges } from "../../stats/journal.ts";
import { writeEntry } from "../audit.ts";
import { emptyBodies } from "./empty-bodies.ts";
import { eraseDeliveries } from "./erase-deliveries.ts";

type EraseOptions = Parameters<RetentionStore["erasePayload"]>[2];

/** Locked, so that no replay sends it meanwhile. */
const LOCK_EVENT = statement(`
	SELECT octet_length(body) AS body_bytes FROM events WHERE id = $1 AND project_id = $2 FOR UPDATE
`);
const LOCK_ERASURE = statement("SELECT project_id, through, cancelled FROM erasures WHERE event_id = $1 FOR UPDATE");
const KEEP = insertInto("erasures", ["event_id", "project_id", "through", "cancelled"]);
const MOVE = statement("UPDATE erasures SET through = $1, cancelled = $2 WHERE event_id = $3");
const REMOVE = statement("DELETE FROM erasures WHERE event_id = $1");
const SELECT_SOME = statement("SELECT event_id, project_id FROM erasures ORDER BY event_id LIMIT $1");
/** The event may have been deleted meanwhile, because of its age. */
const SELECT_LEFT = statement(`
	SELECT EXISTS (SELECT 1 FROM events WHERE id = $1) AND (
		EXISTS (SELECT 1 FROM open_deliveries WHERE event_id = $1 AND id > $2)
		OR EXISTS (SELECT 1 FROM deliveries WHERE event_id = $1 AND id > greatest($1::uuid, $2))
	) AS has_more
`);

/** The calls that erase payloads on demand. */
export function createErasePayload(database: Database, numbers: ChangeNumbers) {
	return {
		erasePayload: (
			scope: Scope,
			eventId: string,
			{ reason, at, limit, entry }: EraseOptions,
		): Promise<BegunErasure | null> =>
			database.transact(async (session) => {
				const [project, id] = [uuidOf("proj", wholeProject(scope)), uuidOf("evt", eventId)];
				const [event] = await session.run(LOCK_EVENT, [id, project]);
				if (event === undefined || project === null || id === null) return null;
				const [erasure] = await session.run(LOCK_ERASURE, [id]);
				if (erasure !== undefined) {
					return { cancelled: [], cancelledCount: number(erasure["cancelled"]), done: false, changed: false };
				}
				const stats = new StatsChanges();
				const bodyBytes = number(event["body_bytes"]);
				if (bodyBytes > 0) await emptyBodies(session, [id]);
				stats.storedBytes(project, at, -bodyBytes);
				const first = { through: null, limit, reason, at };
				const step = await eraseDeliveries(session, id, first, { numbers, stats });
				const { through, cancelled, responses, done } = step;
				if (!done) await session.run(KEEP, [id, project, through, cancelled.length]);
				const changed = bodyBytes + cancelled.length + responses > 0;
				if (changed) await writeEntry(session, entry);
				stats.write(session);
				return { cancelled, cancelledCount: cancelled.length, done, changed };
			}),
		continueErasure: createContinueErasure(database, numbers),
		erasures: (limit: number): Promise<Erasure[]> =>
			database.read(async (session) =>
				(await session.run(SELECT_SOME, [limit])).map((row) => ({
					projectId: idOf("proj", text(row["project_id"])),
					eventId: idOf("evt", text(row["event_id"])),
				})),
			),
	};
}

function createContinueErasure(database: Database, numbers: ChangeNumbers) {
	return async ({ eventId, limit, reason, at }: ContinueErasure): Promise<ErasureStep | null> => {
		const id = uuidOf("evt", eventId);
		if (id === null) return null;
		const step = await database.inBackground(async (session): Promise<ErasureStep | "last" | null> => {
			const [erasure] = await session.run(LOCK_ERASURE, [id]);
			if (erasure === undefined) return null;
			const through = textOrNull(erasure["through"]);
			const [left] = await session.run(SELECT_LEFT, [id, through ?? FIRST_UUID]);
			if (!boolean(left?.["has_more"])) return "last";
			const stats = new StatsChanges();
			const erased = await eraseDeliveries(session, id, { through, limit, reason, at }, { numbers, stats });
			const cancelledCount = number(erasure["cancelled"]) + erased.cancelled.length;
			await session.run(MOVE, [erased.through, cancelledCount, id]);
			stats.write(session);
			return { cancelled: erased.cancelled, cancelledCount, done: false };
		});
		if (step !== "last") return step;
		// This one is synced, and with it all steps before.
		return database.transact(async (session) => {
			const [erasure] = await session.run(LOCK_ERASURE, [id]);
			if (erasure === undefined) return null;
			await session.run(REMOVE, [id]);
			return { cancelled: [], cancelledCount: number(erasure["cancelled"]), done: true };
		});
	};
}
