// The delivery log in a data directory, read without the server.
import type { DatabaseSync } from "node:sqlite";

import type { StoredAttempt, StoredLog } from "@fanfare/testkit/checks/stored-log";
import { withCopy } from "@fanfare/testkit/stored-data";

import { deliveryIdAt } from "../../../packages/server/src/core/ids.ts";

export const STATUSES = ["Pending", "Succeeded", "Failed", "Held", "Cancelled"];

/**
 * Reads a data directory that no server uses, without the log of the projects in `without`. Its rows may have been moved to the form of
 * this version only in part.
 */
export function readStoredLog(dataDir: string, without: readonly string[] = []): StoredLog {
	return withCopy(dataDir, (db) => {
		const forms = formsOf(db, without);
		const all = (sqlOf: (form: Form) => string) => forms.flatMap((form) => db.prepare(sqlOf(form)).all());
		const attempts = attemptsByDelivery(all(({ attempts }) => attempts));
		return {
			integrity: String(db.prepare("PRAGMA integrity_check").get()?.["integrity_check"]),
			eventIds: new Set(all(({ events }) => events).map(({ id }) => `evt_${uuid(id)}`)),
			deliveries: all(({ deliveries }) => deliveries).map((row) => ({
				id: deliveryId(row),
				eventId: `evt_${uuid(row["event_id"])}`,
				webhookId: `webhook_${uuid(row["webhook_id"])}`,
				status: STATUSES[Number(row["status"])] ?? "?",
				reason: row["reason"] as string | null,
				attemptCount: Number(row["attempt_count"]),
				nextAttemptAt: row["next_attempt_at"] as number | null,
				leaseUntil: row["lease_until"] as number | null,
				attempts: attempts.get(String(row["key"])) ?? [],
			})),
		};
	});
}

/** The statements that read the log in one form of the tables. `key` names a delivery in its attempts. */
interface Form {
	readonly events: string;
	readonly deliveries: string;
	readonly attempts: string;
}

/** Deliveries without an attempt are in `open`, the others in `deliveries`. Attempts are JSON arrays; see attempt-rows.ts. */
function presentForm(without: readonly string[]): Form {
	const ids = without.map((id) => `'${id.replace(/^proj_/, "").toUpperCase()}'`).join();
	const isWanted = `event.project NOT IN (SELECT number FROM projects WHERE hex(id) IN (${ids}))`;
	return {
		events: `SELECT hex(id) AS id FROM events event WHERE ${isWanted}`,
		deliveries: `
		SELECT delivery.*, delivery.seq AS key, hex(event.id) AS event_id, hex(webhook.id) AS webhook_id FROM (
			SELECT seq, event, webhook, hex(own_id) AS own_id, status, reason, attempt_count, next_attempt_at, lease_until
			FROM deliveries
			UNION ALL
			SELECT open.seq, event, webhook, '', 0, NULL, 0, create_date, NULL FROM open JOIN events ON events.seq = open.event
		) delivery
		JOIN events event ON event.seq = delivery.event JOIN webhooks webhook ON webhook.number = delivery.webhook
		WHERE ${isWanted}
	`,
		attempts: `
		SELECT key, attempt ->> 1 AS number, attempt ->> 4 AS start_date, attempt ->> 6 AS response_code, attempt ->> 7 AS error
		FROM (
			SELECT seq AS key, attempt FROM deliveries WHERE attempt IS NOT NULL
			UNION ALL SELECT delivery, attempt FROM attempts
		)
		ORDER BY key, number
	`,
	};
}

/** The form of version 0.1. A move to the present one gives its tables a prefix first. */
function formerForm(prefix: "" | "former_"): Form {
	return {
		events: `SELECT hex(id) AS id FROM ${prefix}events`,
		deliveries: `
			SELECT hex(id) AS key, hex(id) AS own_id, hex(event_id) AS event_id, hex(webhook_id) AS webhook_id,
				status, reason, attempt_count, next_attempt_at, lease_until
			FROM ${prefix}deliveries
		`,
		attempts: `
			SELECT hex(delivery_id) AS key, number, start_date, response_code, error FROM ${prefix}attempts ORDER BY key, number
		`,
	};
}

function formsOf(db: DatabaseSync, without: readonly string[]): Form[] {
	const has = (table: string) =>
		db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table) !== undefined;
	if (!has("open")) return [formerForm("")];
	const present = presentForm(without);
	return has("former_events") ? [present, formerForm("former_")] : [present];
}

/** A delivery has an id of its own, or else the one at its place after its event's. */
function deliveryId(row: Record<string, unknown>): string {
	const own = row["own_id"];
	if (typeof own === "string" && own !== "") return `dlv_${uuid(own)}`;
	return deliveryIdAt(`evt_${uuid(row["event_id"])}`, Number(row["seq"]) - Number(row["event"]) - 1);
}

export function attemptsByDelivery(rows: readonly Record<string, unknown>[]): Map<string, StoredAttempt[]> {
	const byDelivery = new Map<string, StoredAttempt[]>();
	for (const row of rows) {
		const attempt = {
			number: Number(row["number"]),
			startDate: Number(row["start_date"]),
			responseCode: Number(row["response_code"]),
			error: row["error"] as string | null,
		};
		const key = String(row["key"]);
		const earlier = byDelivery.get(key);
		if (earlier === undefined) byDelivery.set(key, [attempt]);
		else earlier.push(attempt);
	}
	return byDelivery;
}

function uuid(hex: unknown): string {
	return String(hex)
		.toLowerCase()
		.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
