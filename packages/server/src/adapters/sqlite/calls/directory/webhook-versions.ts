// The versions of webhooks: where a webhook was called and what it wanted, from one of its revisions on. Attempts name the revision.
import type { DatabaseSync } from "node:sqlite";

import type { WebhookRecord } from "../../../../ports/store/directory.ts";
import { number, numberOrNull, text } from "../../codec/rows.ts";
import type { Numbers } from "../../deliveries/numbers.ts";

/** The versions of one webhook that are kept. */
const MAX_VERSIONS = 100;
/** An attempt may begin with the older version for a moment after the change. */
const MARGIN_MS = 3_600_000;

type Versioned = Pick<WebhookRecord, "id" | "endpoint" | "eventTypes" | "updateDate" | "revision">;

/**
 * Prepares the writing of a version, if the endpoint or the event types differ from the newest one. Call it in the transaction that
 * writes the webhook. Of a webhook that is changed all the time, the oldest versions go.
 */
export function createWriteVersion(db: DatabaseSync, { webhooks }: Numbers): (webhook: Versioned) => void {
	const newest = db.prepare(
		"SELECT endpoint, event_types FROM webhook_versions WHERE webhook = ? ORDER BY revision DESC LIMIT 1",
	);
	const insert = db.prepare(
		"INSERT INTO webhook_versions (webhook, revision, endpoint, event_types, create_date) VALUES (?, ?, ?, ?, ?)",
	);
	const removeOldest = db.prepare(`
		DELETE FROM webhook_versions WHERE webhook = ?1 AND revision <= (
			SELECT revision FROM webhook_versions WHERE webhook = ?1 ORDER BY revision DESC LIMIT 1 OFFSET ${MAX_VERSIONS}
		)
	`);
	return ({ id, endpoint, eventTypes, updateDate, revision }) => {
		const webhook = webhooks.get(id).number;
		const types = eventTypes === null ? null : JSON.stringify(eventTypes);
		const row = newest.get(webhook);
		if (row !== undefined && row["endpoint"] === endpoint && row["event_types"] === types) return;
		insert.run(webhook, revision, endpoint, types, updateDate);
		removeOldest.run(webhook);
	};
}

/** Prepares the search for the endpoint that a webhook had at a revision; null if it is not known any more. */
export function createEndpointAt(db: DatabaseSync): (webhook: number, revision: number) => string | null {
	const select = db.prepare(
		"SELECT endpoint FROM webhook_versions WHERE webhook = ? AND revision <= ? ORDER BY revision DESC LIMIT 1",
	);
	return (webhook, revision) => {
		const row = select.get(webhook, revision);
		return row === undefined ? null : text(row["endpoint"]);
	};
}

/**
 * Prepares the removal of versions that no attempt can name any more, since every event of the project is newer than the end of the
 * version. The newest version stays. Returns how many it has removed.
 */
export function createPurgeVersions(db: DatabaseSync): (webhook: number) => number {
	const selectOldest = db.prepare(`
		SELECT (SELECT create_date FROM events INDEXED BY events_by_project WHERE project = projects.number ORDER BY seq LIMIT 1) AS date
		FROM webhooks JOIN projects ON projects.id = webhooks.project_id WHERE webhooks.number = ?
	`);
	const selectEnded = db.prepare(
		"SELECT 1 FROM webhook_versions WHERE webhook = ? ORDER BY revision DESC LIMIT 1 OFFSET 1",
	);
	const remove = db.prepare(`
		DELETE FROM webhook_versions WHERE webhook = ?1 AND revision < (
			SELECT max(revision) FROM webhook_versions WHERE webhook = ?1 AND create_date < ?2
		)
	`);
	return (webhook) => {
		if (selectEnded.get(webhook) === undefined) return 0;
		const oldest = numberOrNull(selectOldest.get(webhook)?.["date"] ?? null);
		const before = oldest === null ? Number.MAX_SAFE_INTEGER : number(oldest) - MARGIN_MS;
		return Number(remove.run(webhook, before).changes);
	};
}
