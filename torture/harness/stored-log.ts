// The delivery log on the disk, read without the server.
import type { DatabaseSync } from "node:sqlite";

import type { StoredAttempt, StoredLog } from "@fanfare/testkit/checks/stored-log";
import { withCopy } from "@fanfare/testkit/stored-data";

const STATUSES = ["Pending", "Succeeded", "Failed", "Held", "Cancelled"];

/** Reads a data directory that no server uses. */
export function readStoredLog(dataDir: string): StoredLog {
	return withCopy(dataDir, (db) => {
		const attempts = attemptsByDelivery(db);
		return {
			integrity: String(db.prepare("PRAGMA integrity_check").get()?.["integrity_check"]),
			eventIds: new Set(
				db
					.prepare("SELECT hex(id) AS id FROM events")
					.all()
					.map(({ id }) => `evt_${uuid(id)}`),
			),
			deliveries: db
				.prepare(DELIVERIES_SQL)
				.all()
				.map((row) => ({
					id: `dlv_${uuid(row["id"])}`,
					eventId: `evt_${uuid(row["event"])}`,
					webhookId: `webhook_${uuid(row["webhook"])}`,
					status: STATUSES[Number(row["status"])] ?? "?",
					reason: row["reason"] as string | null,
					attemptCount: Number(row["attempt_count"]),
					nextAttemptAt: row["next_attempt_at"] as number | null,
					leaseUntil: row["lease_until"] as number | null,
					attempts: attempts.get(String(row["id"])) ?? [],
				})),
		};
	});
}

const DELIVERIES_SQL = `
	SELECT hex(id) AS id, hex(event_id) AS event, hex(webhook_id) AS webhook,
		status, reason, attempt_count, next_attempt_at, lease_until
	FROM deliveries
`;
const ATTEMPTS_SQL = `
	SELECT hex(delivery_id) AS delivery, number, start_date, response_code, error
	FROM attempts ORDER BY delivery_id, number
`;

function attemptsByDelivery(db: DatabaseSync): Map<string, StoredAttempt[]> {
	const byDelivery = new Map<string, StoredAttempt[]>();
	for (const row of db.prepare(ATTEMPTS_SQL).all()) {
		const attempt = {
			number: Number(row["number"]),
			startDate: Number(row["start_date"]),
			responseCode: Number(row["response_code"]),
			error: row["error"] as string | null,
		};
		const id = String(row["delivery"]);
		const earlier = byDelivery.get(id);
		if (earlier === undefined) byDelivery.set(id, [attempt]);
		else earlier.push(attempt);
	}
	return byDelivery;
}

function uuid(hex: unknown): string {
	return String(hex)
		.toLowerCase()
		.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
