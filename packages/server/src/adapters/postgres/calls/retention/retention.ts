// Retention: deletes old data in small steps, and erases payloads on demand.
import type { PurgeResult, PurgeStep } from "../../../../ports/store/retention.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { FIRST_UUID, firstUuidAt, uuidOf } from "../../codec/ids.ts";
import { text, textOrNull } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import type { Partitions } from "../../schema/partitions.ts";
import { StatsChanges } from "../../stats/journal.ts";
import { isKeyInAudit } from "../audit.ts";
import { createErasePayload } from "./erase.ts";
import { PurgeCounter } from "./purge-counter.ts";
import { createPurgeDeletedProjects, createPurgeDeletedWebhooks } from "./purge-deleted.ts";
import { removeEvents } from "./purge-events.ts";
import { emptyEvents, type Place } from "./purge-payloads.ts";
import { createPurgeReplays } from "./purge-replays.ts";
import { walk, type Visit } from "./walk.ts";

/** The calls of `RetentionStore`. */
export function createRetentionCalls(database: Database, partitions: Partitions, numbers: ChangeNumbers) {
	let place: Place | null = null;
	/** The name of a revoked key up to which was looked for an entry; null: from the first one. */
	let named: string | null = null;
	/** Whether partitions may have become empty since they were last looked at. */
	let hasDeleted = true;
	return {
		forgetIdempotencyKeys: (before: number, limit: number): Promise<number> =>
			database.inBackground((session) => session.change(FORGET_KEYS, [before, limit])),
		async purgeEvents(step: PurgeStep): Promise<PurgeResult> {
			const result = await purge(database, step, removeEvents);
			hasDeleted ||= result.purged.events > 0;
			if (!result.done || !hasDeleted) return result;
			hasDeleted = !(await partitions.dropEmpty(step.before));
			return result;
		},
		async purgePayloads(step: PurgeStep): Promise<PurgeResult> {
			let next: Place | null = null;
			const visit = emptyEvents(place, (reached) => {
				next = reached;
			});
			const result = await purge(database, step, visit);
			place = next;
			return result;
		},
		purgeReplays: createPurgeReplays(database),
		purgeAuditEntries: (before: number, limit: number): Promise<number> =>
			database.inBackground(async (session) => {
				const purged = await purgeAuditEntries(session, before, limit);
				if (purged < limit) named = await forgetUnnamed(session, named, limit);
				return purged;
			}),
		purgeDeletedProjects: createPurgeDeletedProjects(database),
		purgeDeletedWebhooks: createPurgeDeletedWebhooks(database),
		...createErasePayload(database, numbers),
		// The database reuses what is free by itself, and gives back what partitions take that are dropped.
		releaseSpace: (): Promise<number> => Promise.resolve(0),
	};
}

const FORGET_KEYS = statement(`
	UPDATE idempotency_keys SET fingerprint = NULL WHERE (project_id, key, event_id) IN (
		SELECT project_id, key, event_id FROM idempotency_keys
		WHERE create_date < $1 AND fingerprint IS NOT NULL ORDER BY create_date LIMIT $2 FOR UPDATE SKIP LOCKED
	)
`);

/** The time of an entry is the time in its id. */
const PURGE_ENTRIES = statement(`
	DELETE FROM audit_entries WHERE id IN (SELECT id FROM audit_entries WHERE id < $1 ORDER BY id LIMIT $2)
	RETURNING key_id, object_id
`);
const FORGET_REVOKED = statement(`
	DELETE FROM revoked_keys WHERE id = ANY($1::uuid[]) AND NOT ${isKeyInAudit("revoked_keys.id")}
`);

const FORGET_UNNAMED = statement(`
	WITH looked AS MATERIALIZED (SELECT id FROM revoked_keys WHERE id > $1 ORDER BY id LIMIT $2),
		gone AS (
			DELETE FROM revoked_keys WHERE id IN (SELECT id FROM looked) AND NOT ${isKeyInAudit("revoked_keys.id")}
		)
	SELECT id FROM looked ORDER BY id OFFSET $2::bigint - 1 LIMIT 1
`);

/** With the last entry that names a revoked key, the name goes. */
async function purgeAuditEntries(session: Session, before: number, limit: number): Promise<number> {
	const rows = await session.run(PURGE_ENTRIES, [firstUuidAt(before), limit]);
	const callers = rows.map((row) => textOrNull(row["key_id"]));
	const objects = rows.map((row) => uuidOf("key", text(row["object_id"])));
	const uuids = new Set([...callers, ...objects].filter((uuid) => uuid !== null));
	if (uuids.size > 0) await session.run(FORGET_REVOKED, [binaryArray("uuid", [...uuids])]);
	return rows.length;
}

/**
 * Removes the names among the next ones that no entry needs: the last entry may have gone by a process that does not know of names, or in
 * the moment in which a key was revoked. Returns where to go on; null: from the first name again.
 */
async function forgetUnnamed(session: Session, after: string | null, limit: number): Promise<string | null> {
	const [last] = await session.run(FORGET_UNNAMED, [after ?? FIRST_UUID, limit]);
	return last === undefined ? null : text(last["id"]);
}

async function purge(database: Database, step: PurgeStep, visit: Visit): Promise<PurgeResult> {
	return database.inBackground(async (session) => {
		const project = uuidOf("proj", step.projectId);
		const stats = new StatsChanges();
		const counter = new PurgeCounter(project ?? "", stats);
		if (project === null) return { purged: counter.result(), after: step.after, done: true };
		const result = await walk(session, step, visit, counter);
		stats.write(session);
		return { ...result, purged: counter.result() };
	});
}
