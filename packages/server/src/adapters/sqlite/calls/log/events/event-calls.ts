// Events of the log.
import type { DatabaseSync } from "node:sqlite";

import { customerOf, projectOf, type Scope } from "../../../../../core/access/principal.ts";
import type { EventDetails } from "../../../../../core/event.ts";
import type { Page, PageRequest } from "../../../../../core/page.ts";
import type { EventDelivery, EventFilter, FoundEvent, LoggedEvent } from "../../../../../ports/store/log.ts";
import { EVENT_COLUMNS, toEvent, toEventDetails } from "../../../codec/event-rows.ts";
import { idBytes } from "../../../codec/ids.ts";
import { bytes, number, text, type Row } from "../../../codec/rows.ts";
import { list } from "../../../codec/statements.ts";
import type { LogView } from "../../../deliveries/log-view.ts";
import type { Numbered } from "../../../deliveries/numbers.ts";
import { mapPage } from "../../keyset.ts";
import { createStatementCache } from "../../statement-cache.ts";
import { createIsInternal, createPublicChecks, createWebhooksOf, type Customer } from "../customers.ts";
import { BUDGET } from "../scan.ts";
import { readSeqPage, type Scan, type Scanned, type SeqIndex, type SeqRange } from "../seq-page.ts";
import { createCountAll, createCountOwn, type EventDeliveries } from "./delivery-statuses.ts";
import { createEventDeliveries } from "./event-deliveries.ts";
import { createEventScan } from "./event-scan.ts";

/** A page counts about this many deliveries: some 15 ms. */
const DELIVERIES = 10_000;
const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };

/** The deliveries of the events in a page, by the number of the event. */
type Counted = Map<number, EventDeliveries>;

/** Prepares the calls about events. A customer sees an event only through the deliveries to its own webhooks. */
export function createEventCalls(db: DatabaseSync, view: LogView, index: SeqIndex) {
	const { numbers } = view;
	const prepare = createStatementCache(db);
	const select = db.prepare(`
		SELECT seq, ${list(EVENT_COLUMNS)}, details FROM events INDEXED BY events_by_id WHERE id = ? AND project = ?
	`);
	const selectBody = db.prepare("SELECT body FROM events WHERE seq = ?");
	const webhooksOf = createWebhooksOf(db);
	const [countAll, countOwn] = [createCountAll(db), createCountOwn(db, view)];
	const deliveriesOf = createEventDeliveries(db, view, index);
	const isInternal = createIsInternal(db);
	const publicChecks = createPublicChecks(db);

	/** The rows that the customer may see, in the form that the customer sees, until `budget` is used up. */
	const seenBy = (customer: Customer, rows: readonly Row[], budget: number, counted: Counted) => {
		const webhooks = new Set(webhooksOf(customer));
		const seen: Row[] = [];
		let [left, last] = [budget, rows.at(-1)];
		for (const row of rows) {
			const deliveries = countOwn(row, customer, webhooks);
			counted.set(number(row["seq"]), deliveries);
			const { first, isAny, cost } = deliveries;
			if (isAny) seen.push({ ...row, delivery_count: first, customer: customer.customerId, details: null });
			left -= cost;
			last = row;
			if (left <= 0) break;
		}
		return { seen, left, last };
	};

	const find = (scope: Scope, eventId: string, counted: Counted = new Map()): Row | undefined => {
		const project = numbers.projects.find(projectOf(scope));
		const row = project === null ? undefined : select.get(idBytes("evt", eventId), project.number);
		const customerId = customerOf(scope);
		if (row === undefined || project === null || customerId === null) return row;
		if (isInternal(project, text(row["type"]))) return undefined;
		return seenBy({ project, customerId }, [row], DELIVERIES, counted).seen[0];
	};

	const scanOf = (project: Numbered, scope: Scope, filter: EventFilter, range: SeqRange, counted: Counted): Scan => {
		const reader = customerOf(scope);
		const checks = reader === null ? [] : publicChecks(project);
		const scan = createEventScan(prepare, { project, reader, checks, hasLead: view.leadMs > 0 }, filter, range);
		if (reader === null) return scan;
		const customer = { project, customerId: reader };
		if (webhooksOf(customer).length === 0) return () => ({ rows: [], stoppedAt: null });
		// Of the events that are for the customer, some may have no delivery to it.
		return (part, order, limit, budget = BUDGET): Scanned => {
			const rows: Row[] = [];
			let [rest, left] = [part, (budget / BUDGET) * DELIVERIES];
			for (;;) {
				const scanned = scan(rest, order, limit, budget);
				const found = seenBy(customer, scanned.rows, left, counted);
				rows.push(...found.seen);
				left = found.left;
				if (rows.length >= limit) return { rows: rows.slice(0, limit), stoppedAt: null };
				const isSpent = left <= 0 && found.last !== scanned.rows.at(-1);
				const isFull = scanned.rows.length === limit;
				if (!isSpent && !isFull) return { rows, stoppedAt: scanned.stoppedAt };
				const reached = number(found.last?.["seq"] ?? null);
				if (left <= 0) return { rows, stoppedAt: reached };
				rest = order === "ASC" ? { ...rest, low: reached + 1 } : { ...rest, high: reached };
			}
		};
	};

	/** Shows rows with the statuses of their deliveries, as many as a page may count. */
	const createShow = (counted: Counted): ((row: Row) => LoggedEvent) => {
		let left = DELIVERIES;
		return (row) => {
			const known = counted.get(number(row["seq"]));
			const { byStatus, cost } = known ?? countAll(row, left);
			if (known === undefined) left = Math.max(0, left - cost);
			const { idempotencyKey } = toEventDetails(row);
			return { ...toEvent(row, numbers), idempotencyKey, deliveries: byStatus };
		};
	};

	return {
		events: (scope: Scope, filter: EventFilter, request: PageRequest): Page<LoggedEvent> => {
			const project = numbers.projects.find(projectOf(scope));
			if (project === null) return NO_ROWS;
			if (scope.kind === "customer" && !maySearch(scope.customerId, filter)) return NO_ROWS;
			const counted: Counted = new Map();
			const range = index.rangeOf(filter);
			const places = { ...index, idAt: index.eventIdAt };
			const page = readSeqPage(request, range, places, scanOf(project, scope, filter, range, counted));
			return mapPage(page, createShow(counted));
		},
		event: (scope: Scope, eventId: string): LoggedEvent | null => {
			const counted: Counted = new Map();
			const row = find(scope, eventId, counted);
			return row === undefined ? null : createShow(counted)(row);
		},
		eventsById: (scope: Scope, eventIds: readonly string[]): readonly (FoundEvent | null)[] =>
			eventIds.map((eventId) => {
				const row = find(scope, eventId);
				if (row === undefined) return null;
				const { createDate, customers } = toEvent(row, numbers);
				return { createDate, customers };
			}),
		eventDetails: (scope: Scope, eventId: string): EventDetails | null => {
			const row = find(scope, eventId);
			if (row === undefined) return null;
			// A customer learns nothing of whom else the sender named, nor of the sender's own keys and traces.
			return scope.kind === "project"
				? toEventDetails(row)
				: { idempotencyKey: null, targets: null, traceparent: null };
		},
		eventDeliveries: (
			scope: Scope,
			eventId: string,
			webhookIds: readonly string[],
		): readonly EventDelivery[] | null => {
			const seen = find(scope, eventId);
			// A customer's row counts only the customer's deliveries: the block has all.
			const row = seen === undefined ? undefined : select.get(idBytes("evt", eventId), number(seen["project"]));
			if (row === undefined) return null;
			const customerId = customerOf(scope);
			const webhooks = webhookIds.flatMap((id) => {
				const found = numbers.webhooks.find(id);
				if (found === null || found.project !== number(row["project"])) return [];
				return customerId === null || found.customerId === customerId ? [found] : [];
			});
			return deliveriesOf(row, webhooks);
		},
		eventBody: (scope: Scope, eventId: string): Uint8Array | null => {
			const row = find(scope, eventId);
			const found = row === undefined ? undefined : selectBody.get(number(row["seq"]));
			if (found === undefined) return null;
			const body = bytes(found["body"]);
			return body.length === 0 ? null : body;
		},
	};
}

/**
 * Whether there can be an answer for a customer. It can't ask for others' events or by the sender's idempotency keys, and every event
 * that it sees has reached it.
 */
function maySearch(
	reader: string,
	{ customerId = null, idempotencyKey = null, unmatched = false }: EventFilter,
): boolean {
	return (customerId === null || customerId === reader) && idempotencyKey === null && !unmatched;
}
