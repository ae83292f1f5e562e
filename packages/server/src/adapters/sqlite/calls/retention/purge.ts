// Retention: goes through the events of a project by their ids, which are in the order of their time, so that no index is needed.
import type { DatabaseSync } from "node:sqlite";

import type { Purged, PurgeResult, PurgeStep } from "../../../../ports/store/retention.ts";
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, firstIdAt, idBytes, idText } from "../../codec/ids.ts";
import { countOf, nameOf, rowId, STATUS_CODES, STATUSES, type Row } from "../../codec/rows.ts";
import { inBackground } from "../../connection.ts";
import type { FigureChanges } from "../../stats/stats-changes.ts";
import type { Figures } from "../../stats/stats-journal.ts";
import { hexOf } from "../../stats/stats-rows.ts";

/** Events read at once. */
const CHUNK = 32;
/** Looking at a row costs so much of changing one. */
const LOOK_COST = 0.2;
/** Deletions are no statistics of any minute; under one date, all of a webhook's are one entry. */
const NO_MINUTE = 0;

/** Counts what is deleted, and says so to the figures. */
export class PurgeTally {
	readonly purged = { events: 0, deliveries: 0, attempts: 0, payloads: 0 };
	readonly #changes: FigureChanges;

	constructor(changes: FigureChanges) {
		this.#changes = changes;
	}

	get rows(): number {
		const { events, deliveries, attempts, payloads } = this.purged;
		return events + deliveries + attempts + payloads;
	}

	/** By its row before it was deleted. */
	deliveryDeleted(delivery: Row, attempts: number): void {
		this.purged.deliveries++;
		this.purged.attempts += attempts;
		this.#changes.moved(hexOf(delivery), NO_MINUTE, nameOf(STATUSES, delivery["status"]), null);
	}

	result(): Purged {
		return { ...this.purged };
	}
}

/** What a visit to an event has cost, and whether the next event's turn has come. */
interface Visit {
	readonly cost: number;
	readonly finished: boolean;
}

type VisitEvent = (event: Row, budget: number, tally: PurgeTally) => Visit;

/** Prepares `purgeEvents`. */
export function createPurgeEvents(db: DatabaseSync, figures: Figures): (step: PurgeStep) => PurgeResult {
	const walk = createWalk(db, "seq, id", createRemoveEvent(db));
	return (step) => inBackground(db, () => figures.transact((changes) => walk(step, new PurgeTally(changes))));
}

/** Prepares `purgePayloads`. */
export function createPurgePayloads(db: DatabaseSync, figures: Figures): (step: PurgeStep) => PurgeResult {
	const walk = createWalk(db, "seq, id, length(body) AS count", createEmptyEvent(db));
	return (step) => inBackground(db, () => figures.transact((changes) => walk(step, new PurgeTally(changes))));
}

/** Deletes settled events of a project whatever their age, until `limit` is used up. */
export function createRemoveEvents(db: DatabaseSync) {
	const walk = createWalk(db, "seq, id", createRemoveEvent(db));
	return (projectId: Uint8Array, limit: number, tally: PurgeTally): void => {
		walk({ projectId: idText("proj", projectId), before: Infinity, after: null, limit }, tally);
	};
}

/** Visits the events of a step, oldest first, until its budget is used up. */
function createWalk(db: DatabaseSync, columns: string, visit: VisitEvent) {
	const select = db.prepare(`
		SELECT ${columns} FROM events WHERE project_id = ? AND id > ? AND id < ? ORDER BY id LIMIT ${CHUNK}
	`);
	return ({ projectId, before, after, limit }: PurgeStep, tally: PurgeTally): PurgeResult => {
		const project = idBytes("proj", projectId);
		const high = before === Infinity ? AFTER_ALL_IDS : firstIdAt(before);
		let [last, budget, done] = [after === null ? null : idBytes("evt", after), limit, false];
		while (budget > 0 && !done) {
			const events = select.all(project, last ?? BEFORE_ALL_IDS, high);
			done = events.length < CHUNK;
			for (const event of events) {
				const { cost, finished } = visit(event, budget, tally);
				budget -= cost + LOOK_COST;
				if (finished) last = rowId(event);
				if (budget > 0) continue;
				done &&= finished && event === events.at(-1);
				break;
			}
		}
		return { purged: tally.result(), after: last === null ? null : idText("evt", last), done };
	};
}

/** Deletes an event with its log, unless something of it waits. One with very many deliveries takes several visits. */
function createRemoveEvent(db: DatabaseSync): VisitEvent {
	const selectDeliveries = createSelectDeliveries(db);
	const deleteAttempts = db.prepare("DELETE FROM attempts WHERE delivery_id = ?");
	const deleteDelivery = db.prepare("DELETE FROM deliveries WHERE id = ?");
	const deleteEvent = db.prepare("DELETE FROM events WHERE seq = ?");
	const emptyBody = createEmptyBody(db);

	return (event, budget, tally) => {
		const deliveries = selectDeliveries(event);
		const looked = deliveries.length * LOOK_COST;
		if (deliveries.some(isWaiting)) return { cost: looked, finished: true };
		let changed = 0;
		for (const delivery of deliveries) {
			if (changed >= budget) {
				// What is left of it can't be retried or replayed until its turn comes again.
				emptyBody(event);
				return { cost: looked + changed, finished: false };
			}
			const attempts = Number(deleteAttempts.run(rowId(delivery)).changes);
			deleteDelivery.run(rowId(delivery));
			tally.deliveryDeleted(delivery, attempts);
			changed += 1 + attempts;
		}
		deleteEvent.run(event["seq"] ?? null);
		tally.purged.events++;
		return { cost: looked + changed + 1, finished: true };
	};
}

/** Takes out the body of an event, and the answers to it, unless something of it waits. */
function createEmptyEvent(db: DatabaseSync): VisitEvent {
	const selectDeliveries = createSelectDeliveries(db);
	const emptyBody = createEmptyBody(db);
	const emptyAnswers = createEmptyAnswers(db);

	return (event, _budget, tally) => {
		if (countOf(event) === 0) return { cost: 0, finished: true };
		const deliveries = selectDeliveries(event);
		const cost = deliveries.length * LOOK_COST;
		if (deliveries.some(isWaiting)) return { cost, finished: true };
		emptyBody(event);
		let changed = 1;
		for (const delivery of deliveries) changed += emptyAnswers(rowId(delivery));
		tally.purged.payloads++;
		return { cost: cost + changed, finished: true };
	};
}

function createSelectDeliveries(db: DatabaseSync) {
	const select = db.prepare(`
		SELECT id, status, lower(hex(webhook_id)) AS hex FROM deliveries INDEXED BY deliveries_by_event WHERE event_id = ?
	`);
	return (event: Row): Row[] => select.all(rowId(event));
}

/** The body of an event by the `seq` of its row. */
export function createEmptyBody(db: DatabaseSync): (event: Row) => void {
	const update = db.prepare("UPDATE events SET body = x'' WHERE seq = ?");
	return (event) => {
		update.run(event["seq"] ?? null);
	};
}

/** The answers that the attempts of a delivery kept; what is left says that there was more. Gives how many there were. */
export function createEmptyAnswers(db: DatabaseSync): (deliveryId: Uint8Array) => number {
	const update = db.prepare(`
		UPDATE attempts SET response_body = '', response_body_truncated = 1 WHERE delivery_id = ? AND response_body <> ''
	`);
	return (deliveryId) => Number(update.run(deliveryId).changes);
}

function isWaiting(delivery: Row): boolean {
	return delivery["status"] === STATUS_CODES.Pending || delivery["status"] === STATUS_CODES.Held;
}
