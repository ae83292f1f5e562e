// The busy path: one transaction accepts events with their deliveries, and records outcomes with their attempts.
import type { DatabaseSync } from "node:sqlite";

import { transition, type Attempt, type DeliveryState } from "../../../core/delivery.ts";
import { causeCode, causeOf, NO_CAUSE } from "../../../core/log/attempt-cause.ts";
import { storedEventBytes, storedLabelBytes } from "../../../core/policies/quota.ts";
import { sweepChange } from "../../../core/webhook.ts";
import type {
	AcceptResult,
	CommitBatch,
	CommitResult,
	DeliveryUpdate,
	NewEvent,
	UpdateResult,
} from "../../../ports/store/accept.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { customerText, EVENT_COLUMNS, eventDetails, tagsText, toEvent } from "../codec/event-rows.ts";
import { idBytes, idTime } from "../codec/ids.ts";
import { bytes } from "../codec/rows.ts";
import { prepareInsert, qualified } from "../codec/statements.ts";
import type { DeliveryTable, StoredDelivery } from "../deliveries/delivery-table.ts";
import type { Numbered } from "../deliveries/numbers.ts";
import { HealthChanges, type HealthTable } from "../stats/health-table.ts";
import type { StatsChanges } from "../stats/stats-changes.ts";
import type { StatsJournal } from "../stats/stats-journal.ts";
import { createWriteEntry } from "./audit.ts";
import { createVersionOf } from "./directory/versions.ts";
import { createIsErased, createIsErasedWebhook, withoutResponse, withoutResponseBody } from "./erased.ts";
import { createReadWebhookState } from "./webhook-state.ts";

/** Prepares the calls of `AcceptStore`. */
export function createAcceptCalls(db: DatabaseSync, table: DeliveryTable, journal: StatsJournal, health: HealthTable) {
	const accept = createAccept(db, table);
	const createIsStale = prepareIsStale(db);
	const updateAll = createUpdateAll(db, table);

	return {
		commit(batch: CommitBatch): CommitResult {
			const healthChanges = new HealthChanges(health);
			const result = journal.transact((changes) => {
				const isStale = createIsStale();
				const keys = new Set<string>();
				const events = batch.events.map((event) => accept(event, changes, isStale, keys));
				table.flush();
				const updates = updateAll(batch.updates, changes, healthChanges);
				table.flush();
				health.write(healthChanges);
				table.open.noteTime(timeOf(batch), table.sequence.last);
				table.open.listSome(timeOf(batch));
				table.listing.shorten();
				return { events, updates, healthChanges: healthChanges.changes };
			});
			health.apply(healthChanges);
			return result;
		},
	};
}

/** About the time of a commit. It decides only when rows are listed. */
function timeOf({ events, updates }: CommitBatch): number {
	return events.at(-1)?.event.createDate ?? updates.at(-1)?.at ?? 0;
}

type IsStale = (event: NewEvent) => boolean;

/**
 * Prepares the comparison of an event's project version with the stored one. The version of a project is read once in a
 * commit.
 */
function prepareIsStale(db: DatabaseSync): () => IsStale {
	const versionOf = createVersionOf(db);
	return () => {
		const known = new Map<string, number | null>();
		return ({ event: { projectId }, projectVersion }) => {
			if (projectVersion === null) return false;
			let version = known.get(projectId);
			if (version === undefined) {
				version = versionOf(idBytes("proj", projectId));
				known.set(projectId, version);
			}
			return version !== projectVersion;
		};
	};
}

/** `keys` has the idempotency keys of this commit so far, each with the number of its project. */
type Accept = (accepted: NewEvent, changes: StatsChanges, isStale: IsStale, keys: Set<string>) => AcceptResult;

function createAccept(db: DatabaseSync, table: DeliveryTable): Accept {
	const findKey = createFindKey(db, table);
	const insertKey = createInsertKey(db);
	const insertCustomer = prepareInsert(db, "event_customers", ["project", "customer", "event"]);
	const insertTag = prepareInsert(db, "event_tags", ["project", "tag", "event"]);
	const { projects, webhooks } = table.numbers;

	return (accepted, changes, isStale, keys) => {
		const { event, body, idempotency, deliveries, targets, traceparent } = accepted;
		const project = projects.find(event.projectId);
		const known = idempotency === null || project === null ? null : findKey(project, idempotency, keys);
		if (known !== null) return known;
		if (isStale(accepted)) return STALE;
		const { number: place } = project ?? projects.get(event.projectId);
		const { type, timestamp, createDate, deliveryCount, customers, tags } = event;
		if (deliveries.length > deliveryCount) throw new StoreError("store_conflict", "an event has too many deliveries");
		const seq = table.sequence.take(1 + deliveryCount);
		const id = idBytes("evt", event.id);
		table.lead.note(idTime(id), createDate);
		table.blocks.stored(id, seq, createDate, deliveryCount);
		table.types.stored(seq, type);
		const customer = customerText(customers);
		const idempotencyKey = idempotency?.key ?? null;
		const labelBytes = storedLabelBytes(idempotencyKey, customers);
		const details = eventDetails({ idempotencyKey, targets, traceparent }, labelBytes);
		const tagged = tagsText(tags);
		table.events.add(seq, id, place, type, timestamp, createDate, deliveryCount, customer, tagged, details, body);
		if (customers !== null && typeof customers !== "string") {
			for (const each of customers) insertCustomer.run(place, each, seq);
		}
		for (const tag of tags) insertTag.run(place, tag, seq);
		if (idempotency !== null) {
			insertKey(place, seq, idempotency, createDate);
			keys.add(keyOf(place, idempotency));
		}
		changes.eventAccepted(place, createDate);
		changes.storedBytes(place, storedEventBytes(body.length, deliveries.length, tagged?.length ?? 0, labelBytes));
		let next = seq;
		for (const { webhookId, state } of deliveries) {
			const webhook = webhooks.get(webhookId);
			table.insertNew({ seq: ++next, event: seq, eventDate: createDate }, place, webhook.number, state);
			changes.deliveryAccepted(webhook.number, createDate, state.status);
		}
		return ACCEPTED;
	};
}

const ACCEPTED: AcceptResult = { kind: "accepted" };
type Idempotency = NonNullable<NewEvent["idempotency"]>;

/** Finds the event that was accepted with an idempotency key, as long as the key is known. */
function createFindKey(db: DatabaseSync, table: DeliveryTable) {
	const select = db.prepare(`
		SELECT k.fingerprint, ${qualified("e", EVENT_COLUMNS)}
		FROM idempotency_keys k CROSS JOIN events e ON e.seq = k.event
		WHERE k.project = ? AND k.key = ? ORDER BY k.event DESC LIMIT 1
	`);
	return (project: Numbered, idempotency: Idempotency, keys: ReadonlySet<string>): AcceptResult | null => {
		const { key, fingerprint } = idempotency;
		// An event of the same commit may not be stored yet.
		if (keys.has(keyOf(project.number, idempotency))) table.flush();
		const row = select.get(project.number, key);
		const known = row === undefined ? null : bytes(row["fingerprint"]);
		if (row === undefined || known === null || known.length === 0) return null;
		if (Buffer.compare(known, fingerprint) !== 0) return { kind: "conflict" };
		return { kind: "duplicate", event: toEvent(row, table.numbers) };
	};
}

function keyOf(project: number, { key }: Idempotency): string {
	return `${project} ${key}`;
}

function createInsertKey(db: DatabaseSync) {
	const insert = prepareInsert(db, "idempotency_keys", ["project", "key", "event", "fingerprint", "create_date"]);
	return (project: number, event: number, { key, fingerprint }: Idempotency, createDate: number): void => {
		insert.run(project, key, event, fingerprint, createDate);
	};
}

const STALE: AcceptResult = { kind: "stale" };

type UpdateAll = (
	updates: readonly DeliveryUpdate[],
	changes: StatsChanges,
	healthChanges: HealthChanges,
) => (UpdateResult | null)[];

/** Makes changes of deliveries, in order. Outcomes that follow one another take their deliveries together. */
function createUpdateAll(db: DatabaseSync, table: DeliveryTable): UpdateAll {
	const update = createUpdate(db, table);
	return (updates, changes, healthChanges) => {
		let [start, end] = [0, 0];
		let taken: ReturnType<DeliveryTable["takeAll"]> = () => null;
		return updates.map((each, index) => {
			if (!isOutcome(each)) return update(each, table.load(each.deliveryId), changes, healthChanges);
			if (index >= end) {
				[start, end] = [index, endOfOutcomes(updates, index)];
				taken = table.takeAll(updates.slice(start, end).map(({ deliveryId }) => deliveryId));
			}
			return update(each, taken(index - start), changes, healthChanges);
		});
	};
}

/** The index after the last of the outcomes that begin at an index. */
function endOfOutcomes(updates: readonly DeliveryUpdate[], start: number): number {
	let end = start + 1;
	for (let next = updates[end]; next !== undefined && isOutcome(next); next = updates[end]) end++;
	return end;
}

function isOutcome({ change }: DeliveryUpdate): boolean {
	return change.type === "attempted";
}

type Update = (
	update: DeliveryUpdate,
	delivery: StoredDelivery | null,
	changes: StatsChanges,
	healthChanges: HealthChanges,
) => UpdateResult | null;

function createUpdate(db: DatabaseSync, table: DeliveryTable): Update {
	const isErased = createIsErased(db);
	const asKept = createAsKept(db, isErased);
	const stateAfter = createStateAfter(db, isErased);
	const writeEntry = createWriteEntry(db, "ON CONFLICT (id) DO NOTHING");

	return (update, delivery, changes, healthChanges) => {
		const { change, attempt, at, entry = null } = update;
		if (delivery === null) return null;
		const before = delivery.state;
		const after = stateAfter(delivery, update);
		const written = table.write(delivery, after, at, asKept(delivery, attempt));
		if (after !== before) {
			changes.moved(delivery.webhook, at, before.status, after.status);
			writeEntry(entry);
		}
		if (written.attemptBytes > 0) changes.storedBytes(delivery.project, written.attemptBytes);
		if (change.type === "attempted") {
			const success = change.verdict.kind === "success";
			const exhausted = after.status === "Failed" && before.status !== "Failed";
			const latencyMs = attempt === null ? null : latencyOf(attempt);
			const cause = success || attempt === null ? NO_CAUSE : causeCode(causeOf(attempt));
			changes.attempted(delivery.webhook, written.seq, at, { success, latencyMs, cause });
			const reason = change.verdict.reason ?? after.reason;
			healthChanges.attempted(written.seq, delivery.webhook, { at, success, exhausted, reason });
		}
		return { state: after, changed: after !== before };
	};
}

/** Prepares what is kept of an attempt that may have been in flight when the payload was erased, or the customer was deleted. */
function createAsKept(db: DatabaseSync, isErased: (event: number) => boolean) {
	const isErasedWebhook = createIsErasedWebhook(db);
	return ({ event, webhook, state }: StoredDelivery, attempt: Attempt | null): Attempt | null => {
		if (attempt === null || isWaiting(state)) return attempt;
		if (isErasedWebhook(webhook)) return withoutResponse(attempt);
		return isErased(event) ? withoutResponseBody(attempt) : attempt;
	};
}

function isWaiting({ status }: DeliveryState): boolean {
	return status === "Pending" || status === "Held";
}

type StateAfter = (delivery: StoredDelivery, update: DeliveryUpdate) => DeliveryState;

/** The webhook is read only if the delivery goes on waiting: never for a success. */
function createStateAfter(db: DatabaseSync, isErased: (event: number) => boolean): StateAfter {
	const readWebhookState = createReadWebhookState(db);
	return ({ webhook, event, state: before }, { change, at }) => {
		const after = transition(before, change);
		if (after.status !== "Pending") return after;
		const swept = transition(after, sweepChange(readWebhookState(webhook), at));
		// A delivery can't be retried if its webhook is not deliverable or its payload was erased.
		if (change.type === "retry" && (swept !== after || isErased(event))) return before;
		return swept;
	};
}

/** How long the receiver took to respond, or to time out; null if the attempt failed for another reason. */
function latencyOf({ responseCode, error, durationMs }: Attempt): number | null {
	return responseCode !== 0 || error === "timeout" ? durationMs : null;
}
