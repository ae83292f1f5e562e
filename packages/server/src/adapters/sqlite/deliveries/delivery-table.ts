// The deliveries: which of the two tables a delivery is in, and its one move from `open` to `deliveries`.
//
// A delivery is in exactly one of the two. It leaves `open` only in the transaction that inserts its full row, and the number of
// rows that the DELETE removes decides whether it was there.
import type { DatabaseSync } from "node:sqlite";

import type { Attempt, DeliveryState } from "../../../core/delivery.ts";
import { causeCode, causeOf, NO_CAUSE } from "../../../core/log/attempt-cause.ts";
import { attemptNumberIn, attemptText } from "../codec/attempt-rows.ts";
import {
	isOpenState,
	STATE_COLUMNS,
	stateValues,
	STATUS_CODES,
	toOpenState,
	toState,
	TRIGGER_CODES,
	WRITTEN_STATE_COLUMNS,
} from "../codec/delivery-rows.ts";
import { EVENT_COLUMNS } from "../codec/event-rows.ts";
import { idBytes, idTime } from "../codec/ids.ts";
import { bytesOrNull, number, numberOrNull } from "../codec/rows.ts";
import { list, prepareInsert, prepareUpdate, RowGatherer } from "../codec/statements.ts";
import type { TransactionMemory } from "../connection.ts";
import { Blocks, createFindDelivery, IdLead, Sequence, type Place } from "./blocks.ts";
import { ChangeNumbers } from "./change-numbers.ts";
import { EventTypes } from "./event-types.ts";
import { Listing } from "./listing.ts";
import type { Located, LogView, Marks } from "./log-view.ts";
import { Numbers } from "./numbers.ts";
import { OpenLeases } from "./open-leases.ts";
import { OpenRows, type OpenRow } from "./open-rows.ts";
import { PulledIn, type PulledInNote } from "./pulled-in.ts";

/** Lists scan the newest full rows, some 500 bytes each, in about a millisecond. */
const MAX_FULL_TAIL = 4_000;
/** Some 5 ms. With steps of 500, an event to 1,000 webhooks writes as many pages of the index by webhook as of everything else. */
const FULL_STEP = 2_000;

/** A delivery that is about to be changed. */
export interface StoredDelivery extends PlacedRow {
	readonly state: DeliveryState;
	/** `open`: it is a row of `open`. `taken`: it was one until a moment ago, and `write` must follow. `full`: a full row. */
	readonly home: "open" | "taken" | "full";
	/** The number of the attempt in its full row; null if there is none. */
	readonly firstNumber: number | null;
	/** Why its last attempt failed, by `causeCode`; null if the row is of an earlier version and has not changed since. */
	readonly cause: number | null;
}

/** A delivery that was changed. */
export interface WrittenDelivery extends StoredDelivery {
	/** How many bytes the record of the attempt takes; 0 without one. */
	readonly attemptBytes: number;
}

interface PlacedRow extends OpenRow {
	readonly seq: number;
}

interface FullRowOptions {
	/** Its `updateDate`. */
	readonly at: number;
	/** Its own `createDate` and id, if they do not follow its event's. */
	readonly date?: number;
	readonly ownId?: Uint8Array;
	/** The record of the attempt. */
	readonly attempt?: string | null;
	/** Why it failed, by `causeCode`. */
	readonly cause?: number;
}

const EVENT_ROW_COLUMNS = ["seq", ...EVENT_COLUMNS, "details", "body"] as const;

/** The columns of full rows whose state is `isFirstSuccess`. The others are the same for all of them. */
const SUCCEEDED_COLUMNS = [
	"seq",
	"event",
	"webhook",
	"project",
	"response_code",
	"update_date",
	"listed",
	"attempt",
] as const;
const SUCCEEDED = {
	status: String(STATUS_CODES.Succeeded),
	attempt_count: "1",
	auto_attempt_count: "1",
	trigger: String(TRIGGER_CODES.auto),
	cause: String(NO_CAUSE),
};
type SucceededRows = RowGatherer<typeof SUCCEEDED_COLUMNS>;

/** What a delivery without attempts has. */
const UNTRIED = { firstNumber: null, cause: NO_CAUSE } as const;

/** Reads and writes deliveries one by one. Every call that writes must be in a transaction of `transact`. */
export class DeliveryTable implements LogView {
	readonly numbers: Numbers;
	readonly leases = new OpenLeases();
	/** Events that are inserted, and may not be stored yet. */
	readonly events: RowGatherer<typeof EVENT_ROW_COLUMNS>;
	readonly open: OpenRows;
	/** Which full rows are in the index by webhook. */
	readonly listing: Listing;
	readonly blocks: Blocks;
	readonly sequence: Sequence;
	readonly lead: IdLead;
	readonly changes: ChangeNumbers;
	readonly pulledIn: PulledIn;
	readonly #find: (deliveryId: string) => Place | null;
	readonly types: EventTypes;
	/** Full rows of deliveries whose first attempt succeeded: nearly all of them. */
	readonly #succeeded: SucceededRows;
	readonly #statements: ReturnType<typeof prepareStatements>;

	constructor(db: DatabaseSync, listAfterMs: number, onPulledIn?: (note: PulledInNote) => void) {
		this.pulledIn = new PulledIn(onPulledIn);
		this.numbers = new Numbers(db);
		this.events = new RowGatherer(db, "events", EVENT_ROW_COLUMNS);
		this.open = new OpenRows(db, listAfterMs);
		this.sequence = new Sequence(db);
		this.lead = new IdLead(db);
		this.changes = new ChangeNumbers(db);
		this.listing = new Listing(db, "deliveries", { step: FULL_STEP, maxTail: maxFullTail(listAfterMs) });
		this.blocks = new Blocks(db);
		this.#find = createFindDelivery(db, this.blocks);
		this.types = new EventTypes(db);
		this.#succeeded = new RowGatherer(db, "deliveries", SUCCEEDED_COLUMNS, SUCCEEDED);
		this.#statements = prepareStatements(db);
	}

	/** What `createTransact` has to tell of the ends of transactions. */
	get memories(): readonly TransactionMemory[] {
		const { events, leases, open, listing, lead, changes, types } = this;
		return [events, open.gathered, this.#succeeded, leases, open.listing, open.tail, listing, lead, changes, types];
	}

	/** Stores the rows that have gathered. Call it before anything else reads them in the same transaction. */
	flush(): void {
		this.events.flush();
		this.open.gathered.flush();
		this.#succeeded.flush();
	}

	/** Inserts the delivery of a new event: it becomes a row of `open` if its state allows that. */
	insertNew({ seq, event, eventDate }: Place, project: number, webhook: number, state: DeliveryState): void {
		if (isOpenState(state, eventDate)) {
			this.open.insert(seq, event, webhook, project);
			if (state.leaseUntil !== null) this.leases.set(webhook, seq, state.leaseUntil);
			return;
		}
		this.#insertFull({ seq, event, webhook, project }, state, { at: eventDate });
	}

	/** Inserts a delivery that a replay makes: it has a number and an id of its own, and `date` is its `createDate`. */
	insertOutside(id: string, { event, webhook, project }: OpenRow, state: DeliveryState, date: number): void {
		const ownId = idBytes("dlv", id);
		this.lead.note(idTime(ownId), date);
		const seq = this.sequence.take(1);
		this.#insertFull({ seq, event, webhook, project }, state, { at: date, date, ownId });
	}

	get marks(): Marks {
		return { open: this.open.mark, full: this.listing.mark };
	}

	get leadMs(): number {
		return this.lead.ms;
	}

	/** The number of the delivery with this id, and of its project; null if there is none. */
	locate(deliveryId: string): Located | null {
		return this.load(deliveryId);
	}

	/** The delivery with this id; null if there is none. */
	load(deliveryId: string): StoredDelivery | null {
		const place = this.#find(deliveryId);
		if (place === null) return null;
		return this.loadOpen(place.seq, place.eventDate) ?? this.loadFull(place.seq, deliveryId);
	}

	/**
	 * Takes deliveries for changes that always lead to full rows: rows of `open` are removed at once. Returns how to load them, which
	 * must be done for each of them by its index, in order, and `write` must follow each time.
	 */
	takeAll(deliveryIds: readonly string[]): (index: number) => StoredDelivery | null {
		const places = deliveryIds.map((id) => this.#find(id));
		const rows = this.open.takeAll(places.flatMap((place) => place?.seq ?? []));
		return (index) => {
			const place = places[index] ?? null;
			if (place === null) return null;
			const { seq, eventDate } = place;
			const row = rows.get(seq);
			// One that is named twice has a full row by now.
			if (row === undefined || !rows.delete(seq)) return this.loadFull(seq, deliveryIds[index]);
			const { event, webhook, project } = row;
			const state = this.openState(webhook, seq, eventDate);
			return { event, webhook, project, seq, state, home: "taken", ...UNTRIED };
		};
	}

	/** The delivery with this number, if it is in `open`. `eventDate` is the date of its event. */
	loadOpen(seq: number, eventDate: number): StoredDelivery | null {
		const row = this.open.get(seq);
		if (row === null) return null;
		return { ...row, seq, state: this.openState(row.webhook, seq, eventDate), home: "open", ...UNTRIED };
	}

	/** The state of a delivery in `open`. */
	openState(webhook: number, seq: number, eventDate: number): DeliveryState {
		return toOpenState(this.pulledIn.dueAt(webhook, seq, eventDate), this.leases.get(webhook, seq));
	}

	/** The delivery with this number, if it is a full row, and only if its id is `deliveryId`, unless that is omitted. */
	loadFull(seq: number, deliveryId?: string): StoredDelivery | null {
		this.#succeeded.flush();
		const row = this.#statements.select.get(seq);
		if (row === undefined) return null;
		const ownId = bytesOrNull(row["own_id"]);
		// A row with an id of its own has no other id, although the place in a block may suggest one.
		if (deliveryId !== undefined && ownId !== null && Buffer.compare(ownId, idBytes("dlv", deliveryId)) !== 0)
			return null;
		return {
			seq,
			event: number(row["event"]),
			webhook: number(row["webhook"]),
			project: number(row["project"]),
			state: toState(row),
			home: "full",
			firstNumber: numberOrNull(row["first_number"]),
			cause: numberOrNull(row["cause"]),
		};
	}

	/**
	 * Writes the new state of a delivery that was loaded in the same transaction, and the attempt that has led to it. A row of
	 * `open` moves, unless only its lease has changed. Returns the delivery as it is now.
	 */
	write(delivery: StoredDelivery, state: DeliveryState, at: number, attempt: Attempt | null): WrittenDelivery {
		const { seq, webhook, home } = delivery;
		const cause = attempt === null ? delivery.cause : causeCode(causeOf(attempt));
		if (home === "full") {
			if (state !== delivery.state) {
				this.#statements.update.run(...stateValues(state), at, this.#changeOf(state, at), cause, seq);
			}
			if (attempt === null) return { ...delivery, state, attemptBytes: 0 };
			const text = this.#addAttempt(delivery, attempt);
			const firstNumber = delivery.firstNumber ?? attempt.number;
			return { ...delivery, state, firstNumber, cause, attemptBytes: Buffer.byteLength(text) };
		}
		if (home === "open") {
			if (state === delivery.state && attempt === null) return { ...delivery, attemptBytes: 0 };
			if (attempt === null && isOpenState(state, delivery.state.nextAttemptAt ?? 0)) {
				this.leases.set(webhook, seq, state.leaseUntil);
				return { ...delivery, state, attemptBytes: 0 };
			}
			if (this.open.take(seq) === null) throw new Error(`the delivery ${seq} is not open any more`);
		}
		this.leases.gone(webhook, seq);
		const text = attempt === null ? null : attemptText(attempt);
		this.#insertFull(delivery, state, { at, attempt: text, cause: cause ?? NO_CAUSE });
		const attemptBytes = text === null ? 0 : Buffer.byteLength(text);
		return { ...delivery, state, home: "full", firstNumber: attempt?.number ?? null, cause, attemptBytes };
	}

	/** The number of a change to this state. Succeeded rows have none: they are in no index of changes. */
	#changeOf({ status }: DeliveryState, at: number): number | null {
		return status === "Succeeded" ? null : this.changes.take(at);
	}

	#insertFull({ seq, event, webhook, project }: PlacedRow, state: DeliveryState, options: FullRowOptions): void {
		const { at, date = null, ownId = null, attempt = null, cause = NO_CAUSE } = options;
		if (isFirstSuccess(state) && attempt !== null && ownId === null && cause === NO_CAUSE) {
			const listed = this.listing.inserted(seq);
			this.#succeeded.add(seq, event, webhook, project, state.responseCode, at, listed, attempt);
			return;
		}
		const isPlain = state.status === "Succeeded" && cause === NO_CAUSE;
		this.#statements.insert.run(
			seq,
			event,
			webhook,
			project,
			...stateValues(state),
			at,
			this.#changeOf(state, at),
			date,
			ownId,
			ownId === null ? null : 1,
			this.listing.inserted(seq),
			attempt,
			cause,
			isPlain ? null : this.types.hashOf(event),
		);
	}

	/**
	 * Adds an attempt to a full row: as its first one, or to `attempts`. Two outcomes of one delivery can have the same number,
	 * if one of them was believed lost: both are kept. Returns its record.
	 */
	#addAttempt({ seq, firstNumber }: StoredDelivery, attempt: Attempt): string {
		const { setFirst, insertAttempt, lastNumber } = this.#statements;
		const text = attemptText(attempt);
		if (firstNumber === null) {
			setFirst.run(text, seq);
			return text;
		}
		const isTaken = attempt.number === firstNumber;
		if (!isTaken && insertAttempt.run(seq, attempt.number, text).changes > 0) return text;
		const last = Math.max(firstNumber, number(lastNumber.get(seq)?.["last"]));
		const renumbered = attemptText({ ...attempt, number: last + 1 });
		insertAttempt.run(seq, last + 1, renumbered);
		return renumbered;
	}
}

/** Whether all that a state has beside its response code is in `SUCCEEDED`. */
function isFirstSuccess(state: DeliveryState): boolean {
	return (
		state.status === "Succeeded" &&
		state.attemptCount === 1 &&
		state.autoAttemptCount === 1 &&
		state.trigger === "auto" &&
		state.reason === null &&
		state.nextAttemptAt === null &&
		state.leaseUntil === null &&
		state.scheduleResumesAt === null
	);
}

/** For tests, 0 lists at once and Infinity never. */
function maxFullTail(listAfterMs: number): number {
	return listAfterMs === 0 || listAfterMs === Infinity ? listAfterMs : MAX_FULL_TAIL;
}

function prepareStatements(db: DatabaseSync) {
	return {
		insert: prepareInsert(db, "deliveries", [
			"seq",
			"event",
			"webhook",
			"project",
			...WRITTEN_STATE_COLUMNS,
			"update_date",
			"change",
			"create_date",
			"own_id",
			"outside",
			"listed",
			"attempt",
			"cause",
			"type",
		]),
		select: db.prepare(`
			SELECT event, webhook, project, own_id, ${attemptNumberIn("attempt")} AS first_number, cause, ${list(STATE_COLUMNS)}
			FROM deliveries WHERE seq = ?
		`),
		update: prepareUpdate(
			db,
			"deliveries",
			[...WRITTEN_STATE_COLUMNS, "update_date", "change", "cause", "seq"],
			["seq"],
		),
		setFirst: db.prepare("UPDATE deliveries SET attempt = ? WHERE seq = ?"),
		insertAttempt: prepareInsert(
			db,
			"attempts",
			["delivery", "number", "attempt"],
			"ON CONFLICT (delivery, number) DO NOTHING",
		),
		lastNumber: db.prepare("SELECT coalesce(max(number), 0) AS last FROM attempts WHERE delivery = ?"),
	};
}
