// The events, deliveries and attempts of a store before and after its rows were moved, straight from the tables: counts, and a digest of what
// must not change.
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

/** What a log has. Two with the same contents are deeply equal. */
export interface LogContents {
	readonly events: number;
	readonly deliveries: number;
	/** The attempts of the deliveries that do not wait. */
	readonly attempts: number;
	/** Of the ids, dates and bodies of events, and of the ids, states and codes of the deliveries that do not wait, in the order of their ids. */
	readonly digest: string;
}

/** What a log had before its rows were moved, and which of its deliveries waited: a server attempts those that are due. */
export interface FormerLog {
	readonly contents: LogContents;
	readonly waiting: ReadonlySet<string>;
}

type Row = readonly unknown[];

const EVENTS = "SELECT id, type, timestamp, create_date, delivery_count, body FROM events ORDER BY id";
const STATE = "status, reason, attempt_count, auto_attempt_count, next_attempt_at, response_code, update_date";
const FORMER_DELIVERIES = `
	SELECT (SELECT count(*) FROM attempts WHERE delivery_id = delivery.id), id, ${STATE} FROM deliveries delivery ORDER BY id
`;
const MOVED_DELIVERIES = `
	SELECT (attempt IS NOT NULL) + (SELECT count(*) FROM attempts WHERE delivery = delivery.seq), own_id, ${STATE}
	FROM deliveries delivery ORDER BY own_id
`;
/** Pending or Held. A start releases what is Held for a webhook that is Enabled. */
const WAITING = "SELECT id FROM deliveries WHERE status IN (0, 3)";

/** Reads a store of version 0.1. */
export function readFormerLog(database: string): FormerLog {
	using db = new DatabaseSync(database, { readOnly: true });
	const waiting = new Set<string>();
	for (const { id } of db.prepare(WAITING).iterate()) waiting.add(idText(id));
	return { contents: read(db, FORMER_DELIVERIES, waiting), waiting };
}

/** Reads a store that had these deliveries waiting before its rows were moved. */
export function readMovedLog(database: string, waiting: FormerLog["waiting"]): LogContents {
	using db = new DatabaseSync(database, { readOnly: true });
	return read(db, MOVED_DELIVERIES, waiting);
}

function read(db: DatabaseSync, selectDeliveries: string, waiting: FormerLog["waiting"]): LogContents {
	const hash = createHash("sha256");
	const add = (row: Row) => {
		for (const value of row) hash.update(value instanceof Uint8Array ? value : `${String(value)};`);
	};
	let [events, deliveries, attempts] = [0, 0, 0];
	for (const row of rowsOf(db, EVENTS)) {
		events++;
		add(row);
	}
	for (const row of rowsOf(db, selectDeliveries)) {
		deliveries++;
		if (waiting.has(idText(row[1]))) continue;
		attempts += Number(row[0]);
		add(row);
	}
	return { events, deliveries, attempts, digest: hash.digest("hex") };
}

function rowsOf(db: DatabaseSync, sql: string): Iterable<Row> {
	const select = db.prepare(sql);
	select.setReturnArrays(true);
	return select.iterate() as Iterable<unknown> as Iterable<Row>;
}

function idText(id: unknown): string {
	return id instanceof Uint8Array ? Buffer.from(id).toString("latin1") : "";
}
