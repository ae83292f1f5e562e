// Packs commits and claims for their way between threads: all primitives in one array, and all bodies in one buffer that is
// transferred. Cloning the objects instead takes 9.5 µs of CPU a cycle, packing 3.3 (batches of 50, both threads together).
//
// Each pair of functions lists its fields by hand, in the same order; packing.test.ts packs and unpacks every field. Loops over one
// list of names are slower, by 0.6 µs for a state, an attempt and an event (0.2 µs by hand), since V8 can't inline their accesses.
import type { Attempt, AttemptConnection, DeliveryChange, DeliveryState } from "../../../core/delivery.ts";
import { NO_TAGS } from "../../../core/event.ts";
import { deliveryIdAt } from "../../../core/ids.ts";
import type {
	AcceptResult,
	CommitBatch,
	CommitResult,
	DeliveryUpdate,
	NewEvent,
	UpdateResult,
} from "../../../ports/store/accept.ts";
import type { Claim, LeasedDelivery } from "../../../ports/store/queue.ts";
import { isOpenState, toOpenState } from "../codec/delivery-rows.ts";

/** Packed values. Written and read in the same order, by the pairs of functions in this file. */
export interface Packed {
	readonly values: unknown[];
	readonly bodies: ArrayBuffer;
}

export function packBatch({ events, updates }: CommitBatch): Packed {
	const values: unknown[] = [events.length, updates.length];
	const bodies = joined(events);
	for (const event of events) packEvent(values, event);
	for (const update of updates) packUpdate(values, update);
	return { values, bodies };
}

export function unpackBatch(packed: Packed): CommitBatch {
	const reader = new Reader(packed);
	const eventCount = reader.take<number>();
	const updateCount = reader.take<number>();
	return {
		events: Array.from({ length: eventCount }, () => unpackEvent(reader)),
		updates: Array.from({ length: updateCount }, () => unpackUpdate(reader)),
	};
}

/** Usually every event is accepted. Then the results of the events are omitted. */
export function packCommitResult({ events, updates, healthChanges }: CommitResult): Packed {
	const allAccepted = events.every(({ kind }) => kind === "accepted");
	const values: unknown[] = [events.length, allAccepted ? null : events, healthChanges, updates.length];
	for (const update of updates) {
		packState(values, update === null ? null : update.state);
		if (update !== null) values.push(update.changed);
	}
	return { values, bodies: NO_BODIES };
}

export function unpackCommitResult(packed: Packed): CommitResult {
	const reader = new Reader(packed);
	const eventCount = reader.take<number>();
	const events = reader.take<CommitResult["events"] | null>();
	const healthChanges = reader.take<CommitResult["healthChanges"]>();
	const updateCount = reader.take<number>();
	return {
		events: events ?? Array.from({ length: eventCount }, () => ACCEPTED),
		healthChanges,
		updates: Array.from({ length: updateCount }, () => unpackUpdateResult(reader)),
	};
}

function unpackUpdateResult(reader: Reader): UpdateResult | null {
	const state = unpackState(reader);
	return state === null ? null : { state, changed: reader.take() };
}

export function packClaim({ deliveries, nextDueAt }: Claim): Packed {
	const values: unknown[] = [nextDueAt, deliveries.length];
	for (const each of deliveries) {
		values.push(each.id, each.projectId, each.webhookId, each.eventId, each.eventType, each.trigger);
		values.push(each.attemptCount, each.leaseUntil, each.createDate, each.traceparent);
		values.push(each.body.length);
	}
	return { values, bodies: joined(deliveries) };
}

export function unpackClaim(packed: Packed): Claim {
	const reader = new Reader(packed);
	const nextDueAt = reader.take<number | null>();
	const deliveries = Array.from({ length: reader.take<number>() }, (): LeasedDelivery => ({
		id: reader.take(),
		projectId: reader.take(),
		webhookId: reader.take(),
		eventId: reader.take(),
		eventType: reader.take(),
		trigger: reader.take(),
		attemptCount: reader.take(),
		leaseUntil: reader.take(),
		createDate: reader.take(),
		traceparent: reader.take(),
		// A copy: a delivery that waits long must not keep the bodies of all deliveries that were claimed with it in memory.
		body: reader.takeBody().slice(),
	}));
	return { deliveries, nextDueAt };
}

const ACCEPTED: AcceptResult = { kind: "accepted" };
const NO_BODIES = new ArrayBuffer(0);

class Reader {
	readonly #values: readonly unknown[];
	readonly #bodies: ArrayBuffer;
	#at = 0;
	#bodyAt = 0;

	constructor({ values, bodies }: Packed) {
		this.#values = values;
		this.#bodies = bodies;
	}

	/** The next value. */
	// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type that was written there
	take<T>(): T {
		return this.#values[this.#at++] as T;
	}

	/** Takes the next value if it is this one. */
	takeIf(value: unknown): boolean {
		if (this.#values[this.#at] !== value) return false;
		this.#at++;
		return true;
	}

	/** The next body, whose length is the next value. It is a view that keeps all bodies in memory: copy it if you keep it. */
	takeBody(): Uint8Array {
		const length = this.take<number>();
		const body = new Uint8Array(this.#bodies, this.#bodyAt, length);
		this.#bodyAt += length;
		return body;
	}
}

function joined(parts: readonly { readonly body: Uint8Array }[]): ArrayBuffer {
	const all = new Uint8Array(parts.reduce((sum, { body }) => sum + body.length, 0));
	let at = 0;
	for (const { body } of parts) {
		all.set(body, at);
		at += body.length;
	}
	return all.buffer;
}

function packEvent(values: unknown[], accepted: NewEvent): void {
	const { event, body, idempotency, deliveries, projectVersion, targets, traceparent } = accepted;
	values.push(event.id, event.projectId, event.type, event.timestamp, event.createDate, event.deliveryCount);
	values.push(event.customers, event.tags.length === 0 ? null : event.tags, body.length, projectVersion, idempotency);
	values.push(targets, traceparent, deliveries.length);
	for (const { webhookId, state } of deliveries) {
		values.push(webhookId);
		if (!isOpenState(state, event.createDate)) packState(values, state);
		// Nearly all: a new delivery that is due at once. Its lease is a number or null.
		else values.push(OPEN, state.leaseUntil);
	}
}

/** Stands for the state of a delivery that is due since its event was accepted. */
const OPEN = true;

function unpackEvent(reader: Reader): NewEvent {
	const event: NewEvent["event"] = {
		id: reader.take(),
		projectId: reader.take(),
		type: reader.take(),
		timestamp: reader.take(),
		createDate: reader.take(),
		deliveryCount: reader.take(),
		customers: reader.take(),
		tags: reader.take<readonly string[] | null>() ?? NO_TAGS,
	};
	const body = reader.takeBody();
	const projectVersion = reader.take<number | null>();
	const idempotency = reader.take<NewEvent["idempotency"]>();
	const targets = reader.take<NewEvent["targets"]>();
	const traceparent = reader.take<string | null>();
	const deliveries = Array.from({ length: reader.take<number>() }, (_, index) => ({
		// Made when somebody asks, which the store does not.
		get id() {
			return deliveryIdAt(event.id, index);
		},
		webhookId: reader.take<string>(),
		state: unpackNewState(reader, event.createDate),
	}));
	return { event, projectVersion, body, idempotency, targets, traceparent, deliveries };
}

function unpackNewState(reader: Reader, createDate: number): DeliveryState {
	if (!reader.takeIf(OPEN)) return unpackState(reader) ?? missing();
	return toOpenState(createDate, reader.take());
}

function packState(values: unknown[], state: DeliveryState | null): void {
	if (state === null) {
		values.push(null);
		return;
	}
	values.push(state.status, state.reason, state.attemptCount, state.autoAttemptCount, state.nextAttemptAt);
	values.push(state.leaseUntil, state.trigger, state.scheduleResumesAt, state.responseCode);
}

function unpackState(reader: Reader): DeliveryState | null {
	const status = reader.take<DeliveryState["status"] | null>();
	if (status === null) return null;
	return {
		status,
		reason: reader.take(),
		attemptCount: reader.take(),
		autoAttemptCount: reader.take(),
		nextAttemptAt: reader.take(),
		leaseUntil: reader.take(),
		trigger: reader.take(),
		scheduleResumesAt: reader.take(),
		responseCode: reader.take(),
	};
}

function packUpdate(values: unknown[], { deliveryId, at, change, attempt, entry }: DeliveryUpdate): void {
	values.push(deliveryId, at, entry ?? null);
	packChange(values, change);
	values.push(attempt !== null);
	if (attempt !== null) packAttempt(values, attempt);
}

function unpackUpdate(reader: Reader): DeliveryUpdate {
	return {
		deliveryId: reader.take(),
		at: reader.take(),
		entry: reader.take(),
		change: unpackChange(reader),
		attempt: reader.take<boolean>() ? unpackAttempt(reader) : null,
	};
}

/** Nearly all changes are outcomes of attempts, which are packed; the others are cloned. */
function packChange(values: unknown[], change: DeliveryChange): void {
	if (change.type !== "attempted") {
		values.push(change);
		return;
	}
	const { at, trigger, verdict, policy, random } = change;
	values.push(null, at, trigger, verdict.kind, verdict.responseCode);
	if (verdict.kind === "failure") values.push(verdict.reason, verdict.retryAfterMs);
	values.push(policy.maxRetries, policy.maxBackoffMs, policy.scheduleMs, random);
}

function unpackChange(reader: Reader): DeliveryChange {
	const change = reader.take<DeliveryChange | null>();
	if (change !== null) return change;
	return {
		type: "attempted",
		at: reader.take(),
		trigger: reader.take(),
		verdict: unpackVerdict(reader),
		policy: unpackPolicy(reader),
		random: reader.take(),
	};
}

type Outcome = DeliveryChange & { type: "attempted" };

function unpackVerdict(reader: Reader): Outcome["verdict"] {
	const kind = reader.take<Outcome["verdict"]["kind"]>();
	const responseCode = reader.take<number>();
	if (kind !== "failure") return { kind, responseCode, reason: null, retryAfterMs: null };
	return { kind, responseCode, reason: reader.take(), retryAfterMs: reader.take() };
}

function unpackPolicy(reader: Reader): Outcome["policy"] {
	const policy = { maxRetries: reader.take<number>(), maxBackoffMs: reader.take<number>() };
	const scheduleMs = reader.take<readonly number[] | undefined>();
	return scheduleMs === undefined ? policy : { ...policy, scheduleMs };
}

function packAttempt(values: unknown[], attempt: Attempt): void {
	const { id, number, trigger, startDate, durationMs, responseCode, error, reason, requestHeaders, response } = attempt;
	const { cause, webhookRevision, firstByteMs, connection } = attempt;
	values.push(id, number, trigger, startDate, durationMs, responseCode, error, reason);
	values.push(cause, webhookRevision, firstByteMs);
	packConnection(values, connection);
	packMap(values, requestHeaders);
	values.push(response !== null);
	if (response === null) return;
	packMap(values, response.headers);
	values.push(response.body, response.bodyTruncated);
}

function unpackAttempt(reader: Reader): Attempt {
	return {
		id: reader.take(),
		number: reader.take(),
		trigger: reader.take(),
		startDate: reader.take(),
		durationMs: reader.take(),
		responseCode: reader.take(),
		error: reader.take(),
		reason: reader.take(),
		cause: reader.take(),
		webhookRevision: reader.take(),
		firstByteMs: reader.take(),
		connection: unpackConnection(reader),
		requestHeaders: unpackMap(reader),
		response: reader.take<boolean>()
			? { headers: unpackMap(reader), body: reader.take(), bodyTruncated: reader.take() }
			: null,
	};
}

function packConnection(values: unknown[], connection: AttemptConnection | null): void {
	if (connection === null) {
		values.push(null);
		return;
	}
	const { remoteAddress, certificateExpireDate, opening } = connection;
	values.push(true, remoteAddress, certificateExpireDate, opening !== null);
	if (opening !== null) values.push(opening.lookupMs, opening.connectMs, opening.tlsMs);
}

function unpackConnection(reader: Reader): AttemptConnection | null {
	if (reader.take() === null) return null;
	return {
		remoteAddress: reader.take(),
		certificateExpireDate: reader.take(),
		opening: reader.take<boolean>()
			? { lookupMs: reader.take(), connectMs: reader.take(), tlsMs: reader.take() }
			: null,
	};
}

function packMap(values: unknown[], map: Readonly<Record<string, string>>): void {
	const names = Object.keys(map);
	values.push(names.length);
	for (const name of names) values.push(name, map[name]);
}

function unpackMap(reader: Reader): Record<string, string> {
	const map: Record<string, string> = {};
	for (let count = reader.take<number>(); count > 0; count--) {
		const name = reader.take<string>();
		map[name] = reader.take();
	}
	return map;
}

function missing(): never {
	throw new RangeError("a new delivery has no state");
}
