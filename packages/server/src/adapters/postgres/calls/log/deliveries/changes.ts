// Deliveries in the order of their changes, from the indexes of those that are not Succeeded, which have a part for each status.
import { projectOf, type Scope } from "../../../../../core/access/principal.ts";
import { changePosition, parseChangePosition, type Page, type PageRequest } from "../../../../../core/page.ts";
import type { ChangedDelivery, ChangeFilter } from "../../../../../ports/store/log.ts";
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import { FIRST_UUID, idOf, uuidOf } from "../../../codec/ids.ts";
import { number, numberOrNull, text, type Row } from "../../../codec/rows.ts";
import { statement } from "../../../codec/statements.ts";
import type { Database } from "../../../connection/database.ts";
import type { Session } from "../../../connection/session.ts";
import { CHANGES_PER_MS, firstChangeAt, lastChange } from "../../../deliveries/change-numbers.ts";
import type { Order } from "../../keyset.ts";
import { LOOK_COST, Values } from "../source.ts";
import { deliveryConditions, tagCondition } from "./conditions.ts";
import { readShown } from "./deliveries.ts";
import { readWanted, type Wanted } from "./wanted.ts";

/** What a page may look at. Each entry is numbered, and its row lies between those of others. */
const BUDGET = 8_000;
/** For a look behind the cursor. */
const LOOK_SHARE = 0.1;
const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };

/** A place in the order: changes of several processes may share a number. */
interface Place {
	readonly change: number;
	readonly id: string;
}

const END: Place = { change: Number.MAX_SAFE_INTEGER, id: FIRST_UUID };

/** Which entries to read: those on one side of a place, or at it, too. */
interface Part {
	readonly place: Place;
	readonly isIn: boolean;
	readonly order: Order;
	readonly limit: number;
	readonly budget: number;
}

interface Found {
	readonly places: readonly Place[];
	/** The last entry that was looked at, if there may be more. */
	readonly stoppedAt: Place | null;
}

/** The call `changedDeliveries`. `budget` is what a page may look at. */
export function createChangedDeliveries(database: Database, budget = BUDGET) {
	return (scope: Scope, filter: ChangeFilter, { limit, cursor }: PageRequest): Promise<Page<ChangedDelivery>> =>
		database.snapshot(async (session) => {
			const wanted = await readWanted(session, scope, { ...filter, eventId: null, after: null, before: null });
			if (wanted === null) return NO_ROWS;
			const place = cursor === null ? END : placeOf(cursor.id);
			const isNewer = cursor?.direction === "newer";
			const [ahead, back]: readonly Order[] = isNewer ? ["ASC", "DESC"] : ["DESC", "ASC"];
			const [found, behind] = await Promise.all([
				scan(session, wanted, { place, isIn: false, order: ahead ?? "DESC", limit: limit + 1, budget }),
				// The cursor's own row is behind the page.
				cursor === null
					? null
					: scan(session, wanted, { place, isIn: true, order: back ?? "ASC", limit: 1, budget: budget * LOOK_SHARE }),
			]);
			const hasMore = found.places.length > limit;
			const goesOn = hasMore || found.stoppedAt !== null;
			const isBehind = behind !== null && (behind.places.length > 0 || behind.stoppedAt !== null);
			const stopped = hasMore || found.stoppedAt === null ? {} : stoppedAt(found.stoppedAt);
			const rows = await readChanged(session, found.places.slice(0, limit));
			return {
				rows: isNewer ? rows.toReversed() : rows,
				hasNewer: isNewer ? goesOn : isBehind,
				hasOlder: isNewer ? isBehind : goesOn,
				...stopped,
			};
		});
}

function placeOf(cursor: string): Place {
	const position = parseChangePosition(cursor);
	const id = position === null ? null : uuidOf("dlv", position.deliveryId);
	return position === null || id === null ? END : { change: position.change, id };
}

function positionOf({ change, id }: Place): string {
	return changePosition({ change, deliveryId: idOf("dlv", id) });
}

/** Numbers are seldom ahead of the time of their change. */
function stoppedAt(place: Place) {
	return { stoppedAt: positionOf(place), scannedTo: Math.floor(place.change / CHANGES_PER_MS) };
}

async function readChanged(session: Session, places: readonly Place[]): Promise<ChangedDelivery[]> {
	const shown = await readShown(
		session,
		places.map(({ id }) => id),
	);
	const byId = new Map(shown.map((delivery) => [delivery.id, delivery]));
	return places.flatMap((place) => {
		const delivery = byId.get(idOf("dlv", place.id));
		return delivery === undefined ? [] : [{ delivery, position: positionOf(place) }];
	});
}

/** Reads up to `limit` places on one side of a place, in order. */
async function scan(session: Session, wanted: Wanted, { place, isIn, order, limit, budget }: Part): Promise<Found> {
	const values = new Values();
	const statuses = wanted.filter.statuses ?? [];
	const look = tagCondition(wanted, values);
	const matches = [...deliveryConditions(wanted, values), ...ownerConditions(wanted, values), ...look];
	const most = Math.ceil(budget / statuses.length / (1 + LOOK_COST * look.length));
	const project = values.add(wanted.project);
	const share = values.add(most);
	const side = `${order === "ASC" ? ">" : "<"}${isIn ? "=" : ""}`;
	const where = [
		`entry.project_id = ${project}`,
		"entry.change IS NOT NULL",
		`(entry.change, entry.id) ${side} (${values.add(place.change)}::bigint, ${values.add(place.id)}::uuid)`,
		...updateRange(wanted, values),
	];
	const sorted = `entry.change ${order}, entry.id ${order}`;
	const rowLimit = values.add(limit);
	const parts = statuses.map(
		(status) => `(
			SELECT * FROM (
				SELECT ${STATUS_CODES[status]} AS status, entry.change, entry.id, (${matches.join(" AND ") || "TRUE"}) AS matches,
					row_number() OVER (ORDER BY ${sorted}) = ${share}::bigint AS is_last
				FROM ${status === "Pending" || status === "Held" ? "open_deliveries" : "deliveries"} entry
				WHERE entry.status = ${STATUS_CODES[status]} AND ${where.join(" AND ")}
				ORDER BY ${sorted} LIMIT ${share}::bigint
			) looked WHERE matches OR is_last ORDER BY change ${order}, id ${order} LIMIT ${rowLimit}::bigint
		)`,
	);
	const rows = await session.query(parts.join(" UNION ALL "), values.list);
	return together(rows, order, limit);
}

function ownerConditions({ webhook, ofCustomer }: Wanted, values: Values): string[] {
	const webhooks = ofCustomer ?? (webhook === null ? null : [webhook]);
	return webhooks === null ? [] : [`entry.webhook_id = ANY(${values.add(webhooks)}::uuid[])`];
}

/** The numbers that changes within the dates of the filter can have. */
function updateRange({ filter, lead }: Wanted, values: Values): string[] {
	const { updatedAfter, updatedBefore } = filter;
	const range: string[] = [];
	if (updatedAfter !== null) range.push(`entry.change >= ${values.add(firstChangeAt(updatedAfter))}`);
	if (updatedBefore !== null) range.push(`entry.change < ${values.add(firstChangeAt(updatedBefore) + lead.changes)}`);
	return range;
}

/** The rows of all statuses, as far as all of them have looked. */
function together(rows: readonly Row[], order: Order, limit: number): Found {
	const sign = order === "ASC" ? 1 : -1;
	const compare = (a: Place, b: Place) => sign * (a.change - b.change || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
	const found = new Map<number, number>();
	const matching: Place[] = [];
	let edge: Place | null = null;
	for (const row of rows) {
		const place = { change: number(row["change"]), id: text(row["id"]) };
		const status = number(row["status"]);
		const matches = row["matches"] === true;
		const count = (found.get(status) ?? 0) + (matches ? 1 : 0);
		found.set(status, count);
		if (matches) matching.push(place);
		const isEnd = row["is_last"] === true || count === limit;
		if (isEnd && (edge === null || compare(place, edge) < 0)) edge = place;
	}
	const last = edge;
	const known = matching.filter((place) => last === null || compare(place, last) <= 0).sort(compare);
	return { places: known.slice(0, limit), stoppedAt: known.length >= limit ? null : edge };
}

const SELECT_LAST = statement(`SELECT ${lastChange("$1::uuid")} AS last`);

/** The call `changeBound`. */
export function createChangeBound(database: Database) {
	return (scope: Scope, now: number): Promise<number> =>
		database.read(async (session) => {
			const [row] = await session.run(SELECT_LAST, [uuidOf("proj", projectOf(scope))]);
			// If numbers are not ahead of the time, this tells nothing about others.
			return Math.max(numberOrNull(row?.["last"] ?? null) ?? 0, firstChangeAt(now + 1) - 1);
		});
}
