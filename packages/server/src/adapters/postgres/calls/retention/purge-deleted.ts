// Deletes the remains of deleted projects and webhooks, once none of their deliveries wait any more.
import {
	DELETED_PROJECTS_PER_STEP,
	NOTHING_PURGED,
	type DeletedProjectsStep,
} from "../../../../ports/store/retention.ts";
import { FIRST_UUID, idOf, uuidOf } from "../../codec/ids.ts";
import { boolean, numberOrNull, text, type Row } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { DELETE_DATE } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";
import { lockStats } from "../../connection/locks.ts";
import type { Session } from "../../connection/session.ts";
import { StatsChanges } from "../../stats/journal.ts";
import { eraseRecords } from "../customers/erase-webhook.ts";
import { removeKeys } from "../directory/revoked-keys.ts";
import { PurgeCounter } from "./purge-counter.ts";
import { removeEvents } from "./purge-events.ts";
import { walk } from "./walk.ts";

const SELECT_PROJECTS = statement(
	"SELECT id FROM projects WHERE delete_date IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
);

/** What was deleted of one project, apart from events. */
type Rest = Pick<DeletedProjectsStep, "hasDeleted" | "isFull">;
type OfProject = Rest & Pick<DeletedProjectsStep, "purged">;

const NOTHING: Rest = { hasDeleted: false, isFull: false };

/** The call `purgeDeletedProjects`. */
export function createPurgeDeletedProjects(database: Database) {
	return (after: string | null, limit: number): Promise<DeletedProjectsStep> =>
		database.inBackground(async (session) => {
			const first = after === null ? FIRST_UUID : uuidOf("proj", after);
			const projects = await session.run(SELECT_PROJECTS, [first, DELETED_PROJECTS_PER_STEP]);
			let place = after;
			for (const row of projects) {
				const project = text(row["id"]);
				const result = await purgeProject(session, project, limit);
				if (!result.hasDeleted) place = idOf("proj", project);
				if (result.hasDeleted || result.isFull) return { ...result, after: place, done: false, left: true };
			}
			const done = projects.length < DELETED_PROJECTS_PER_STEP;
			return { ...NOTHING, purged: NOTHING_PURGED, after: place, done, left: place !== null };
		});
}

async function purgeProject(session: Session, project: string, limit: number): Promise<OfProject> {
	const stats = new StatsChanges();
	const counter = new PurgeCounter(project, stats);
	const everything = { projectId: idOf("proj", project), at: Infinity, before: Infinity, after: null, limit };
	const { purged, done } = await walk(session, everything, removeEvents, counter);
	stats.write(session);
	if (counter.rows > 0 || !done) return { purged, hasDeleted: counter.rows > 0, isFull: !done };
	return { purged, ...(await removeRest(session, project, limit)) };
}

const SELECT_EVENT = statement("SELECT 1 FROM events WHERE project_id = $1 LIMIT 1");
const REMOVE_REPLAYS = statement(`
	DELETE FROM replays WHERE id IN (SELECT id FROM replays WHERE project_id = $1 ORDER BY id LIMIT $2)
`);
const REMOVE_PORTAL_SESSIONS = statement(`
	DELETE FROM portal_sessions WHERE id IN (SELECT id FROM portal_sessions WHERE project_id = $1 ORDER BY id LIMIT $2)
`);
const REMOVE_CUSTOMERS = statement(`
	DELETE FROM customers WHERE project_id = $1 AND customer_id IN (
		SELECT customer_id FROM customers WHERE project_id = $1 ORDER BY customer_id LIMIT $2
	)
`);
const REMOVE_EVENT_TYPES = statement(`
	DELETE FROM event_types WHERE project_id = $1 AND name IN (
		SELECT name FROM event_types WHERE project_id = $1 ORDER BY name LIMIT $2
	)
`);
/** The tables with rows of a project that are small, or empty by then. The project itself comes last. */
const REMOVE_REST = [
	"DELETE FROM relays WHERE project_id = $1",
	"DELETE FROM customer_deletions WHERE project_id = $1",
	"DELETE FROM erasures WHERE project_id = $1",
	"DELETE FROM stats_journal WHERE project_id = $1",
	"DELETE FROM status_counts WHERE owner = $1",
	"DELETE FROM stats WHERE owner = $1",
	"DELETE FROM stored_bytes WHERE project_id = $1",
	"DELETE FROM projects WHERE id = $1",
].map(statement);

/** Deletes the other rows of a project without events, and finally the project. */
async function removeRest(session: Session, project: string, limit: number): Promise<Rest> {
	if ((await session.run(SELECT_EVENT, [project])).length > 0) return NOTHING;
	for (const remove of [REMOVE_REPLAYS, REMOVE_PORTAL_SESSIONS, REMOVE_CUSTOMERS, REMOVE_EVENT_TYPES]) {
		const rows = await session.change(remove, [project, limit]);
		if (rows > 0) return { hasDeleted: true, isFull: rows >= limit };
	}
	if (await removeKeys(session, project, limit)) return { hasDeleted: true, isFull: false };
	await lockStats(session);
	const webhooks = await session.run(SELECT_OF_PROJECT, [project, limit]);
	// Processes learn from the list of projects that they are gone.
	if (webhooks.length > 0) {
		const removed = await removeWebhooks(session, webhooks, Infinity);
		return { hasDeleted: removed > 0, isFull: webhooks.length >= limit };
	}
	for (const remove of REMOVE_REST) await session.run(remove, [project]);
	return { hasDeleted: true, isFull: false };
}

/** What decides whether a webhook is removed. */
const WEBHOOK = `
	id, ${DELETE_DATE} AS delete_date, endpoint <> '' AND NOT EXISTS (
		SELECT 1 FROM customer_deletions d WHERE d.project_id = webhooks.project_id AND d.customer_id = webhooks.customer_id
	) AS can_be_erased,
	EXISTS (SELECT 1 FROM replays WHERE replays.webhook_id = webhooks.id AND replays.customer_id IS NOT NULL) AS has_replays,
	EXISTS (SELECT 1 FROM open_deliveries WHERE open_deliveries.webhook_id = webhooks.id) AS has_waiting,
	EXISTS (SELECT 1 FROM deliveries WHERE deliveries.webhook_id = webhooks.id) AS has_ended,
	EXISTS (
		SELECT 1 FROM stats_journal j WHERE j.project_id = webhooks.project_id AND j.webhook_id = webhooks.id
	) AS has_changes
`;
const SELECT_OF_PROJECT = statement(`SELECT ${WEBHOOK} FROM webhooks WHERE project_id = $1 ORDER BY id LIMIT $2`);
const SELECT_AFTER = statement(`SELECT ${WEBHOOK} FROM webhooks WHERE id > $1 ORDER BY id LIMIT $2`);
/** With its secrets, its versions and its health. */
const REMOVE_WEBHOOKS = [
	"DELETE FROM status_counts WHERE owner = ANY($1::uuid[])",
	"DELETE FROM stats WHERE owner = ANY($1::uuid[])",
	"DELETE FROM webhooks WHERE id = ANY($1::uuid[])",
].map(statement);

/** Deletes those webhooks that were deleted before a time and have no deliveries. Returns how many. Call it under `lockStats`. */
async function removeWebhooks(session: Session, webhooks: readonly Row[], deletedBefore: number): Promise<number> {
	const gone = webhooks.filter((row) => isRemovable(row, deletedBefore)).map((row) => row["id"]);
	if (gone.length > 0) for (const remove of REMOVE_WEBHOOKS) await session.run(remove, [gone]);
	return gone.length;
}

function isRemovable(row: Row, deletedBefore: number): boolean {
	const deleteDate = numberOrNull(row["delete_date"] ?? null);
	return deleteDate !== null && deleteDate < deletedBefore && isUnused(row);
}

/** Changes that are not rolled up yet would be counted for nobody. By its webhooks, the deletion of a customer finds the replays. */
function isUnused(row: Row): boolean {
	return !["has_waiting", "has_ended", "has_changes", "has_replays"].some((name) => boolean(row[name]));
}

const REMOVE_SECRETS = statement("DELETE FROM webhook_secrets WHERE webhook_id = ANY($1::uuid[])");
const REMOVE_HEADERS = statement(
	"UPDATE webhooks SET sealed_headers = NULL WHERE id = ANY($1::uuid[]) AND sealed_headers IS NOT NULL",
);
/** An attempt may begin with the older version for a moment after the change. */
const MARGIN_MS = 3_600_000;
/** Removes the versions of each webhook that ended before the oldest event of its project. The newest version stays. */
const REMOVE_VERSIONS = statement(`
	DELETE FROM webhook_versions old USING (
		SELECT version.webhook_id, max(version.revision) AS kept
		FROM webhook_versions version JOIN webhooks ON webhooks.id = version.webhook_id
		CROSS JOIN LATERAL (
			SELECT (SELECT create_date FROM events WHERE project_id = webhooks.project_id ORDER BY id LIMIT 1) AS date
		) oldest
		WHERE version.webhook_id = ANY($1::uuid[]) AND (oldest.date IS NULL OR version.create_date < oldest.date - ${MARGIN_MS})
		GROUP BY version.webhook_id
	) ended WHERE old.webhook_id = ended.webhook_id AND old.revision < ended.kept
`);

/** The call `purgeDeletedWebhooks`. */
export function createPurgeDeletedWebhooks(database: Database) {
	return (after: string | null, limit: number, deletedBefore: number): Promise<string | null> =>
		database.inBackground(async (session) => {
			await lockStats(session);
			const place = after === null ? FIRST_UUID : uuidOf("webhook", after);
			const webhooks = await session.run(SELECT_AFTER, [place, limit]);
			await removeWebhooks(session, webhooks, deletedBefore);
			const kept = webhooks.filter((row) => !isRemovable(row, deletedBefore));
			// Only their deletion is still of use. They would cost pages of their customer, and disk that no quota counts. The deletion of a
			// customer erases them itself, and counts them.
			const canGo = (row: Row) => row["delete_date"] !== null && boolean(row["can_be_erased"]) && isUnused(row);
			const unused = kept.filter(canGo).map((row) => text(row["id"]));
			if (unused.length > 0) await eraseRecords(session, unused);
			const disarmed = kept.filter((row) => row["delete_date"] !== null && !boolean(row["has_waiting"]));
			const ids = [disarmed.map((row) => row["id"])];
			if (disarmed.length > 0) await Promise.all([session.run(REMOVE_SECRETS, ids), session.run(REMOVE_HEADERS, ids)]);
			if (kept.length > 0) await session.run(REMOVE_VERSIONS, [kept.map((row) => row["id"])]);
			const last = webhooks.at(-1);
			return webhooks.length < limit || last === undefined ? null : idOf("webhook", text(last["id"]));
		});
}
