// Deletes old events, or their payloads. Walks through the events of a project by their ids, which are in order of time, so that
// no index by time is needed.
import type { DatabaseSync } from "node:sqlite";

import type { Purged, PurgeResult, PurgeStep } from "../../../../ports/store/retention.ts";
import { STATUS_CODES, STATUSES } from "../../codec/delivery-rows.ts";
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, firstIdAt, idBytes, idText } from "../../codec/ids.ts";
import { countOf, hexOf, nameOf, rowId, type Row } from "../../codec/rows.ts";
import { inBackground } from "../../connection.ts";
import type { StatsChanges } from "../../stats/stats-changes.ts";
import type { StatsJournal } from "../../stats/stats-journal.ts";

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

	/** `delivery` is the deleted row. */
	deliveryDeleted(delivery: Row, attempts: number): void {
		this.purged.deliveries++;
		this.purged.attempts += attempts;
		this.#changes.moved(hexOf(delivery), NO_MINUTE, nameOf(STATUSES, delivery["status"]), null);
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

/** Prepares `purgeEvents`. */
export function createPurgeEvents(db: DatabaseSync, journal: StatsJournal): (step: PurgeStep) => PurgeResult {
	const walk = createWalk(db, "seq, id", createRemoveEvent(db));
	return (step) => inBackground(db, () => journal.transact((changes) => walk(step, new PurgeCounter(changes))));
}

/** Prepares `purgePayloads`. */
export function createPurgePayloads(db: DatabaseSync, journal: StatsJournal): (step: PurgeStep) => PurgeResult {
	const walk = createWalk(db, "seq, id, length(body) AS count", createEmptyEvent(db));
	return (step) => inBackground(db, () => journal.transact((changes) => walk(step, new PurgeCounter(changes))));
}

/** Deletes the events of a project, of any age, except those with waiting deliveries, until `limit` is used up. */
export function createRemoveEvents(db: DatabaseSync) {
	const walk = createWalk(db, "seq, id", createRemoveEvent(db));
	return (projectId: Uint8Array, limit: number, counter: PurgeCounter): void => {
		walk({ projectId: idText("proj", projectId), at: Infinity, before: Infinity, after: null, limit }, counter);
	};
}

/** Visits the events of a step, oldest first, until its budget is used up. */
function createWalk(db: DatabaseSync, columns: string, visit: VisitEvent) {
	const select = db.prepare(`
		SELECT ${columns} FROM events WHERE project_id = ? AND id > ? AND id < ? ORDER BY id LIMIT ${CHUNK}
	`);
	return ({ projectId, at, before, after, limit }: PurgeStep, counter: PurgeCounter): PurgeResult => {
		const project = idBytes("proj", projectId);
		// The horizon of this store is the time of the step.
		const end = Math.min(before, at + 1);
		const high = end === Infinity ? AFTER_ALL_IDS : firstIdAt(end);
		let [last, budget, done] = [after === null ? null : idBytes("evt", after), limit, false];
		while (budget > 0 && !done) {
			const events = select.all(project, last ?? BEFORE_ALL_IDS, high);
			done = events.length < CHUNK;
			for (const event of events) {
				const { cost, finished } = visit(event, budget, counter);
				budget -= cost + LOOK_COST;
				if (finished) last = rowId(event);
				if (budget > 0) continue;
				done &&= finished && event === events.at(-1);
				break;
			}
		}
		return { purged: counter.result(), after: last === null ? null : idText("evt", last), done };
	};
}

/** Deletes an event with its deliveries and attempts, unless a delivery waits. An event with many deliveries takes several visits. */
function createRemoveEvent(db: DatabaseSync): VisitEvent {
	const selectDeliveries = createSelectDeliveries(db);
	const deleteAttempts = db.prepare("DELETE FROM attempts WHERE delivery_id = ?");
	const deleteDelivery = db.prepare("DELETE FROM deliveries WHERE id = ?");
	const deleteEvent = db.prepare("DELETE FROM events WHERE seq = ?");
	const emptyBody = createEmptyBody(db);

	return (event, budget, counter) => {
		const deliveries = selectDeliveries(event);
		const lookCost = deliveries.length * LOOK_COST;
		if (deliveries.some(isWaiting)) return { cost: lookCost, finished: true };
		let changed = 0;
		for (const delivery of deliveries) {
			if (changed >= budget) {
				// Without its body, it can't be retried or replayed until the next visit.
				emptyBody(event);
				return { cost: lookCost + changed, finished: false };
			}
			const attempts = Number(deleteAttempts.run(rowId(delivery)).changes);
			deleteDelivery.run(rowId(delivery));
			counter.deliveryDeleted(delivery, attempts);
			changed += 1 + attempts;
		}
		deleteEvent.run(event["seq"] ?? null);
		counter.purged.events++;
		return { cost: lookCost + changed + 1, finished: true };
	};
}

/** Erases the body of an event and the response bodies of its attempts, unless a delivery waits. */
function createEmptyEvent(db: DatabaseSync): VisitEvent {
	const selectDeliveries = createSelectDeliveries(db);
	const emptyBody = createEmptyBody(db);
	const emptyResponses = createEmptyResponses(db);

	return (event, _budget, counter) => {
		if (countOf(event) === 0) return { cost: 0, finished: true };
		const deliveries = selectDeliveries(event);
		const cost = deliveries.length * LOOK_COST;
		if (deliveries.some(isWaiting)) return { cost, finished: true };
		emptyBody(event);
		let changed = 1;
		for (const delivery of deliveries) changed += emptyResponses(rowId(delivery));
		counter.purged.payloads++;
		return { cost: cost + changed, finished: true };
	};
}

function createSelectDeliveries(db: DatabaseSync) {
	const select = db.prepare(`
		SELECT id, status, lower(hex(webhook_id)) AS hex FROM deliveries INDEXED BY deliveries_by_event WHERE event_id = ?
	`);
	return (event: Row): Row[] => select.all(rowId(event));
}

/** Prepares the erasing of an event's body; the row must have its `seq`. */
export function createEmptyBody(db: DatabaseSync): (event: Row) => void {
	const update = db.prepare("UPDATE events SET body = x'' WHERE seq = ?");
	return (event) => {
		update.run(event["seq"] ?? null);
	};
}

/** Prepares the erasing of a delivery's response bodies, which are marked as truncated. It returns how many there were. */
export function createEmptyResponses(db: DatabaseSync): (deliveryId: Uint8Array) => number {
	const update = db.prepare(`
		UPDATE attempts SET response_body = '', response_body_truncated = 1 WHERE delivery_id = ? AND response_body <> ''
	`);
	return (deliveryId) => Number(update.run(deliveryId).changes);
}

function isWaiting(delivery: Row): boolean {
	return delivery["status"] === STATUS_CODES.Pending || delivery["status"] === STATUS_CODES.Held;
}
