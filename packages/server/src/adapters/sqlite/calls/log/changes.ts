// Deliveries in the order of their changes, from the index of those that are not Succeeded.
import type { DatabaseSync } from "node:sqlite";

import { projectOf, type Scope } from "../../../../core/access/principal.ts";
import { changePosition, parseChangePosition, type Page, type PageRequest } from "../../../../core/page.ts";
import type { ChangedDelivery, ChangeFilter } from "../../../../ports/store/log.ts";
import { deliveryId, DELIVERY_COLUMNS, EVENT_OF_DELIVERY, STATUS_CODES } from "../../codec/delivery-rows.ts";
import { number, type Row } from "../../codec/rows.ts";
import { qualified } from "../../codec/statements.ts";
import { CHANGES_PER_MS, createLastChangeBefore, firstChangeAt } from "../../deliveries/change-numbers.ts";
import type { LogView } from "../../deliveries/log-view.ts";
import { createStatementCache } from "../statement-cache.ts";
import { rowsWithin, type Column } from "./condition.ts";
import { conditionsOf, type Conditions } from "./filter/conditions.ts";
import { createWanted, type Wanted } from "./filter/wanted.ts";
import { numbersOfTag } from "./plan/tagged.ts";
import { createReadRows, LAST_ATTEMPT_COLUMNS, type ReadRow } from "./rows.ts";
import type { Order, SeqIndex } from "./seq-page.ts";

/** A page looks at so many entries, and at so many rows of those that may match: some 10 ms. */
const LIMITS = { entries: 80_000, rows: 4_000 } as const;
/** For a look behind the cursor. */
const QUICK = { entries: 8_000, rows: 400 } as const;
/** What conditions can be checked on in the index. */
const COLUMNS: readonly Column[] = ["project", "status", "webhook", "response_code", "cause", "type"];

/** Where entries come from. */
const BY_CHANGE = "deliveries entry INDEXED BY deliveries_by_change";
const BY_NUMBER =
	"(SELECT value AS seq FROM json_each(?)) given CROSS JOIN deliveries entry NOT INDEXED ON entry.seq = given.seq";

/** The place of an entry: changes may share a number if version 0.1 has made them. */
interface Place {
	readonly change: number;
	readonly seq: number;
}

const END: Place = { change: Number.MAX_SAFE_INTEGER, seq: 0 };

/** A part of the order. `isIn` says whether the place itself belongs to it. */
interface Edge {
	readonly place: Place;
	readonly isIn: boolean;
}

interface Scanned {
	readonly rows: readonly Row[];
	/** The last entry that was looked at, if there may be more. */
	readonly stoppedAt: Row | undefined;
}

/** Prepares `changedDeliveries` of `LogStore`. */
export function createChangedDeliveries(db: DatabaseSync, view: LogView, { positionOf }: SeqIndex) {
	const prepare = createStatementCache(db);
	const wantedBy = createWanted(db, prepare, view);
	const scan = createScan(prepare);
	const lastBefore = createLastChangeBefore(db);
	const readRows = createReadRows(db, view);
	const ownIdOf = db.prepare(`
		SELECT delivery.seq, event, own_id, change, event.id AS event_id
		FROM deliveries delivery JOIN events event ON event.seq = delivery.event WHERE delivery.seq = ?
	`);
	const placeOf = (id: string): Place => {
		const position = parseChangePosition(id);
		if (position === null) return END;
		// A row that was deleted had a number after that one, which may be of a row with the same change.
		const { seq, exact } = positionOf(position.deliveryId);
		return { change: position.change, seq: exact ? seq : seq + 0.5 };
	};
	const read = (row: Row, readRow: ReadRow): ChangedDelivery => ({
		delivery: readRow(row),
		position: positionIn(row),
	});
	const positionOfEntry = (entry: Row): string | undefined => {
		const row = ownIdOf.get(number(entry["seq"]));
		return row === undefined ? undefined : positionIn(row);
	};

	return (scope: Scope, filter: ChangeFilter, { limit, cursor }: PageRequest): Page<ChangedDelivery> => {
		const found = wantedBy(scope, { ...filter, eventId: null, after: null, before: null });
		if (found === null) return NO_ROWS;
		const { updatedAfter, updatedBefore, tag = null } = filter;
		const wanted: WantedChanges = {
			wanted: found,
			conditions: conditionsOf(found, view),
			statuses: filter.statuses,
			low: updatedAfter === null ? 0 : firstChangeAt(updatedAfter),
			high: updatedBefore === null ? END.change : lastBefore(updatedBefore),
			numbers: tag === null || found.reader !== null ? null : numbersOfTag(prepare, found.project, tag),
		};
		const place = cursor === null ? END : placeOf(cursor.id);
		const isNewer = cursor?.direction === "newer";
		const page = scan(wanted, isNewer ? "ASC" : "DESC", { place, isIn: false }, limit + 1, LIMITS);
		const hasMore = page.rows.length > limit;
		const goesOn = hasMore || page.stoppedAt !== undefined;
		const stoppedAt = hasMore || page.stoppedAt === undefined ? undefined : positionOfEntry(page.stoppedAt);
		// The cursor's own row is behind the page.
		const behind = cursor === null ? null : scan(wanted, isNewer ? "DESC" : "ASC", { place, isIn: true }, 1, QUICK);
		const isBehind = behind !== null && (behind.rows.length > 0 || behind.stoppedAt !== undefined);
		const readRow = readRows();
		const rows = page.rows.slice(0, limit).map((row) => read(row, readRow));
		return {
			rows: isNewer ? rows.toReversed() : rows,
			hasNewer: isNewer ? goesOn : isBehind,
			hasOlder: isNewer ? isBehind : goesOn,
			...(stoppedAt === undefined ? {} : { stoppedAt, scannedTo: timeOf(page.stoppedAt) }),
		};
	};
}

/** When the change of an entry was made: numbers are seldom ahead of it. */
function timeOf(entry: Row | undefined): number {
	return Math.floor(number(entry?.["change"]) / CHANGES_PER_MS);
}

/** Prepares `changeBound` of `LogStore`. */
export function createChangeBound(db: DatabaseSync, { numbers }: Pick<LogView, "numbers">) {
	const select = db.prepare(`
		SELECT change FROM deliveries INDEXED BY deliveries_by_change
		WHERE project = ? AND status = ? AND status <> 1 ORDER BY change DESC LIMIT 1
	`);
	return (scope: Scope, now: number): number => {
		const project = numbers.projects.find(projectOf(scope))?.number ?? 0;
		const last = CHANGING.map((status) => Number(select.get(project, STATUS_CODES[status])?.["change"] ?? 0));
		// If numbers are not ahead of the time, this tells nothing about others.
		return Math.max(...last, firstChangeAt(now + 1) - 1);
	};
}

const CHANGING = ["Pending", "Failed", "Held", "Cancelled"] as const;

const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };

function positionIn(row: Row): string {
	return changePosition({ change: number(row["change"]), deliveryId: deliveryId(row) });
}

interface WantedChanges {
	readonly wanted: Wanted;
	readonly conditions: Conditions;
	readonly statuses: ChangeFilter["statuses"];
	/** The first and the last number that a change can have. */
	readonly low: number;
	readonly high: number;
	/** The numbers of the deliveries with the tag of the filter, if they are few. */
	readonly numbers: readonly number[] | null;
}

type Limits = { readonly entries: number; readonly rows: number };

/**
 * Reads up to `limit` rows on one side of an edge, in order. Each status has a part of the index. It has no numbers of rows, by which changes
 * with one number are sorted: that would take four times as long. So this is only done where a read ends among them.
 */
function createScan(prepare: ReturnType<typeof createStatementCache>) {
	const next = prepare(`
		SELECT 1 FROM deliveries INDEXED BY deliveries_by_change WHERE project = ? AND status = ? AND status <> 1 AND change = ?
		LIMIT 1 OFFSET 1
	`);
	return (changes: WantedChanges, order: Order, edge: Edge, limit: number, limits: Limits): Scanned => {
		const { wanted, conditions, statuses, low, high, numbers } = changes;
		const checks = conditions.checks
			.filter(({ columns }) => columns.every((column) => COLUMNS.includes(column)))
			.map(({ on }) => on("looked"));
		const matches = conditions.full;
		const { change, seq } = edge.place;
		const range = order === "ASC" ? [Math.max(low, change), high] : [low, Math.min(high, change)];
		// Of the entries with the number of the edge, those on its other side do not count.
		const other = `${order === "ASC" ? "<" : ">"}${edge.isIn ? "" : "="}`;
		const passes = [...checks.map(({ sql }) => sql), "TRUE"].join(" AND ");
		const entries = Math.ceil(limits.entries / statuses.length);
		const lookAt = rowsWithin(limits.rows / statuses.length, conditions.checks);
		const scanPart = (status: ChangeFilter["statuses"][number], isSorted: boolean): Scanned => {
			const looked = `
				SELECT entry.seq, entry.change, ${qualified("entry", COLUMNS)} FROM ${numbers === null ? BY_CHANGE : BY_NUMBER}
				WHERE entry.project = ? AND entry.status = ? AND entry.status <> 1 AND entry.change >= ? AND entry.change <= ?
				AND NOT (+entry.change = ? AND +entry.seq ${other} ?)
				ORDER BY entry.change ${order} ${isSorted ? `, entry.seq ${order}` : ""}
			`;
			const passing = `SELECT looked.seq, looked.change FROM (${looked} LIMIT ?) looked WHERE ${passes}`;
			const given = numbers === null ? [] : [JSON.stringify(numbers)];
			const inStatus = [...given, wanted.project, STATUS_CODES[status], ...range, change, seq];
			const values = [...inStatus, entries, ...checks.flatMap((check) => check.values)];
			const rows = prepare(`
				SELECT ${qualified("delivery", DELIVERY_COLUMNS)}, ${LAST_ATTEMPT_COLUMNS}, delivery.change, ${EVENT_OF_DELIVERY}
				FROM (${passing} LIMIT ?) looked
				CROSS JOIN deliveries delivery ON delivery.seq = looked.seq
				CROSS JOIN events event ON event.seq = delivery.event
				WHERE ${[...matches.map(({ sql }) => sql), "TRUE"].join(" AND ")} LIMIT ?
			`).all(...values, lookAt, ...matches.flatMap((match) => match.values), limit);
			if (rows.length === limit) return { rows, stoppedAt: rows.at(-1) };
			const all = prepare(`
				SELECT count(*) AS entries, count(*) FILTER (WHERE ${passes}) AS passing FROM (${looked} LIMIT ?) looked
			`).get(...checks.flatMap((check) => check.values), ...inStatus, entries);
			const stoppedAt: Row | undefined =
				number(all?.["passing"]) >= lookAt
					? prepare(`${passing} LIMIT 1 OFFSET ?`).get(...values, lookAt - 1)
					: number(all?.["entries"]) === entries
						? prepare(`${looked} LIMIT 1 OFFSET ?`).get(...inStatus, entries - 1)
						: undefined;
			return { rows, stoppedAt };
		};
		const isShared = (status: ChangeFilter["statuses"][number], { stoppedAt }: Scanned): boolean =>
			stoppedAt !== undefined &&
			next.get(wanted.project, STATUS_CODES[status], number(stoppedAt["change"])) !== undefined;
		const parts = statuses.map((status) => {
			const part = scanPart(status, false);
			return isShared(status, part) ? scanPart(status, true) : part;
		});
		return together(parts, order, limit);
	};
}

/** The rows of several parts, as far as all of them have looked. */
function together(parts: readonly Scanned[], order: Order, limit: number): Scanned {
	const sign = order === "ASC" ? 1 : -1;
	const compare = (a: Row, b: Row): number =>
		sign * (number(a["change"]) - number(b["change"]) || number(a["seq"]) - number(b["seq"]));
	const stops = parts.map((part) => part.stoppedAt).filter((stop) => stop !== undefined);
	const [stoppedAt] = stops.sort(compare);
	const rows = parts
		.flatMap((part) => part.rows)
		.filter((row) => stoppedAt === undefined || compare(row, stoppedAt) <= 0)
		.sort(compare)
		.slice(0, limit);
	return { rows, stoppedAt: rows.length === limit ? undefined : stoppedAt };
}
