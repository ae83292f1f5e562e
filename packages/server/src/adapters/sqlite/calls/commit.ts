// The busy path: one transaction takes events in with their deliveries, and results back with their attempts.
import type { DatabaseSync } from "node:sqlite";

import { transition, type Attempt, type DeliveryState } from "../../../core/delivery.ts";
import type { AcceptResult, CommitBatch, CommitResult, DeliveryUpdate, NewEvent } from "../../../ports/store/accept.ts";
import { createIdHex, idBytes } from "../codec/ids.ts";
import { attemptValues, fingerprintOf, STATE_COLUMNS, stateValues, toEvent, toState } from "../codec/rows.ts";
import type { FigureChanges } from "../stats/stats-changes.ts";
import type { Figures } from "../stats/stats-journal.ts";
import { hexOf } from "../stats/stats-rows.ts";
import { HealthChanges, type HealthBook } from "../stats/webhook-health.ts";
import { createIsErased, withoutAnswer } from "./erased.ts";

export type Commit = (batch: CommitBatch) => CommitResult;

/** Prepares `Store.commit`. */
export function createCommit(db: DatabaseSync, figures: Figures, health: HealthBook): Commit {
	const accept = createAccept(db);
	const update = createUpdate(db);

	return (batch) => {
		const signs = new HealthChanges(health);
		const result = figures.transact((changes) => {
			const result = {
				events: batch.events.map((event) => accept(event, changes)),
				updates: batch.updates.map((each) => update(each, changes, signs)),
				healthChanges: signs.changes,
			};
			health.write(signs);
			return result;
		});
		health.apply(signs);
		return result;
	};
}

function createAccept(db: DatabaseSync): (accepted: NewEvent, changes: FigureChanges) => AcceptResult {
	const findKey = createFindKey(db);
	const insertEvent = createInsertEvent(db);
	const insertKey = createInsertKey(db);
	const insertDelivery = createInsertDelivery(db);

	const projectHex = createIdHex("proj");
	const webhookHex = createIdHex("webhook");

	return (accepted, changes) => {
		const projectId = idBytes("proj", accepted.event.projectId);
		const known = accepted.idempotency === null ? null : findKey(projectId, accepted.idempotency);
		if (known !== null) return known;
		const eventId = idBytes("evt", accepted.event.id);
		insertEvent(projectId, eventId, accepted);
		if (accepted.idempotency !== null) insertKey(projectId, eventId, accepted.idempotency, accepted.event.createDate);
		const { createDate } = accepted.event;
		changes.eventAccepted(projectHex(accepted.event.projectId), createDate);
		for (const delivery of accepted.deliveries) {
			insertDelivery(projectId, eventId, accepted.event, delivery);
			changes.deliveryAccepted(webhookHex(delivery.webhookId), createDate, delivery.state.status);
		}
		return ACCEPTED;
	};
}

const ACCEPTED: AcceptResult = { kind: "accepted" };
type Idempotency = NonNullable<NewEvent["idempotency"]>;

/** What the key stands for already. A key whose event is gone counts as unknown. */
function createFindKey(db: DatabaseSync): (projectId: Uint8Array, sent: Idempotency) => AcceptResult | null {
	const select = db.prepare(`
		SELECT k.fingerprint, e.id, e.project_id, e.type, e.timestamp, e.create_date, e.delivery_count
		FROM idempotency_keys k JOIN events e ON e.project_id = k.project_id AND e.id = k.event_id
		WHERE k.project_id = ? AND k.key = ?
	`);
	return (projectId, { key, fingerprint }) => {
		const row = select.get(projectId, key);
		if (row === undefined) return null;
		if (Buffer.compare(fingerprintOf(row), fingerprint) !== 0) return { kind: "conflict" };
		return { kind: "duplicate", event: toEvent(row) };
	};
}

function createInsertEvent(db: DatabaseSync) {
	const insert = db.prepare(`
		INSERT INTO events (id, project_id, type, timestamp, create_date, delivery_count, body) VALUES (?, ?, ?, ?, ?, ?, ?)
	`);
	return (projectId: Uint8Array, eventId: Uint8Array, { event, body }: NewEvent): void => {
		insert.run(eventId, projectId, event.type, event.timestamp, event.createDate, event.deliveryCount, body);
	};
}

function createInsertKey(db: DatabaseSync) {
	const insert = db.prepare(`
		INSERT OR REPLACE INTO idempotency_keys (project_id, key, fingerprint, event_id, create_date) VALUES (?, ?, ?, ?, ?)
	`);
	return (projectId: Uint8Array, eventId: Uint8Array, { key, fingerprint }: Idempotency, createDate: number): void => {
		insert.run(projectId, key, fingerprint, eventId, createDate);
	};
}

/** Writes a new delivery; its event's `createDate` is when. */
export function createInsertDelivery(db: DatabaseSync) {
	const insert = db.prepare(`
		INSERT INTO deliveries (id, project_id, webhook_id, event_id, event_type, update_date, ${STATE_COLUMNS}, due_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	`);
	return (
		projectId: Uint8Array,
		eventId: Uint8Array,
		event: Pick<NewEvent["event"], "type" | "createDate">,
		{ id, webhookId, state }: NewEvent["deliveries"][number],
	): void => {
		insert.run(
			idBytes("dlv", id),
			projectId,
			idBytes("webhook", webhookId),
			eventId,
			event.type,
			event.createDate,
			...stateValues(state),
		);
	};
}

type Update = (update: DeliveryUpdate, changes: FigureChanges, signs: HealthChanges) => DeliveryState | null;

function createUpdate(db: DatabaseSync): Update {
	// In hex since a short text costs 0.5 µs less to read than bytes.
	const selectState = db.prepare(`SELECT lower(hex(webhook_id)) AS hex, ${STATE_COLUMNS} FROM deliveries WHERE id = ?`);
	const writeState = createWriteState(db);
	const isErased = createIsErased(db);
	const insertAttempt = createInsertAttempt(db);

	return ({ deliveryId, change, attempt, at }, changes, signs) => {
		const id = idBytes("dlv", deliveryId);
		const row = selectState.get(id);
		if (row === undefined) return null;
		const before = toState(row);
		// Without a payload there is nothing to send again.
		const after = change.type === "retry" && isErased(id) ? before : transition(before, change);
		const webhook = hexOf(row);
		if (after !== before) {
			writeState(id, after, at);
			changes.moved(webhook, at, before.status, after.status);
		}
		// An attempt that was in flight when the payload was erased.
		const isLate = attempt !== null && before.status === "Cancelled" && isErased(id);
		if (attempt !== null) insertAttempt(id, isLate ? withoutAnswer(attempt) : attempt);
		if (change.type === "attempted") {
			const success = change.verdict.kind === "success";
			changes.attempted(webhook, at, success, attempt === null ? null : latencyOf(attempt));
			signs.attempted(id, webhook, { at, success, exhausted: after.status === "Failed" && before.status !== "Failed" });
		}
		return after;
	};
}

/** How long the receiver took to answer, or showed that it does not. */
function latencyOf({ responseCode, error, durationMs }: Attempt): number | null {
	return responseCode !== 0 || error === "timeout" ? durationMs : null;
}

/** Writes the state that `transition` gave. */
export function createWriteState(db: DatabaseSync): (id: Uint8Array, state: DeliveryState, at: number) => void {
	const update = db.prepare(`
		UPDATE deliveries SET (${STATE_COLUMNS}, due_at, update_date) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?
	`);
	return (id, state, at) => {
		update.run(...stateValues(state), at, id);
	};
}

/** Two outcomes of one delivery can carry the same number, when one of them was thought lost: both are kept. */
function createInsertAttempt(db: DatabaseSync): (deliveryId: Uint8Array, attempt: Attempt) => void {
	const columns = `
		delivery_id, number, id, trigger, start_date, duration_ms, response_code, error, reason,
		request_headers, response_headers, response_body, response_body_truncated
	`;
	const insert = db.prepare(`
		INSERT INTO attempts (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (delivery_id, number) DO NOTHING
	`);
	const append = db.prepare(`
		INSERT INTO attempts (${columns})
		SELECT ?1, max(number) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM attempts WHERE delivery_id = ?1
	`);
	return (deliveryId, attempt) => {
		const values = attemptValues(attempt);
		if (insert.run(deliveryId, attempt.number, ...values).changes === 0) append.run(deliveryId, ...values);
	};
}
