// Deliveries of the log, found by any combination of filters, over both tables.
import type { DatabaseSync } from "node:sqlite";

import { isInScope, type Scope } from "../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { DeliveryCount, DeliveryFilter, LoggedDelivery } from "../../../../ports/store/log.ts";
import { DELIVERY_COLUMNS, EVENT_OF_DELIVERY } from "../../codec/delivery-rows.ts";
import { number } from "../../codec/rows.ts";
import { qualified } from "../../codec/statements.ts";
import { createLastChangeBefore } from "../../deliveries/change-numbers.ts";
import type { LogView } from "../../deliveries/log-view.ts";
import { mapPage } from "../keyset.ts";
import { createStatementCache } from "../statement-cache.ts";
import { countAll } from "./count.ts";
import { createIsInternal } from "./customers.ts";
import { conditionsOf } from "./filter/conditions.ts";
import { createWanted, type Wanted } from "./filter/wanted.ts";
import { choosePlan } from "./plan/choose.ts";
import { createOwnPlace } from "./plan/dense.ts";
import { createReadRows, LAST_ATTEMPT_COLUMNS } from "./rows.ts";
import { createScan } from "./scan.ts";
import { readSeqPage, type Scan, type SeqIndex, type SeqRange } from "./seq-page.ts";

const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };
const NOTHING: DeliveryCount = { count: 0, goesOnAt: null, scannedTo: null };

/** Prepares the calls about deliveries. */
export function createDeliveryCalls(db: DatabaseSync, view: LogView, index: SeqIndex, most: number) {
	const prepare = createStatementCache(db);
	const lastChangeBefore = createLastChangeBefore(db);
	const planner = () => ({ prepare, marks: view.marks, leadMs: view.leadMs, lastChangeBefore });
	const wantedBy = createWanted(db, prepare, view);
	const readRows = createReadRows(db, view);
	const ownPlace = createOwnPlace(prepare);
	const lastOf = (table: string) => db.prepare(`SELECT max(seq) AS seq FROM ${table}`);
	const [lastFull, lastOpen, lastEvent] = ["deliveries", "open", "events"].map(lastOf);
	/** The range of a filter, up to the last row at most. */
	const rangeOf = (filter: DeliveryFilter): SeqRange => {
		const { low, high } = index.rangeOf(filter);
		const lasts = [lastFull, lastOpen, lastEvent].map((select) => Number(select?.get()?.["seq"] ?? 0));
		return { low, high: Math.min(high, Math.max(...lasts) + 1) };
	};

	const scanOf = (wanted: Wanted): Scan => {
		const conditions = conditionsOf(wanted, view);
		return (range, order, limit, budget = most) => {
			if (range.low >= range.high) return { rows: [], stoppedAt: null };
			const { sources, isDense } = choosePlan(planner(), wanted, conditions, range, order);
			const scan = createScan(sources.map(({ read }) => read));
			const scanned = scan(range, order, limit, budget);
			const { rows, stoppedAt } = scanned;
			if (!isDense || stoppedAt === null) return scanned;
			// A cursor names nothing of other projects.
			const place = ownPlace(wanted.project, stoppedAt, range, order);
			if (place === null) return scanned;
			return {
				rows: rows.filter(({ seq }) => (order === "ASC" ? number(seq) <= place : number(seq) >= place)),
				stoppedAt: place,
			};
		};
	};

	return {
		deliveries: (scope: Scope, filter: DeliveryFilter, request: PageRequest): Page<LoggedDelivery> => {
			const wanted = wantedBy(scope, filter);
			if (wanted === null) return NO_ROWS;
			const page = readSeqPage(request, rangeOf(filter), { ...index, idAt: index.deliveryIdAt }, scanOf(wanted));
			return mapPage(page, readRows());
		},
		countDeliveries: (scope: Scope, filter: DeliveryFilter, goesOnAt: string | null): DeliveryCount => {
			const wanted = wantedBy(scope, filter);
			if (wanted === null) return NOTHING;
			const { low, high } = rangeOf(filter);
			const range = { low, high: goesOnAt === null ? high : Math.min(high, Number(goesOnAt)) };
			if (range.low >= range.high) return NOTHING;
			const { sources } = choosePlan(planner(), wanted, conditionsOf(wanted, view), range, "DESC");
			const { count, stoppedAt } = countAll(sources, range, most);
			if (stoppedAt === null) return { count, goesOnAt: null, scannedTo: null };
			return { count, goesOnAt: String(stoppedAt), scannedTo: index.timeAt(stoppedAt) };
		},
		delivery: createDelivery(db, view, readRows),
	};
}

function createDelivery(db: DatabaseSync, view: LogView, readRows: ReturnType<typeof createReadRows>) {
	const selectOpen = db.prepare(`
		SELECT ${qualified("delivery", ["seq", "event", "webhook", "project"])}, 1 AS is_open, ${EVENT_OF_DELIVERY}
		FROM open delivery JOIN events event ON event.seq = delivery.event WHERE delivery.seq = ?
	`);
	const selectFull = db.prepare(`
		SELECT ${qualified("delivery", DELIVERY_COLUMNS)}, ${LAST_ATTEMPT_COLUMNS}, 0 AS is_open, ${EVENT_OF_DELIVERY}
		FROM deliveries delivery JOIN events event ON event.seq = delivery.event WHERE delivery.seq = ?
	`);
	const isInternal = createIsInternal(db);
	return (scope: Scope, deliveryId: string): LoggedDelivery | null => {
		const seq = view.locate(deliveryId)?.seq;
		const row = seq === undefined ? undefined : (selectOpen.get(seq) ?? selectFull.get(seq));
		if (row === undefined) return null;
		const delivery = readRows()(row);
		if (!isInScope(scope, delivery)) return null;
		const project = scope.kind === "customer" ? view.numbers.projects.find(scope.projectId) : null;
		return project !== null && isInternal(project, delivery.eventType) ? null : delivery;
	};
}
