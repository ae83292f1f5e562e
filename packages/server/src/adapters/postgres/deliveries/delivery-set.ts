// The deliveries that a transaction works on: loaded with locks, changed in memory, and written at its end with a few statements.
import type { DeliveryState } from "../../../core/delivery.ts";
import { binaryArray } from "../codec/arrays.ts";
import {
	CHANGING_COLUMNS,
	DELIVERY_COLUMNS,
	isOpen,
	toDeliveryRow,
	typeOf,
	valuesOf,
	type DeliveryIdentity,
	type DeliveryRow,
} from "../codec/delivery-rows.ts";
import { among, endsOf, isAmong, uuidTime } from "../codec/ids.ts";
import type { Row } from "../codec/rows.ts";
import { list, statement, type Statement } from "../codec/statements.ts";
import type { Session } from "../connection/session.ts";
import { firstChangeAt, type ChangeNumbers } from "./change-numbers.ts";

type Table = "open_deliveries" | "deliveries";

/** In the order of ids, as everywhere: so two transactions never wait for each other in a circle. */
const select = (table: Table): Statement =>
	statement(`SELECT ${list(DELIVERY_COLUMNS)} FROM ${table} WHERE ${isAmong("id")} ORDER BY id FOR UPDATE`);
const SELECT = { open_deliveries: select("open_deliveries"), deliveries: select("deliveries") };
const unnested = (columns: readonly string[]): string =>
	`unnest(${columns.map((column, index) => `$${index + 1}::${typeOf(column)}[]`).join(", ")})`;
const insert = (table: Table): Statement =>
	statement(`INSERT INTO ${table} (${list(DELIVERY_COLUMNS)}) SELECT * FROM ${unnested(DELIVERY_COLUMNS)}`);
const INSERT = { open_deliveries: insert("open_deliveries"), deliveries: insert("deliveries") };
const remove = (table: Table): Statement => statement(`DELETE FROM ${table} WHERE ${isAmong("id")}`);
const DELETE = { open_deliveries: remove("open_deliveries"), deliveries: remove("deliveries") };
/** The array of ids bounds what is read, however the rows are joined. */
const update = (table: Table): Statement =>
	statement(`
		UPDATE ${table} SET ${list(CHANGING_COLUMNS.slice(1).map((column) => `${column} = given.${column}`))}
		FROM ${unnested(CHANGING_COLUMNS)} AS given(${list(CHANGING_COLUMNS)})
		WHERE ${table}.id = given.id AND ${isAmong(`${table}.id`, 1, CHANGING_COLUMNS.length + 1)}
	`);
const UPDATE = { open_deliveries: update("open_deliveries"), deliveries: update("deliveries") };

/** A delivery in the set. */
export interface Entry {
	row: DeliveryRow;
	/** The table that has it; null if it is new. */
	readonly home: Table | null;
	isChanged: boolean;
}

export class DeliverySet {
	readonly #numbers: ChangeNumbers;
	readonly #entries = new Map<string, Entry>();
	/** By how much new ids are ahead of their dates, and numbers of changes. */
	#idLeadMs = 0;
	#changeLead = 0;

	constructor(numbers: ChangeNumbers) {
		this.#numbers = numbers;
	}

	get entries(): Iterable<Entry> {
		return this.#entries.values();
	}

	get(id: string): Entry | null {
		return this.#entries.get(id) ?? null;
	}

	/** Loads and locks the deliveries with these UUIDs. Those that are unknown, or in the set already, are left out. */
	async load(session: Session, ids: Iterable<string>): Promise<void> {
		const missing = () => [...new Set(ids)].filter((id) => !this.#entries.has(id));
		// One that moves from the second table to the first one between two looks is found by the third look.
		for (const table of ["open_deliveries", "deliveries", "open_deliveries"] as const) {
			const wanted = missing();
			if (wanted.length === 0) return;
			this.add(await session.run(SELECT[table], among(wanted)), table);
		}
	}

	/** Takes rows that the caller has selected, and locked. */
	add(rows: readonly Row[], home: Table): Entry[] {
		return rows.map(toDeliveryRow).map((row) => {
			const entry: Entry = { row, home, isChanged: false };
			this.#entries.set(row.id, entry);
			return entry;
		});
	}

	/** Adds a new delivery. */
	insert(identity: DeliveryIdentity, state: DeliveryState): Entry {
		const changed = { cause: 0, updateDate: identity.createDate, change: null };
		const entry: Entry = { row: { ...identity, state, ...changed }, home: null, isChanged: true };
		this.noteId(identity.id, identity.createDate);
		// A Held delivery is in the lists of changes from the beginning.
		if (state.status !== "Pending") this.#number(entry, identity.createDate);
		this.#entries.set(identity.id, entry);
		return entry;
	}

	/** Tells of an id that this transaction stores with a date. */
	noteId(uuid: string, date: number): void {
		this.#idLeadMs = Math.max(this.#idLeadMs, uuidTime(uuid) - date);
	}

	/** Changes the state of a delivery, and the cause of its last attempt if there was one. */
	change(entry: Entry, state: DeliveryState, at: number, cause = entry.row.cause): void {
		const { row } = entry;
		if (state === row.state && cause === row.cause) return;
		entry.isChanged = true;
		// A delivery that waits as it was accepted has not changed only because somebody leases it.
		const isLease = row.change === null && isSameButLease(row.state, state);
		entry.row = { ...row, state, cause };
		if (isLease) return;
		entry.row = { ...entry.row, updateDate: at };
		this.#number(entry, at);
	}

	/** Sends the statements that write all changes. Their failures are those of the transaction. */
	write(session: Session): void {
		this.#numbers.leads.note(session, { idMs: this.#idLeadMs, changes: this.#changeLead });
		const changed = [...this.#entries.values()].filter(({ isChanged }) => isChanged);
		for (const table of ["open_deliveries", "deliveries"] as const) {
			const leaves = changed.filter(({ row, home }) => home === table && homeOf(row) !== table);
			if (leaves.length > 0) void send(session.run(DELETE[table], among(idsOf(leaves))));
		}
		for (const table of ["open_deliveries", "deliveries"] as const) {
			const here = changed.filter(({ row }) => homeOf(row) === table);
			const stays = here.filter(({ home }) => home === table);
			const comes = here.filter(({ home }) => home !== table);
			if (stays.length > 0) {
				const values = [...columnsOf(stays, CHANGING_COLUMNS), ...endsOf(idsOf(stays))];
				void send(session.run(UPDATE[table], values));
			}
			if (comes.length > 0) void send(session.run(INSERT[table], columnsOf(comes, DELIVERY_COLUMNS)));
		}
	}

	#number(entry: Entry, at: number): void {
		const change = entry.row.state.status === "Succeeded" ? null : this.#numbers.take(at);
		if (change !== null) this.#changeLead = Math.max(this.#changeLead, change + 1 - firstChangeAt(at + 1));
		entry.row = { ...entry.row, change };
	}
}

function homeOf({ state }: DeliveryRow): Table {
	return isOpen(state) ? "open_deliveries" : "deliveries";
}

function idsOf(entries: readonly Entry[]): string[] {
	return entries.map(({ row }) => row.id);
}

/** An array for each column. */
function columnsOf(entries: readonly Entry[], columns: readonly string[]): Buffer[] {
	const rows = entries.map(({ row }) => row);
	return columns.map((column) => binaryArray(typeOf(column), valuesOf(column, rows)));
}

/** What is sent is awaited by the end of the transaction. */
async function send(sent: Promise<unknown>): Promise<void> {
	await sent.catch(() => {});
}

function isSameButLease(a: DeliveryState, b: DeliveryState): boolean {
	return (
		a.status === "Pending" &&
		b.status === "Pending" &&
		a.nextAttemptAt === b.nextAttemptAt &&
		a.attemptCount === b.attemptCount &&
		a.trigger === b.trigger
	);
}
