// Moves events, deliveries and attempts to the tables of today, in the order of their ids, over all projects.
//
// A step can end between any two rows. The next one finds in the tables where to go on: what is not moved is in the former ones,
// and the highest numbers in the new ones tell which block is unfinished.
import type { DatabaseSync } from "node:sqlite";

import { STATUS_CODES } from "../../codec/delivery-rows.ts";
import { eventDetails } from "../../codec/event-rows.ts";
import { BEFORE_ALL_IDS, idTime, justAfter } from "../../codec/ids.ts";
import { bytes, number, rowId, type Row } from "../../codec/rows.ts";
import { list, prepareInsert, qualified } from "../../codec/statements.ts";
import { Sequence } from "../../deliveries/blocks.ts";
import { CHANGES_PER_MS } from "../../deliveries/change-numbers.ts";
import { FORMER_ATTEMPT_COLUMNS, formerAttemptText } from "./former-attempts.ts";
import { FormerEvents, type FormerEvent } from "./former-events.ts";
import { FormerKeys } from "./former-keys.ts";
import { StepBudget, type StepLimits } from "./step-budget.ts";

/** The numbers for the deliveries of the event that was moved last, as long as they follow it directly. */
interface Block {
	readonly eventId: Uint8Array;
	readonly event: number;
	readonly eventDate: number;
	next: number;
	readonly end: number;
}

/** The delivery that was moved last, while its attempts are moved. `seq` is null if it was dropped. */
interface Moved {
	readonly id: Uint8Array;
	readonly seq: number | null;
	/** Its event comes later: it was made when the clock was set back. */
	readonly isEarly: boolean;
}

/** Stands for the number of an event that comes later. */
const COMES_LATER = 0;

/** Every call is made in a transaction of the caller. After a transaction that failed, a new object must be made. */
export class LogMove {
	readonly #limits: StepLimits;
	readonly #events: FormerEvents;
	readonly #keys: FormerKeys;
	readonly #sequence: Sequence;
	readonly #statements: ReturnType<typeof prepareStatements>;
	/** Every delivery up to this id is moved. */
	#after: Uint8Array;
	#block: Block | null;
	#moved = 0;

	constructor(db: DatabaseSync, limits: StepLimits) {
		this.#limits = limits;
		this.#events = new FormerEvents(db);
		this.#keys = new FormerKeys(db);
		this.#sequence = new Sequence(db);
		this.#statements = prepareStatements(db);
		this.#after = lastDelivery(db);
		this.#block = lastBlock(db);
	}

	/** How many events and deliveries this object has moved. */
	get moved(): number {
		return this.#moved;
	}

	/** Moves some rows. Returns false if none were left. */
	step(): boolean {
		const budget = new StepBudget(this.#limits);
		const early: Uint8Array[] = [];
		let moved: Moved | null = null;
		let isAtEnd = true;
		for (const row of this.#statements.selectDeliveries.iterate(this.#after)) {
			const id = rowId(row);
			if (moved !== null && Buffer.compare(id, moved.id) === 0) {
				if (moved.seq !== null) this.#moveAttempt(row, moved.seq, budget);
				continue;
			}
			this.#moveEvents(id, budget);
			isAtEnd = !budget.isSpent;
			if (!isAtEnd) break;
			moved = this.#moveDelivery(row, id, budget);
			if (moved.isEarly) early.push(id);
		}
		if (isAtEnd) this.#moveEvents(null, budget);
		if (moved !== null) this.#removeDeliveries(moved.id, early);
		return budget.rows > 0;
	}

	/** Gives some deliveries their events, which came later, when all events are moved. Returns false if none were left. */
	stepEarly(): boolean {
		const { selectEarly, setEvent, dropAttempts, dropDelivery, deleteDelivery } = this.#statements;
		const rows = selectEarly.all(this.#limits.rows);
		for (const row of rows) {
			const event = this.#eventOf(bytes(row["event_id"]));
			if (event !== COMES_LATER) setEvent.run(event, rowId(row));
			else {
				// Its event was deleted. The log shows no such delivery.
				dropAttempts.run(rowId(row));
				dropDelivery.run(rowId(row));
			}
			deleteDelivery.run(rowId(row));
		}
		return rows.length > 0;
	}

	/** Moves the events that come before a delivery; null moves all that are left. */
	#moveEvents(before: Uint8Array | null, budget: StepBudget): void {
		for (let event = this.#events.first; event !== null && !budget.isSpent; event = this.#events.first) {
			if (before !== null && Buffer.compare(event.id, before) > 0) return;
			this.#moveEvent(event);
			budget.spend(event.bodyBytes);
			this.#events.shift();
		}
	}

	#moveEvent({ id, rowid, createDate, deliveryCount }: FormerEvent): void {
		const event = this.#sequence.take(1 + deliveryCount);
		this.#moved++;
		const idempotencyKey = this.#keys.keyOf(id, createDate);
		// Version 0.1 did not keep whom the sender had named.
		const details = eventDetails({ idempotencyKey, targets: null, traceparent: null }, 0);
		this.#statements.insertEvent.run(event, details, rowid);
		this.#statements.deleteEvent.run(rowid);
		const leadMs = idTime(id) - createDate;
		if (leadMs > 0) this.#statements.raiseLead.run(leadMs);
		this.#block = { eventId: id, event, eventDate: createDate, next: event + 1, end: event + deliveryCount };
	}

	/** Moves a delivery with its first attempt. One that follows its event directly is in its block; a replay has made any other. */
	#moveDelivery(row: Row, id: Uint8Array, budget: StepBudget): Moved {
		this.#moved++;
		const eventId = bytes(row["event_id"]);
		const attempt = row["number"] === null ? null : formerAttemptText(row);
		budget.spend(attempt?.length ?? 0);
		const block = this.#block;
		if (block !== null && block.next <= block.end && Buffer.compare(block.eventId, eventId) === 0) {
			const seq = block.next++;
			const date = idTime(id) === block.eventDate ? null : idTime(id);
			return this.#insert(id, { seq, event: block.event, date, outside: null, attempt });
		}
		this.#block = null;
		const event = this.#eventOf(eventId);
		return this.#insert(id, { seq: this.#sequence.take(1), event, date: idTime(id), outside: 1, attempt });
	}

	#insert(id: Uint8Array, { seq, event, date, outside, attempt }: NewRow): Moved {
		// A row whose project or webhook is gone can't be shown or delivered.
		const { changes } = this.#statements.insertDelivery.run(seq, event, date, outside, attempt, id);
		return changes === 0 ? { id, seq: null, isEarly: false } : { id, seq, isEarly: event === COMES_LATER };
	}

	#eventOf(eventId: Uint8Array): number {
		const row = this.#statements.selectEvent.get(eventId);
		return row === undefined ? COMES_LATER : number(row["seq"]);
	}

	/** Moves an attempt after the first one. */
	#moveAttempt(row: Row, delivery: number, budget: StepBudget): void {
		const attempt = formerAttemptText(row);
		budget.spend(attempt.length);
		this.#statements.insertAttempt.run(delivery, number(row["number"]), attempt);
	}

	/** Deletes the former rows up to a delivery, except for those that `stepEarly` needs. */
	#removeDeliveries(upTo: Uint8Array, early: readonly Uint8Array[]): void {
		const { deleteAttempts, deleteDeliveries } = this.#statements;
		deleteAttempts.run(upTo);
		let from = this.#after;
		for (const end of [...early, justAfter(upTo)]) {
			deleteDeliveries.run(from, end);
			from = end;
		}
		this.#after = upTo;
	}
}

/** The values of a delivery that are not in its former row. */
interface NewRow {
	readonly seq: number;
	readonly event: number;
	readonly date: number | null;
	readonly outside: 1 | null;
	readonly attempt: string | null;
}

function lastDelivery(db: DatabaseSync): Uint8Array {
	const row = db
		.prepare("SELECT own_id AS id FROM deliveries WHERE own_id IS NOT NULL ORDER BY own_id DESC LIMIT 1")
		.get();
	return row === undefined ? BEFORE_ALL_IDS : rowId(row);
}

/** The block of the last event, if no delivery outside of it was moved since. */
function lastBlock(db: DatabaseSync): Block | null {
	const row = db.prepare("SELECT seq, id, create_date, delivery_count FROM events ORDER BY seq DESC LIMIT 1").get();
	if (row === undefined) return null;
	const event = number(row["seq"]);
	const end = event + number(row["delivery_count"]);
	const last = number(db.prepare("SELECT coalesce(max(seq), 0) AS last FROM deliveries").get()?.["last"]);
	if (last > end) return null;
	return { eventId: rowId(row), event, eventDate: number(row["create_date"]), next: Math.max(event, last) + 1, end };
}

/** The columns that have the same values as before. */
const SAME_COLUMNS = [
	"status",
	"reason",
	"attempt_count",
	"auto_attempt_count",
	"next_attempt_at",
	"lease_until",
	"trigger",
	"schedule_resumes_at",
	"response_code",
	"due_at",
	"update_date",
] as const;

function prepareStatements(db: DatabaseSync) {
	return {
		selectDeliveries: db.prepare(`
			SELECT delivery.id, delivery.event_id, ${FORMER_ATTEMPT_COLUMNS}
			FROM former_deliveries delivery LEFT JOIN former_attempts attempt ON attempt.delivery_id = delivery.id
			WHERE delivery.id > ? ORDER BY delivery.id, attempt.number
		`),
		insertEvent: db.prepare(`
			INSERT OR ROLLBACK INTO events (seq, details, id, project, type, timestamp, create_date, delivery_count, body)
			SELECT ?, ?, event.id, project.number, type, timestamp, event.create_date, delivery_count, body
			FROM former_events event JOIN projects project ON project.id = event.project_id WHERE event.seq = ?
		`),
		deleteEvent: db.prepare("DELETE FROM former_events WHERE seq = ?"),
		selectEvent: db.prepare("SELECT seq FROM events WHERE id = ?"),
		raiseLead: db.prepare("UPDATE id_lead SET ms = ?1 WHERE ms < ?1"),
		insertDelivery: db.prepare(`
			INSERT OR ROLLBACK INTO deliveries (
				seq, event, create_date, outside, attempt, own_id, project, webhook, change, ${list(SAME_COLUMNS)}
			)
			SELECT ?1, ?2, ?3, ?4, ?5, delivery.id, project.number, webhook.number,
				CASE WHEN delivery.status = ${STATUS_CODES.Succeeded} THEN NULL ELSE delivery.update_date * ${CHANGES_PER_MS} END,
				${qualified("delivery", SAME_COLUMNS)}
			FROM former_deliveries delivery
			JOIN projects project ON project.id = delivery.project_id
			JOIN webhooks webhook ON webhook.id = delivery.webhook_id
			WHERE delivery.id = ?6
		`),
		insertAttempt: prepareInsert(db, "attempts", ["delivery", "number", "attempt"]),
		deleteAttempts: db.prepare("DELETE FROM former_attempts WHERE delivery_id <= ?"),
		deleteDeliveries: db.prepare("DELETE FROM former_deliveries WHERE id > ? AND id < ?"),
		selectEarly: db.prepare("SELECT id, event_id FROM former_deliveries ORDER BY id LIMIT ?"),
		setEvent: db.prepare("UPDATE deliveries SET event = ? WHERE own_id = ?"),
		dropAttempts: db.prepare("DELETE FROM attempts WHERE delivery = (SELECT seq FROM deliveries WHERE own_id = ?)"),
		dropDelivery: db.prepare("DELETE FROM deliveries WHERE own_id = ?"),
		deleteDelivery: db.prepare("DELETE FROM former_deliveries WHERE id = ?"),
	};
}
