// Deletes old events, or their payloads. Walks through the events of a project in the order of their numbers, which is that of time,
// so that no index by time is needed.
import type { DatabaseSync } from "node:sqlite";

import type { Attempt } from "../../../../core/delivery.ts";
import { STORED_COPIES_OF_TAGS, STORED_DELIVERY_BYTES, STORED_EVENT_BYTES } from "../../../../core/policies/quota.ts";
import type { Purged, PurgeResult, PurgeStep } from "../../../../ports/store/retention.ts";
import { attemptText, toAttempt } from "../../codec/attempt-rows.ts";
import { STATUS_CODES, STATUSES } from "../../codec/delivery-rows.ts";
import { countedLabelBytes, toEventDetails } from "../../codec/event-rows.ts";
import { firstIdAt, idText } from "../../codec/ids.ts";
import { countOf, nameOf, number, numberOrNull, rowId, text, type Row } from "../../codec/rows.ts";
import { inBackground } from "../../connection.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import type { StatsChanges } from "../../stats/stats-changes.ts";
import type { StatsJournal } from "../../stats/stats-journal.ts";
import { withoutResponseBody } from "../erased.ts";
import type { SeqIndex } from "../log/seq-page.ts";

/** Events read by one statement. */
const CHUNK = 32;
/** The cost of reading a row; changing one costs 1. */
const LOOK_COST = 0.2;
/** Deletions belong to no minute of the stats. With one date for all of them, those of a webhook share one entry. */
const NO_MINUTE = 0;

/** Counts deleted rows, and reports deleted deliveries to the stats. */
export class PurgeCounter {
	readonly purged = { events: 0, deliveries: 0, attempts: 0, payloads: 0 };
	readonly #changes: StatsChanges;

	constructor(changes: StatsChanges) {
		this.#changes = changes;
	}

	get rows(): number {
		const { events, deliveries, attempts, payloads } = this.purged;
		return events + deliveries + attempts + payloads;
	}

	/** `bytes` of the event's project are gone. */
	freed(event: Row, bytes: number): void {
		this.#changes.storedBytes(number(event["project"]), -bytes);
	}

	/** `delivery` is the deleted row. */
	deliveryDeleted(delivery: Row, attempts: number): void {
		this.purged.deliveries++;
		this.purged.attempts += attempts;
		this.#changes.moved(number(delivery["webhook"]), NO_MINUTE, nameOf(STATUSES, delivery["status"]), null);
	}

	result(): Purged {
		return { ...this.purged };
	}
}

/** The cost of a visit to an event, and whether the event is done. */
interface Visit {
	readonly cost: number;
	readonly finished: boolean;
}

type VisitEvent = (event: Row, budget: number, counter: PurgeCounter) => Visit;

const PASSED: Visit = { cost: 0, finished: true };

/** What the walks need. */
export interface PurgeParts {
	readonly db: DatabaseSync;
	readonly table: DeliveryTable;
	readonly index: SeqIndex;
	readonly journal: StatsJournal;
}

/** Prepares `purgeEvents`. */
export function createPurgeEvents(parts: PurgeParts): (step: PurgeStep) => PurgeResult {
	const { db, journal } = parts;
	const walk = createWalk(parts, createRemoveEvent(parts));
	return (step) => inBackground(db, () => journal.transact((changes) => walk(step, new PurgeCounter(changes))));
}

/** Prepares `purgePayloads`. */
export function createPurgePayloads(parts: PurgeParts): (step: PurgeStep) => PurgeResult {
	const { db, journal } = parts;
	const { visit, keepingPlace } = createEmptyEvent(db);
	const walk = createWalk(parts, visit);
	return (step) =>
		keepingPlace(() => inBackground(db, () => journal.transact((changes) => walk(step, new PurgeCounter(changes)))));
}

/**
 * Deletes the events of a project, of any age, except those with waiting deliveries, until `limit` is used up. Returns whether it has looked at
 * all of them.
 */
export function createRemoveEvents(parts: PurgeParts) {
	const walk = createWalk(parts, createRemoveEvent(parts));
	return (projectId: string, limit: number, counter: PurgeCounter): boolean =>
		walk({ projectId, at: Infinity, before: Infinity, after: null, limit }, counter).done;
}

/** Visits the events of a step, oldest first, until its budget is used up. */
function createWalk({ db, table, index }: PurgeParts, visit: VisitEvent) {
	const select = db.prepare(`
		SELECT seq, id, project, create_date, delivery_count, length(body) AS count,
			iif(substr(customer, 1, 1) = '[', customer, NULL) AS several, tags, details
		FROM events INDEXED BY events_by_project
		WHERE project = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ${CHUNK}
	`);
	return (
		{ projectId, at, before, after, skipAhead = false, limit }: PurgeStep,
		counter: PurgeCounter,
	): PurgeResult => {
		const project = table.numbers.projects.find(projectId);
		if (project === null) return { purged: counter.result(), after, done: true };
		// The horizon of this store is the time of the step.
		const end = Math.min(before, at + 1);
		const firstYoung = end === Infinity ? Number.MAX_SAFE_INTEGER : index.firstFrom(end);
		const high = skipAhead ? firstYoung : index.rangeOf({ after: null, before: end === Infinity ? null : end }).high;
		const latest = Math.min(end, Number.MAX_SAFE_INTEGER);
		let [last, seq, budget, done] = [after, after === null ? 0 : index.positionOf(after).seq, limit, false];
		while (budget > 0 && !done) {
			const events = select.all(project.number, seq, high);
			done = events.length < CHUNK;
			for (const event of events) {
				// If ids were ever ahead of dates, the range has newer events, too. They are passed.
				const isOld = number(event["create_date"]) < latest;
				const { cost, finished } = isOld ? visit(event, budget, counter) : PASSED;
				budget -= cost + LOOK_COST;
				if (finished) [last, seq] = [idText("evt", rowId(event)), number(event["seq"])];
				if (budget > 0) continue;
				done &&= finished && event === events.at(-1);
				break;
			}
		}
		if (counter.purged.events + counter.purged.deliveries > 0) table.sequence.keep();
		// Events with higher ids may be young now, and are old for a later walk.
		const place = done && seq >= firstYoung ? idText("evt", firstIdAt(end)) : last;
		return { purged: counter.result(), after: place, done };
	};
}

/** Deletes an event with its deliveries and attempts, unless a delivery waits. An event with many deliveries takes several visits. */
function createRemoveEvent({ db, table }: PurgeParts): VisitEvent {
	const selectDeliveries = createSelectDeliveries(db);
	const isWaiting = createIsWaiting(db);
	const deleteAttempts = createDeleteAttempts(db);
	const deleteDelivery = db.prepare("DELETE FROM deliveries WHERE seq = ?");
	const deleteEvent = db.prepare("DELETE FROM events WHERE seq = ?");
	const deleteCustomers = db.prepare(`
		DELETE FROM event_customers WHERE project = ?1 AND event = ?2 AND customer IN (SELECT value FROM json_each(?3))
	`);
	const deleteTags = db.prepare(`
		DELETE FROM event_tags WHERE project = ?1 AND event = ?2 AND tag IN (SELECT value FROM json_each(?3))
	`);
	const deleteKey = db.prepare("DELETE FROM idempotency_keys WHERE project = ? AND key = ? AND event = ?");
	const emptyBody = createEmptyBody(db);

	return (event, budget, counter) => {
		if (isWaiting(event)) return { cost: LOOK_COST, finished: true };
		// One more than can be deleted in this visit.
		const deliveries = selectDeliveries(event, 0, Math.ceil(budget) + 1);
		const lookCost = deliveries.length * LOOK_COST;
		let changed = 0;
		for (const delivery of deliveries) {
			if (changed >= budget) {
				// Without its body, it can't be retried or replayed until the next visit.
				emptyBody(number(event["seq"]));
				counter.freed(event, countOf(event));
				return { cost: lookCost + changed, finished: false };
			}
			const seq = number(delivery["seq"]);
			const inRow = numberOrNull(delivery["attempt_bytes"]);
			// Most deliveries have one attempt, which is in their row.
			const others = number(delivery["attempt_count"]) > 1 ? deleteAttempts(seq) : NO_ATTEMPTS;
			const attempts = others.count;
			deleteDelivery.run(seq);
			table.listing.deleted(seq);
			counter.deliveryDeleted(delivery, attempts + (inRow === null ? 0 : 1));
			counter.freed(event, STORED_DELIVERY_BYTES + (inRow ?? 0) + others.bytes);
			changed += 1 + attempts;
		}
		const { several, tags } = event;
		if (several !== null) deleteCustomers.run(number(event["project"]), number(event["seq"]), text(several));
		if (tags !== null) {
			deleteTags.run(number(event["project"]), number(event["seq"]), text(tags));
			counter.freed(event, text(tags).length * STORED_COPIES_OF_TAGS);
		}
		const { idempotencyKey } = toEventDetails(event);
		if (idempotencyKey !== null) deleteKey.run(number(event["project"]), idempotencyKey, number(event["seq"]));
		deleteEvent.run(number(event["seq"]));
		counter.purged.events++;
		counter.freed(event, STORED_EVENT_BYTES + countOf(event) + countedLabelBytes(event));
		return { cost: lookCost + changed + 1, finished: true };
	};
}

/**
 * Erases the body of an event and the response bodies of its attempts, unless a delivery waits. An event with many deliveries takes
 * several visits, and its body is erased by the last one. The place between two of them is in memory only: after a start, all of its
 * deliveries are visited again. It counts once the transaction of `keepingPlace` is committed.
 */
function createEmptyEvent(db: DatabaseSync) {
	const selectDeliveries = createSelectDeliveries(db);
	const isWaiting = createIsWaiting(db);
	const emptyBody = createEmptyBody(db);
	const emptyResponses = createEmptyResponses(db);
	let place = { event: 0, upTo: 0 };
	let next = place;

	const visit: VisitEvent = (event, budget, counter) => {
		if (countOf(event) === 0) return { cost: 0, finished: true };
		if (isWaiting(event)) return { cost: LOOK_COST, finished: true };
		const seq = number(event["seq"]);
		let upTo = place.event === seq ? place.upTo : 0;
		const most = Math.ceil(budget);
		const deliveries = selectDeliveries(event, upTo, most + 1);
		let cost = 0;
		for (const [index, delivery] of deliveries.entries()) {
			if (cost >= budget || index === most) {
				next = { event: seq, upTo };
				return { cost: Math.max(cost, budget), finished: false };
			}
			upTo = number(delivery["seq"]);
			const { count, bytes } = emptyResponses(upTo);
			cost += LOOK_COST + count;
			if (bytes !== 0) counter.freed(event, bytes);
		}
		emptyBody(seq);
		counter.freed(event, countOf(event));
		counter.purged.payloads++;
		return { cost: cost + 1, finished: true };
	};
	const keepingPlace = <T>(work: () => T): T => {
		next = place;
		const result = work();
		place = next;
		return result;
	};
	return { visit, keepingPlace };
}

/** Whether a delivery of the event is Pending or Held. The row must have `seq`, `project` and `delivery_count`. */
function createIsWaiting(db: DatabaseSync): (event: Row) => boolean {
	const statuses = `status IN (${STATUS_CODES.Pending}, ${STATUS_CODES.Held})`;
	const select = db.prepare(`
		SELECT 1 WHERE EXISTS (SELECT 1 FROM open WHERE seq > ?1 AND seq <= ?2)
		OR EXISTS (
			SELECT 1 FROM deliveries INDEXED BY deliveries_by_status
			WHERE project = ?3 AND ${statuses} AND status <> 1 AND seq > ?1 AND seq <= ?2
		)
		OR EXISTS (
			SELECT 1 FROM deliveries INDEXED BY deliveries_outside_by_event WHERE outside = 1 AND event = ?1 AND ${statuses}
		)
	`);
	return (event) => {
		const seq = number(event["seq"]);
		return select.get(seq, seq + number(event["delivery_count"]), number(event["project"])) !== undefined;
	};
}

/** Prepares the reading of full rows of an event after a number, in order: those in its block, and those that replays have made. */
function createSelectDeliveries(db: DatabaseSync) {
	const columns = "seq, status, webhook, attempt_count, octet_length(attempt) AS attempt_bytes";
	const select = db.prepare(`
		SELECT ${columns} FROM deliveries WHERE seq > max(?1, ?3) AND seq <= ?2
		UNION ALL
		SELECT ${columns} FROM deliveries INDEXED BY deliveries_outside_by_event WHERE outside = 1 AND event = ?1 AND seq > ?3
		ORDER BY seq LIMIT ?4
	`);
	return (event: Row, after: number, limit: number): Row[] => {
		const seq = number(event["seq"]);
		return select.all(seq, seq + number(event["delivery_count"]), after, limit);
	};
}

/** Rows of `attempts`: their number, and the bytes of their records. */
interface Attempts {
	readonly count: number;
	readonly bytes: number;
}

const NO_ATTEMPTS: Attempts = { count: 0, bytes: 0 };

/** Prepares the deletion of the attempts of a delivery that are not in its row. */
function createDeleteAttempts(db: DatabaseSync): (delivery: number) => Attempts {
	const select = db.prepare("SELECT coalesce(sum(octet_length(attempt)), 0) AS bytes FROM attempts WHERE delivery = ?");
	const remove = db.prepare("DELETE FROM attempts WHERE delivery = ?");
	return (delivery) => {
		const bytes = number(select.get(delivery)?.["bytes"]);
		return { count: Number(remove.run(delivery).changes), bytes };
	};
}

/** Prepares the erasing of an event's body, by the number of the event. */
export function createEmptyBody(db: DatabaseSync): (event: number) => void {
	const update = db.prepare("UPDATE events SET body = x'' WHERE seq = ?");
	return (event) => {
		update.run(event);
	};
}

/**
 * Prepares the erasing of the responses in the attempts of a full row, which are marked as truncated: of their bodies, or of all that
 * `without` leaves out. It returns how many there were, and how many bytes fewer their records take.
 */
export function createEmptyResponses(
	db: DatabaseSync,
	without: (attempt: Attempt) => Attempt = withoutResponseBody,
): (delivery: number) => Attempts {
	const select = db.prepare(`
		SELECT NULL AS number, attempt FROM deliveries WHERE seq = ?1 AND attempt IS NOT NULL
		UNION ALL SELECT number, attempt FROM attempts WHERE delivery = ?1
	`);
	const updateFirst = db.prepare("UPDATE deliveries SET attempt = ? WHERE seq = ?");
	const update = db.prepare("UPDATE attempts SET attempt = ? WHERE delivery = ? AND number = ?");
	return (delivery) => {
		let [count, bytes] = [0, 0];
		for (const row of select.all(delivery)) {
			const before = text(row["attempt"]);
			const attempt = toAttempt(before);
			const emptied = without(attempt);
			if (emptied === attempt) continue;
			const after = attemptText(emptied);
			if (row["number"] === null) updateFirst.run(after, delivery);
			else update.run(after, delivery, number(row["number"]));
			count++;
			bytes += Buffer.byteLength(before) - Buffer.byteLength(after);
		}
		return { count, bytes };
	};
}
