// The lists and counts of deliveries, by any combination of filters, over both tables.
import type { Scope } from "../../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../../core/page.ts";
import type { DeliveryCount, DeliveryFilter, LoggedDelivery } from "../../../../../ports/store/log.ts";
import { DELIVERY_COLUMNS } from "../../../codec/delivery-rows.ts";
import { among, FIRST_UUID, firstUuidAt, idOf, isAmong, uuidTime, type UuidRange } from "../../../codec/ids.ts";
import { text, type Row } from "../../../codec/rows.ts";
import { list, statement } from "../../../codec/statements.ts";
import type { Database } from "../../../connection/database.ts";
import type { Session } from "../../../connection/session.ts";
import { readPage } from "../../keyset.ts";
import { count } from "../count.ts";
import { toLogged, withShownColumns } from "../logged-rows.ts";
import { BUDGET, walk } from "../walk.ts";
import { deliverySources } from "./sources.ts";
import { readWanted, type Wanted } from "./wanted.ts";

const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };
const NOTHING: DeliveryCount = { count: 0, goesOnAt: null, scannedTo: null };

/** The calls `deliveries` and `countDeliveries`. `budget` is what a page may look at, as in walk.ts. */
export function createDeliveryLists(database: Database, budget = BUDGET) {
	return {
		deliveries: (scope: Scope, filter: DeliveryFilter, request: PageRequest): Promise<Page<LoggedDelivery>> =>
			database.snapshot(async (session) => {
				const wanted = await readWanted(session, scope, filter);
				if (wanted === null) return NO_ROWS;
				const { stoppedAt, ...page } = await readPage("dlv", request, rangeOf(wanted), (part) =>
					walk(session, deliverySources(wanted), { part, budget, now: wanted.now }),
				);
				const rows = await readShown(
					session,
					page.rows.map(({ id }) => text(id)),
				);
				const stopped =
					stoppedAt === undefined ? {} : { stoppedAt: idOf("dlv", stoppedAt), scannedTo: uuidTime(stoppedAt) };
				return { ...page, rows, ...stopped };
			}),
		countDeliveries: (scope: Scope, filter: DeliveryFilter, goesOnAt: string | null): Promise<DeliveryCount> =>
			database.snapshot(async (session) => {
				const wanted = await readWanted(session, scope, filter);
				if (wanted === null) return NOTHING;
				const { low, high } = rangeOf(wanted);
				const below = goesOnAt !== null && (high === null || goesOnAt < high) ? goesOnAt : high;
				const counted = await count(session, deliverySources(wanted), { from: low, below }, budget);
				const { stoppedAt } = counted;
				return {
					count: counted.count,
					goesOnAt: stoppedAt,
					scannedTo: stoppedAt === null ? null : uuidTime(stoppedAt),
				};
			}),
	};
}

/** Ids are never behind dates: the range has every row with a date in it, and some more if ids were ever ahead. */
function rangeOf({ filter, lead }: Wanted): UuidRange {
	const { after, before, updatedBefore } = filter;
	// Nothing was changed before it was made.
	const end = Math.min(before ?? Infinity, updatedBefore ?? Infinity);
	return {
		low: after === null ? FIRST_UUID : firstUuidAt(after),
		high: end === Infinity ? null : firstUuidAt(end + lead.idMs),
	};
}

const COLUMNS = list(DELIVERY_COLUMNS);
const some = (table: string) => `SELECT ${COLUMNS} FROM ${table} WHERE ${isAmong("id")}`;
const SELECT_SHOWN = statement(withShownColumns(`${some("open_deliveries")} UNION ALL ${some("deliveries")}`));

/** Reads deliveries as lists show them, in the order of the given UUIDs. */
export async function readShown(session: Session, ids: readonly string[]): Promise<LoggedDelivery[]> {
	if (ids.length === 0) return [];
	const shown = new Map<string, Row>();
	for (const row of await session.run(SELECT_SHOWN, among(ids))) shown.set(text(row["id"]), row);
	return ids.flatMap((id) => {
		const row = shown.get(id);
		return row === undefined ? [] : [toLogged(row)];
	});
}
