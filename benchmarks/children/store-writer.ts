// A process that fills the store of a stopped server. Each row is a copy of a row that the server wrote, with other ids, times and
// outcomes, so that columns of a later schema are filled too. A million rows take seconds.
import { DatabaseSync } from "node:sqlite";

import { serveCalls } from "../harness/process/serve-calls.ts";
import { deliveryOf, eventTypeOf, HOUR_MS, idAt, LOG_SPAN_MS } from "../harness/store/log-rows.ts";
import { RowCopier } from "../harness/store/row-copier.ts";
import type { StorePlan } from "../harness/store/store-copy.ts";

export interface FillOptions {
	readonly path: string;
	readonly projectId: string;
	readonly webhookIds: readonly string[];
	readonly plan: StorePlan;
}

export interface StoreWriterCalls {
	fill(options: FillOptions): void;
}

const ROWS_PER_TRANSACTION = 100_000;

function fill({ path, projectId, webhookIds, plan }: FillOptions): void {
	const db = new DatabaseSync(path);
	db.exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144");
	const project = bytesOf(projectId);
	const indexes = dropIndexes(db);
	copyRows(db, project, webhookIds.map(bytesOf), plan);
	for (const sql of indexes) db.exec(sql);
	countByStatus(db, project);
	// The server leaves its database in this mode.
	db.exec("PRAGMA journal_mode = WAL");
	db.close();
}

function bytesOf(id: string): Buffer {
	return Buffer.from(id.slice(id.indexOf("_") + 1).replaceAll("-", ""), "hex");
}

/** Drops the indexes, and returns the statements that create them again: much faster than updating them for each row. */
function dropIndexes(db: DatabaseSync): string[] {
	const select = db.prepare(`
		SELECT name, sql FROM sqlite_schema
		WHERE type = 'index' AND tbl_name IN ('events', 'deliveries', 'attempts') AND sql IS NOT NULL
	`);
	return select.all().map(({ name, sql }) => {
		db.exec(`DROP INDEX "${String(name)}"`);
		return String(sql);
	});
}

function copyRows(db: DatabaseSync, project: Buffer, webhooks: readonly Buffer[], plan: StorePlan): void {
	const events = new RowCopier(db, "events", project);
	const deliveries = new RowCopier(db, "deliveries", project);
	const attempts = new RowCopier(db, "attempts", null);
	const now = Date.now();
	const spanMs = plan.state === "log" ? LOG_SPAN_MS : HOUR_MS;
	const eventCount = Math.ceil(plan.deliveries / plan.perEvent);
	db.exec("BEGIN");
	for (let index = 0; index < plan.deliveries; index++) {
		const eventIndex = Math.floor(index / plan.perEvent);
		const time = now - spanMs + Math.floor((eventIndex / eventCount) * (spanMs - HOUR_MS / 2));
		const [eventId, id] = [idAt(time, "event", eventIndex), idAt(time, "delivery", index)];
		const type = eventTypeOf(eventIndex);
		if (index % plan.perEvent === 0) {
			const count = Math.min(plan.perEvent, plan.deliveries - index);
			events.add({ id: eventId, type, timestamp: time, create_date: time, delivery_count: count });
		}
		const { hasAttempt, ...state } = deliveryOf(plan.state, index, time, now);
		const webhook = webhooks[index % webhooks.length] ?? null;
		deliveries.add({ id, webhook_id: webhook, event_id: eventId, event_type: type, update_date: time, ...state });
		if (hasAttempt) {
			const attempt = { delivery_id: id, id: idAt(time, "attempt", index), start_date: time };
			attempts.add({ ...attempt, response_code: state.response_code });
		}
		if (index % ROWS_PER_TRANSACTION === ROWS_PER_TRANSACTION - 1) db.exec("COMMIT; BEGIN");
	}
	db.exec("COMMIT");
}

/** Updates the counts by status that the server keeps, so that they agree with the rows. */
function countByStatus(db: DatabaseSync, project: Uint8Array): void {
	const sums = [0, 1, 2, 3, 4].map((code) => `sum(status = ${code})`).join(", ");
	db.exec(
		"DELETE FROM figures_done; UPDATE figures_state SET through = (SELECT coalesce(max(seq), 0) FROM figures_journal)",
	);
	db.exec(`INSERT OR REPLACE INTO status_counts SELECT webhook_id, ${sums} FROM deliveries GROUP BY webhook_id`);
	db.prepare(
		`INSERT OR REPLACE INTO status_counts SELECT project_id, ${sums} FROM deliveries WHERE project_id = ?`,
	).run(project);
}

serveCalls<StoreWriterCalls>({ fill });
