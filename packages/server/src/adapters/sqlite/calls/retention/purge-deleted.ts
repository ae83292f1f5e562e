// Deletes the remains of deleted projects and webhooks, once none of their deliveries wait any more.
import type { DatabaseSync } from "node:sqlite";

import { DELETED_PROJECTS_PER_STEP, type DeletedProjectsStep } from "../../../../ports/store/retention.ts";
import { BEFORE_ALL_IDS, idBytes, idText } from "../../codec/ids.ts";
import { number, numberOrNull, rowId, type Row } from "../../codec/rows.ts";
import { DELETE_DATE } from "../../codec/webhook-rows.ts";
import { inBackground } from "../../connection.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import { createRemoveKeys } from "../directory/revoked-keys.ts";
import { createPurgeVersions } from "../directory/webhook-versions.ts";
import { hasHeld, hasPending } from "../queue/sweep.ts";
import { createEraseRecord } from "./erase-webhook.ts";
import { createRemoveEvents, PurgeCounter, type PurgeParts } from "./purge.ts";

/** What was deleted of one project. */
type OfProject = Pick<DeletedProjectsStep, "hasDeleted" | "isFull">;

const NOTHING: OfProject = { hasDeleted: false, isFull: false };

/** Prepares `purgeDeletedProjects`. */
export function createPurgeDeletedProjects(parts: PurgeParts) {
	const { db, journal } = parts;
	const select = db.prepare("SELECT id FROM projects WHERE delete_date IS NOT NULL AND id > ? ORDER BY id LIMIT ?");
	const removeEvents = createRemoveEvents(parts);
	const removeRest = createRemoveRest(parts);

	const ofProject = (project: Row, limit: number, counter: PurgeCounter): OfProject => {
		const hasSeenAll = removeEvents(idText("proj", rowId(project)), limit, counter);
		if (counter.rows > 0 || !hasSeenAll) return { hasDeleted: counter.rows > 0, isFull: !hasSeenAll };
		return removeRest(project, limit);
	};
	const step = (after: string | null, limit: number, counter: PurgeCounter): DeletedProjectsStep => {
		const first = after === null ? BEFORE_ALL_IDS : idBytes("proj", after);
		const projects = select.all(first, DELETED_PROJECTS_PER_STEP);
		let place = after;
		for (const project of projects) {
			const { hasDeleted, isFull } = ofProject(project, limit, counter);
			if (!hasDeleted) place = idText("proj", rowId(project));
			if (!hasDeleted && !isFull) continue;
			return { purged: counter.result(), hasDeleted, isFull, after: place, done: false, left: true };
		}
		const done = projects.length < DELETED_PROJECTS_PER_STEP;
		return { ...NOTHING, purged: counter.result(), after: place, done, left: place !== null };
	};
	return (after: string | null, limit: number) =>
		inBackground(db, () => journal.transact((changes) => step(after, limit, new PurgeCounter(changes))));
}

/** Deletes the other rows of a project without events, and finally the project. */
function createRemoveRest(parts: PurgeParts): (project: Row, limit: number) => OfProject {
	const { db, table } = parts;
	const selectEvent = db.prepare("SELECT 1 FROM events INDEXED BY events_by_project WHERE project = ? LIMIT 1");
	const removeReplays = db.prepare(`
		DELETE FROM replays WHERE id IN (SELECT id FROM replays INDEXED BY replays_by_project WHERE project_id = ? LIMIT ?)
	`);
	const removePortalSessions = db.prepare(`
		DELETE FROM portal_sessions WHERE id IN (
			SELECT id FROM portal_sessions INDEXED BY portal_sessions_by_project WHERE project_id = ? LIMIT ?
		)
	`);
	const removeCustomers = db.prepare(`
		DELETE FROM customers WHERE (project_id, customer_id) IN (
			SELECT project_id, customer_id FROM customers WHERE project_id = ? LIMIT ?
		)
	`);
	const removeKeys = createRemoveKeys(db);
	const selectWebhooks = db.prepare("SELECT id, number FROM webhooks WHERE project_id = ? LIMIT ?");
	const isUnused = createIsUnused(parts);
	const removeWebhook = createRemoveWebhook(parts);
	const removeTypes = db.prepare(`
		DELETE FROM event_types WHERE (project_id, name) IN (SELECT project_id, name FROM event_types WHERE project_id = ? LIMIT ?)
	`);
	const removeRelays = db.prepare("DELETE FROM relays WHERE project_id = ?");
	const removeCounts = db.prepare("DELETE FROM status_counts WHERE owner = ?");
	const removeDeletions = db.prepare(`
		DELETE FROM customer_deletions WHERE (project_id, customer_id) IN (
			SELECT project_id, customer_id FROM customer_deletions WHERE project_id = ? LIMIT ?
		)
	`);
	const removeErasures = db.prepare(
		"DELETE FROM erasures WHERE event IN (SELECT event FROM erasures WHERE project = ? LIMIT ?)",
	);
	const removeStored = db.prepare("DELETE FROM stored_bytes WHERE project = ?");
	const removeProject = db.prepare("DELETE FROM projects WHERE id = ?");

	return (project, limit) => {
		const id = rowId(project);
		const { number: place } = table.numbers.projects.get(idText("proj", id));
		if (selectEvent.get(place) !== undefined) return NOTHING;
		for (const removal of [removeReplays, removePortalSessions, removeCustomers, removeTypes]) {
			const rows = Number(removal.run(id, limit).changes);
			if (rows > 0) return { hasDeleted: true, isFull: rows >= limit };
		}
		if (removeKeys(id, limit)) return { hasDeleted: true, isFull: false };
		const webhooks = selectWebhooks.all(id, limit);
		if (webhooks.length > 0) {
			let rows = 0;
			for (const webhook of webhooks) {
				if (rows < limit && isUnused(webhook)) rows += removeWebhook(webhook);
			}
			return { hasDeleted: rows > 0, isFull: Math.max(rows, webhooks.length) >= limit };
		}
		for (const [removal, key] of [[removeDeletions, id] as const, [removeErasures, place] as const]) {
			const rows = Number(removal.run(key, limit).changes);
			if (rows > 0) return { hasDeleted: true, isFull: rows >= limit };
		}
		removeRelays.run(id);
		removeCounts.run(id);
		removeStored.run(place);
		removeProject.run(id);
		table.numbers.projects.forget(idText("proj", id));
		return { hasDeleted: true, isFull: false };
	};
}

/**
 * Whether nothing names a webhook any more. Changes that are not rolled up yet are its project's, too, which would miss them. And by its
 * webhooks, the deletion of a customer finds the replays.
 */
function createIsUnused({ db, table, journal }: PurgeParts): (webhook: Row) => boolean {
	const selectDelivery = db.prepare(`
		SELECT 1 FROM webhooks w WHERE number = :webhook AND (
			EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_by_webhook WHERE listed = 1 AND webhook = w.number)
			OR w.number IN (SELECT webhook FROM deliveries NOT INDEXED WHERE seq > :fullMark)
			OR ${hasPending("w.number")}
			OR EXISTS (SELECT 1 FROM replays INDEXED BY replays_by_webhook WHERE webhook_id = w.id AND customer_id IS NOT NULL)
		)
	`);
	return (row) => {
		const webhook = number(row["number"]);
		if (journal.webhook(webhook).size > 0) return false;
		return selectDelivery.get({ webhook, mark: table.open.mark, fullMark: table.listing.mark }) === undefined;
	};
}

/** Deletes a webhook that is not used any more. Returns how many rows that were: it can have a hundred versions. */
function createRemoveWebhook({ db, table }: PurgeParts): (webhook: Row) => number {
	const removals = [
		"DELETE FROM webhook_secrets WHERE webhook_id = ?",
		"DELETE FROM status_counts WHERE owner = ?",
		"DELETE FROM webhooks WHERE id = ?",
	].map((sql) => db.prepare(sql));
	const removalsByNumber = ["webhook_health", "webhook_versions"].map((name) =>
		db.prepare(`DELETE FROM ${name} WHERE webhook = ?`),
	);
	return (webhook) => {
		const id = rowId(webhook);
		let rows = 0;
		for (const removal of removalsByNumber) rows += Number(removal.run(number(webhook["number"])).changes);
		for (const removal of removals) rows += Number(removal.run(id).changes);
		table.numbers.webhooks.forget(idText("webhook", id));
		return rows;
	};
}

/** A step looks at no further webhook when it has removed more rows than this: each can have a hundred versions. */
const MOST_ROWS = 1_000;

/** Prepares `purgeDeletedWebhooks`. */
export function createPurgeDeletedWebhooks(parts: PurgeParts) {
	const { db, table, journal } = parts;
	const select = db.prepare(`
		SELECT id, number, ${DELETE_DATE} AS delete_date, endpoint <> '' AND NOT EXISTS (
			SELECT 1 FROM customer_deletions d WHERE d.project_id = webhooks.project_id AND d.customer_id = webhooks.customer_id
		) AS can_be_erased
		FROM webhooks WHERE id > ? ORDER BY id LIMIT ?
	`);
	const isUnused = createIsUnused(parts);
	const removeWebhook = createRemoveWebhook(parts);
	const eraseRecord = createEraseRecord(db, table);
	const disarm = createDisarm(db, table);
	const purgeVersions = createPurgeVersions(db);

	return (after: string | null, limit: number, deletedBefore: number): string | null =>
		inBackground(db, () =>
			journal.transact(() => {
				let last = after === null ? BEFORE_ALL_IDS : idBytes("webhook", after);
				const webhooks = select.all(last, limit);
				let rows = 0;
				for (const webhook of webhooks) {
					if (rows > MOST_ROWS) return idText("webhook", last);
					last = rowId(webhook);
					const deleteDate = numberOrNull(webhook["delete_date"]);
					const isOver = deleteDate !== null && deleteDate < deletedBefore;
					// The deletion of a customer erases them itself, and counts them.
					const canBeErased = number(webhook["can_be_erased"]) === 1;
					if (deleteDate !== null && (isOver || canBeErased) && isUnused(webhook)) {
						if (isOver) rows += removeWebhook(webhook);
						// Only its deletion is still of use. It would cost pages of its customer, and disk that no quota counts.
						else eraseRecord(rowId(webhook), number(webhook["number"]));
						continue;
					}
					if (deleteDate !== null) disarm(webhook);
					rows += purgeVersions(number(webhook["number"]));
				}
				return webhooks.length < limit ? null : idText("webhook", last);
			}),
		);
}

/** Deletes the secrets and header values of a deleted webhook, if none of its deliveries wait. */
function createDisarm(db: DatabaseSync, table: DeliveryTable): (webhook: Row) => void {
	const selectArmed = db.prepare(`
		SELECT 1 FROM webhooks w WHERE id = ? AND (
			sealed_headers IS NOT NULL OR EXISTS (SELECT 1 FROM webhook_secrets WHERE webhook_id = w.id)
		)
	`);
	const selectWaiting = db.prepare(`
		SELECT 1 FROM webhooks w WHERE number = :webhook AND (${hasPending("w.number")} OR ${hasHeld("w.number")})
	`);
	const removeSecrets = db.prepare("DELETE FROM webhook_secrets WHERE webhook_id = ?");
	const removeHeaders = db.prepare(
		"UPDATE webhooks SET sealed_headers = NULL WHERE id = ? AND sealed_headers IS NOT NULL",
	);
	return (webhook) => {
		const id = rowId(webhook);
		// Whether something waits is much more to read.
		if (selectArmed.get(id) === undefined) return;
		if (selectWaiting.get({ webhook: number(webhook["number"]), mark: table.open.mark }) !== undefined) return;
		removeSecrets.run(id);
		removeHeaders.run(id);
	};
}
