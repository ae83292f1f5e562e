// Pages of events and deliveries, which are in the order of their numbers. A cursor is an id, so pages stay right while rows come
// and go. A page looks at a bounded number of entries: if few of them match, it ends early and says where.
import type { DatabaseSync } from "node:sqlite";

import { deliveryIdAt } from "../../../../core/ids.ts";
import type { Page, PageRequest, TimeRange } from "../../../../core/page.ts";
import { firstIdAt, idBytes, idText, idTime } from "../../codec/ids.ts";
import { bytes, number, rowId, type Row } from "../../codec/rows.ts";
import { placeInBlock } from "../../deliveries/blocks.ts";
import type { LogView } from "../../deliveries/log-view.ts";

/** Numbers from `low` (inclusive) to `high` (exclusive). */
export interface SeqRange {
	readonly low: number;
	readonly high: number;
}

export type Order = "ASC" | "DESC";

/** What a scan has found: rows with their `seq`, in order, and the number at which it stopped before the end of the range. */
export interface Scanned {
	readonly rows: readonly Row[];
	readonly stoppedAt: number | null;
	/** What it has taken of the budget; if omitted, one part for each row if it has found as many as it was to, and all of it otherwise. */
	readonly cost?: number;
}

/** Reads up to `limit` rows of a range, in order. Nothing is known of the numbers beyond `stoppedAt`. `budget` is as in scan.ts. */
export type Scan = (range: SeqRange, order: Order, limit: number, budget?: number) => Scanned;

/** Looking for a row behind the cursor may take a tenth of what a page may: if it ends before, there may be one. */
const LOOK_BEHIND = 1_000;

/** The place of a cursor. If `exact`, the cursor's own row has this number; otherwise it belongs right after it. */
interface Position {
	readonly seq: number;
	readonly exact: boolean;
}

/** Reads a page, newest first, and finds out whether there are rows before and after it. */
export function readSeqPage(
	{ limit, cursor }: PageRequest,
	range: SeqRange,
	{ positionOf, timeAt, idAt }: Pick<SeqIndex, "positionOf" | "timeAt"> & { readonly idAt: (seq: number) => string },
	scan: Scan,
): Page<Row> {
	const { seq, exact } = cursor === null ? { seq: range.high, exact: true } : positionOf(cursor.id);
	const older = { low: range.low, high: Math.min(range.high, exact ? seq : seq + 1) };
	const newer = { low: Math.max(range.low, seq + 1), high: range.high };
	const isNewer = cursor?.direction === "newer";
	const { rows, stoppedAt } = isNewer ? scan(newer, "ASC", limit + 1) : scan(older, "DESC", limit + 1);
	const hasMore = rows.length > limit;
	const stopped = hasMore || stoppedAt === null ? {} : { stoppedAt: idAt(stoppedAt), scannedTo: timeAt(stoppedAt) };
	const goesOn = hasMore || stoppedAt !== null;
	const page = rows.slice(0, limit);
	if (!isNewer) {
		// The cursor's own row is on the newer side of the page.
		const before = { ...newer, low: Math.max(range.low, exact ? seq : seq + 1) };
		return {
			rows: page,
			hasNewer: cursor !== null && isAny(scan(before, "ASC", 1, LOOK_BEHIND)),
			hasOlder: goesOn,
			...stopped,
		};
	}
	// Here it is on the older side.
	const behind = { ...older, high: Math.min(range.high, seq + 1) };
	return {
		rows: page.toReversed(),
		hasNewer: goesOn,
		hasOlder: isAny(scan(behind, "DESC", 1, LOOK_BEHIND)),
		...stopped,
	};
}

/** Whether there may be rows: if the scan has stopped before it found one, another page tells. */
function isAny({ rows, stoppedAt }: Scanned): boolean {
	return rows.length > 0 || stoppedAt !== null;
}

/** Finds numbers by ids and times, and ids by numbers. */
export interface SeqIndex {
	readonly positionOf: (id: string) => Position;
	/** Contains every row with a date in the range, and some more if ids were ever ahead of dates. */
	readonly rangeOf: (range: TimeRange) => SeqRange;
	/** The first number with an id of this time or later. Every row before it has an earlier date. */
	readonly firstFrom: (time: number) => number;
	readonly eventIdAt: (seq: number) => string;
	readonly deliveryIdAt: (seq: number) => string;
	/** When the row at a number was made, or the last one before it. */
	readonly timeAt: (seq: number) => number;
}

/** Prepares an index of the log. */
export function createSeqIndex(db: DatabaseSync, view: Pick<LogView, "leadMs">): SeqIndex {
	const eventUpTo = db.prepare(`
		SELECT seq, id, delivery_count FROM events INDEXED BY events_by_id WHERE id <= ? ORDER BY id DESC LIMIT 1
	`);
	const ownUpTo = db.prepare(`
		SELECT seq, own_id FROM deliveries INDEXED BY deliveries_by_own_id
		WHERE own_id IS NOT NULL AND own_id <= ? ORDER BY own_id DESC LIMIT 1
	`);
	const eventFrom = db.prepare("SELECT seq FROM events INDEXED BY events_by_id WHERE id >= ? ORDER BY id LIMIT 1");
	const ownFrom = db.prepare(`
		SELECT seq FROM deliveries INDEXED BY deliveries_by_own_id
		WHERE own_id IS NOT NULL AND own_id >= ? ORDER BY own_id LIMIT 1
	`);
	const ownAt = db.prepare("SELECT own_id FROM deliveries WHERE seq = ? AND own_id IS NOT NULL");
	const eventAt = db.prepare("SELECT seq, id FROM events WHERE seq <= ? ORDER BY seq DESC LIMIT 1");

	/** The first number with an id of this time or later. */
	const seqFrom = (time: number): number => {
		const id = firstIdAt(time);
		const rows = [eventFrom.get(id), ownFrom.get(id)].filter((row) => row !== undefined);
		return Math.min(Number.MAX_SAFE_INTEGER, ...rows.map((row) => number(row["seq"])));
	};
	const lastEvent = (seq: number): { seq: number; id: string } => {
		const row = eventAt.get(seq);
		return row === undefined ? { seq, id: NO_EVENT } : { seq: number(row["seq"]), id: idText("evt", rowId(row)) };
	};
	return {
		positionOf: (id) => {
			const wanted = idBytes(id.startsWith("evt_") ? "evt" : "dlv", id);
			const own = ownUpTo.get(wanted);
			if (own !== undefined && Buffer.compare(rowBytes(own), wanted) === 0) {
				return { seq: number(own["seq"]), exact: true };
			}
			const event = eventUpTo.get(wanted);
			const last = own === undefined ? 0 : number(own["seq"]);
			if (event === undefined) return { seq: last, exact: false };
			const [seq, count] = [number(event["seq"]), number(event["delivery_count"])];
			const offset = placeInBlock(wanted, rowId(event));
			if (offset !== null && offset <= count) return { seq: seq + offset, exact: true };
			return { seq: Math.max(last, seq + count), exact: false };
		},
		rangeOf: ({ after, before }) => ({
			low: after === null ? 0 : seqFrom(after),
			high: before === null ? Number.MAX_SAFE_INTEGER : seqFrom(before + view.leadMs),
		}),
		firstFrom: seqFrom,
		eventIdAt: (seq) => lastEvent(seq).id,
		// Never by an event that is not the row's own: that may be another project's.
		timeAt: (seq) => {
			const own = ownAt.get(seq);
			return idTime(own === undefined ? idBytes("evt", lastEvent(seq).id) : rowBytes(own));
		},
		deliveryIdAt: (seq) => {
			const own = ownAt.get(seq);
			if (own !== undefined) return idText("dlv", rowBytes(own));
			const event = lastEvent(seq);
			return deliveryIdAt(event.id, seq - event.seq - 1);
		},
	};
}

/** Comes before the id of every event. */
const NO_EVENT = "evt_00000000-0000-7000-8000-000000000000";

function rowBytes(row: Row): Uint8Array {
	return bytes(row["own_id"]);
}
