// The updates of a commit: new states of deliveries, their attempts, and the health of their webhooks.
import { transition, type Attempt, type DeliveryState } from "../../../../core/delivery.ts";
import { isReservedEventType } from "../../../../core/event-type.ts";
import { causeCode, causeOf, NO_CAUSE } from "../../../../core/log/attempt-cause.ts";
import { healthAfter, HEALTHY, type HealthSign, type WebhookHealth } from "../../../../core/policies/webhook-health.ts";
import { sweepChange } from "../../../../core/webhook.ts";
import type { DeliveryUpdate, HealthChange, UpdateResult } from "../../../../ports/store/accept.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { attemptText } from "../../codec/attempt-rows.ts";
import { isOpen, toDelivery, type DeliveryRow } from "../../codec/delivery-rows.ts";
import { among, isAmong, uuidOf } from "../../codec/ids.ts";
import { number, text, textOrNull } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { shareProjects } from "../../connection/locks.ts";
import type { Session } from "../../connection/session.ts";
import type { DeliverySet, Entry } from "../../deliveries/delivery-set.ts";
import { lockHealth, writeHealth } from "../../stats/health.ts";
import type { StatsChanges } from "../../stats/journal.ts";
import { writeEntryOnce } from "../audit.ts";
import { readErased, withoutResponse, withoutResponseBody } from "../erased.ts";
import { readWebhooks, type KnownWebhook } from "../webhook-state.ts";

const SELECT_NUMBERS = statement(`SELECT delivery_id, number FROM attempts WHERE ${isAmong("delivery_id")}`);
const INSERT_ATTEMPTS = statement(`
	INSERT INTO attempts (delivery_id, number, attempt) SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[])
`);
const SELECT_CUSTOMERS = statement("SELECT id, customer_id FROM webhooks WHERE id = ANY($1::uuid[])");

interface NewAttempt {
	readonly delivery: string;
	readonly number: number;
	readonly text: string;
}

/** A health change without the customer of its delivery. */
type Noted = Omit<HealthChange, "delivery"> & { readonly row: DeliveryRow };

export class Updates {
	readonly #session: Session;
	readonly #updates: readonly DeliveryUpdate[];
	readonly #deliveries: DeliverySet;
	readonly #stats: StatsChanges;
	#webhooks: ReadonlyMap<string, KnownWebhook> = new Map();
	#erased: ReadonlySet<string> = new Set();
	/** The numbers of the attempts of a delivery, if it may have some. */
	#numbers = new Map<string, Set<number>>();
	#health = new Map<string, WebhookHealth>();
	readonly #changedHealth = new Set<string>();
	readonly #noted: Noted[] = [];
	readonly #attempts: NewAttempt[] = [];

	constructor(session: Session, updates: readonly DeliveryUpdate[], deliveries: DeliverySet, stats: StatsChanges) {
		this.#session = session;
		this.#updates = updates;
		this.#deliveries = deliveries;
		this.#stats = stats;
	}

	/** Loads and locks the deliveries. */
	async load(): Promise<void> {
		await this.#deliveries.load(this.#session, this.#ids());
	}

	/** Reads what decides about the updates, once the deliveries are loaded or accepted. `locked` are projects that are locked already. */
	async read(locked: ReadonlySet<string>): Promise<void> {
		const waits = new Set<Entry>();
		const late = new Set<Entry>();
		const numbered = new Set<string>();
		const tried = new Set<string>();
		const seen = new Set<Entry>();
		for (const update of this.#updates) {
			const entry = this.#entryOf(update);
			if (entry === null) continue;
			const { change, attempt } = update;
			if (change.type === "attempted") tried.add(entry.row.webhook);
			if (change.type !== "attempted" || change.verdict.kind === "failure") waits.add(entry);
			const isAgain = seen.has(entry);
			if (change.type === "retry" || isAgain || !isOpen(entry.row.state)) late.add(entry);
			if (attempt !== null && (isAgain || entry.row.state.attemptCount > 0)) numbered.add(entry.row.id);
			seen.add(entry);
		}
		const projects = [...waits].flatMap(({ row }) => (locked.has(row.project) ? [] : row.project));
		const webhooks = new Set([...waits, ...late].map(({ row }) => row.webhook));
		const session = this.#session;
		const [, known, erased, health, numbers] = await Promise.all([
			shareProjects(session, new Set(projects)),
			readWebhooks(session, [...webhooks]),
			readErased(session, [...new Set([...late].map(({ row }) => row.event))]),
			tried.size === 0 ? this.#health : lockHealth(session, [...tried]),
			numbered.size === 0 ? [] : session.run(SELECT_NUMBERS, among([...numbered])),
		]);
		this.#webhooks = known;
		this.#erased = erased;
		this.#health = health;
		for (const row of numbers) this.#numbersOf(text(row["delivery_id"])).add(number(row["number"]));
	}

	/** Makes each update, in order. */
	apply(): (UpdateResult | null)[] {
		return this.#updates.map((update) => {
			const entry = this.#entryOf(update);
			return entry === null ? null : this.#apply(entry, update);
		});
	}

	/** Sends the attempts. A failure is that of the transaction. */
	writeAttempts(): void {
		const all = this.#attempts;
		if (all.length === 0) return;
		const sent = this.#session.run(INSERT_ATTEMPTS, [
			binaryArray(
				"uuid",
				all.map(({ delivery }) => delivery),
			),
			binaryArray(
				"int4",
				all.map(({ number }) => number),
			),
			binaryArray(
				"text",
				all.map(({ text }) => text),
			),
		]);
		sent.catch(() => {});
	}

	/** Writes the health of the webhooks. Returns the changes that the engine must know of. */
	async finish(): Promise<HealthChange[]> {
		const changed = [...this.#changedHealth].map((webhook) => [webhook, this.#health.get(webhook) ?? HEALTHY] as const);
		if (changed.length > 0) await writeHealth(this.#session, changed);
		if (this.#noted.length === 0) return [];
		const webhooks = [...new Set(this.#noted.map(({ row }) => row.webhook))];
		const rows = await this.#session.run(SELECT_CUSTOMERS, [binaryArray("uuid", webhooks)]);
		const customers = new Map(rows.map((row) => [text(row["id"]), textOrNull(row["customer_id"])]));
		return this.#noted.map(({ row, ...change }) => ({
			...change,
			delivery: toDelivery(row, customers.get(row.webhook) ?? null),
		}));
	}

	#apply(entry: Entry, update: DeliveryUpdate): UpdateResult {
		const { change, at, entry: auditEntry = null } = update;
		const { row } = entry;
		const before = row.state;
		const attempt = update.attempt === null ? null : this.#asKept(row, update.attempt);
		const after = this.#stateAfter(row, update);
		this.#deliveries.change(entry, after, at, attempt === null ? row.cause : causeCode(causeOf(attempt)));
		if (attempt !== null) this.#addAttempt(row, attempt, at);
		if (after !== before) {
			this.#stats.moved(row, at, before.status, after.status);
			if (auditEntry !== null) void writeEntryOnce(this.#session, auditEntry).catch(() => {});
		}
		if (change.type === "attempted") {
			const success = change.verdict.kind === "success";
			const exhausted = after.status === "Failed" && before.status !== "Failed";
			this.#stats.attempted(row, at, {
				success,
				latencyMs: update.attempt === null ? null : latencyOf(update.attempt),
				cause: success || update.attempt === null ? NO_CAUSE : causeCode(causeOf(update.attempt)),
			});
			this.#attempted(entry.row, { at, success, exhausted, reason: change.verdict.reason ?? after.reason });
		}
		return { state: after, changed: after !== before };
	}

	/** The webhook decides only if the delivery goes on waiting: never after a success. */
	#stateAfter({ webhook, event, state: before }: DeliveryRow, { change, at }: DeliveryUpdate): DeliveryState {
		const after = transition(before, change);
		if (after.status !== "Pending") return after;
		const swept = transition(after, sweepChange(this.#webhooks.get(webhook) ?? null, at));
		// A delivery can't be retried if its webhook is not deliverable or its payload was erased.
		if (change.type === "retry" && (swept !== after || this.#erased.has(event))) return before;
		return swept;
	}

	/** What is kept of an attempt that may have been in flight when the payload was erased, or the customer was deleted. */
	#asKept({ event, webhook, state }: DeliveryRow, attempt: Attempt): Attempt {
		if (isOpen(state)) return attempt;
		if (this.#webhooks.get(webhook)?.isErased === true) return withoutResponse(attempt);
		return this.#erased.has(event) ? withoutResponseBody(attempt) : attempt;
	}

	/** Two outcomes of one delivery can have the same number, if one of them was believed lost: both are kept. */
	#addAttempt({ id, project }: DeliveryRow, attempt: Attempt, at: number): void {
		const taken = this.#numbersOf(id);
		const number = taken.has(attempt.number) ? Math.max(...taken) + 1 : attempt.number;
		taken.add(number);
		const record = attemptText({ ...attempt, number });
		this.#attempts.push({ delivery: id, number, text: record });
		this.#stats.storedBytes(project, at, Buffer.byteLength(record));
	}

	#attempted(row: DeliveryRow, sign: HealthSign): void {
		const before = this.#health.get(row.webhook) ?? HEALTHY;
		const after = healthAfter(before, sign);
		if (after === before || isReservedEventType(row.eventType)) return;
		this.#health.set(row.webhook, after);
		this.#changedHealth.add(row.webhook);
		const { at } = sign;
		if (sign.exhausted) this.#noted.push({ kind: "exhausted", row, at, before, after });
		else if (before.reportDate !== null && after.reportDate === null) {
			this.#noted.push({ kind: "recovered", row, at, before, after });
		}
	}

	#numbersOf(id: string): Set<number> {
		let numbers = this.#numbers.get(id);
		if (numbers === undefined) this.#numbers.set(id, (numbers = new Set()));
		return numbers;
	}

	#entryOf({ deliveryId }: DeliveryUpdate): Entry | null {
		const id = uuidOf("dlv", deliveryId);
		return id === null ? null : this.#deliveries.get(id);
	}

	#ids(): string[] {
		return this.#updates.flatMap(({ deliveryId }) => uuidOf("dlv", deliveryId) ?? []);
	}
}

/** How long the receiver took to respond, or to time out; null if the attempt failed for another reason. */
function latencyOf({ responseCode, error, durationMs }: Attempt): number | null {
	return responseCode !== 0 || error === "timeout" ? durationMs : null;
}
