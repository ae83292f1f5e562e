// Reads what is on the disk, without the server.
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { TemporaryDir } from "./temporary-dir.ts";

const DATABASE = "fanfare.db";
const SUCCEEDED = 1;

export interface StoredData {
	/** The result of `PRAGMA integrity_check`: "ok" if the database is intact. */
	readonly integrity: string;
	/** `evt_… webhook_…` of each succeeded delivery. */
	readonly succeeded: ReadonlySet<string>;
	readonly eventCount: number;
	readonly deliveryCount: number;
	/** The number of deliveries whose attempts are not numbered from 1 to the delivery's attempt count. */
	readonly misnumbered: number;
}

/** Reads a data directory that no server uses. */
export function readStoredData(dataDir: string): StoredData {
	return withCopy(dataDir, (db) => ({
		integrity: String(db.prepare("PRAGMA integrity_check").get()?.["integrity_check"]),
		succeeded: new Set(db.prepare(SUCCEEDED_SQL).all(SUCCEEDED).map(pairOf)),
		eventCount: count(db, "SELECT count(*) AS n FROM events"),
		deliveryCount: count(db, "SELECT count(*) AS n FROM (SELECT seq FROM deliveries UNION ALL SELECT seq FROM open)"),
		misnumbered: count(db, MISNUMBERED_SQL),
	}));
}

/** Opens a copy of the database, so that the original's write-ahead log is left for the next server to recover. */
export function withCopy<T>(dataDir: string, read: (db: DatabaseSync) => T): T {
	using copy = new TemporaryDir();
	for (const suffix of ["", "-wal"]) {
		const file = join(dataDir, DATABASE + suffix);
		if (existsSync(file)) copyFileSync(file, copy.join(DATABASE + suffix));
	}
	const db = new DatabaseSync(copy.join(DATABASE));
	try {
		return read(db);
	} finally {
		db.close();
	}
}

const SUCCEEDED_SQL = `
	SELECT hex(event.id) AS event, hex(webhook.id) AS webhook FROM deliveries delivery
	JOIN events event ON event.seq = delivery.event JOIN webhooks webhook ON webhook.number = delivery.webhook
	WHERE delivery.status = ?
`;
/** The first attempt is in the row of its delivery, as JSON whose second element is its number. */
const MISNUMBERED_SQL = `
	WITH numbered (delivery, number) AS (
		SELECT seq, attempt ->> 1 FROM deliveries WHERE attempt IS NOT NULL
		UNION ALL SELECT delivery, number FROM attempts
	)
	SELECT count(*) AS n FROM (
		SELECT d.attempt_count, count(a.number) AS written, coalesce(max(a.number), 0) AS last, coalesce(min(a.number), 1) AS first
		FROM deliveries d LEFT JOIN numbered a ON a.delivery = d.seq GROUP BY d.seq
	) WHERE written <> attempt_count OR last <> attempt_count OR first <> 1
`;

function count(db: DatabaseSync, sql: string): number {
	return Number(db.prepare(sql).get()?.["n"]);
}

function pairOf(row: Record<string, unknown>): string {
	return `evt_${uuid(String(row["event"]))} webhook_${uuid(String(row["webhook"]))}`;
}

function uuid(hex: string): string {
	return hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
