// The small numbers that stand for projects and webhooks in the large tables and in the stats, and what belongs to them.
import type { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../../ports/store/errors.ts";
import { idBytes, idText } from "../codec/ids.ts";
import { bytes, number, rowId, textOrNull, type Row } from "../codec/rows.ts";

/** A webhook or a project. */
export interface Numbered {
	readonly number: number;
	readonly id: string;
	/** Its id for statements. */
	readonly bytes: Uint8Array;
	/** The number of its project; of a project, its own. */
	readonly project: number;
	/** The customer of a webhook, which it has until that is deleted; null for a webhook without one, and for a project. */
	readonly customerId: string | null;
}

/**
 * Finds webhooks and projects by their ids and numbers. Each is read once and kept, since a number never changes: about 300
 * bytes each. With more than `maxKept` of them, all are forgotten and read again.
 */
export class Numbers {
	readonly webhooks: Table;
	readonly projects: Table;

	constructor(db: DatabaseSync, maxKept = Infinity) {
		this.webhooks = new Table(db, "webhooks JOIN projects ON projects.id = webhooks.project_id", "webhook", maxKept);
		this.projects = new Table(db, "projects", "proj", maxKept);
	}

	/** Call it when another connection may have deleted some from their tables, or taken away their customers. */
	forgetAll(): void {
		this.webhooks.forgetAll();
		this.projects.forgetAll();
	}
}

class Table {
	readonly #prefix: "webhook" | "proj";
	readonly #maxKept: number;
	readonly #byId = new Map<string, Numbered>();
	readonly #byNumber = new Map<number, Numbered>();
	readonly #selectById: (id: Uint8Array) => Row | undefined;
	readonly #selectByNumber: (number: number) => Row | undefined;

	constructor(db: DatabaseSync, from: string, prefix: "webhook" | "proj", maxKept: number) {
		this.#prefix = prefix;
		this.#maxKept = maxKept;
		const table = prefix === "proj" ? "projects" : "webhooks";
		const customer = prefix === "proj" ? "NULL" : "webhooks.customer_id";
		const columns = `${table}.id, ${table}.number, projects.number AS project, ${customer} AS customer`;
		const select = `SELECT ${columns} FROM ${from}`;
		const byId = db.prepare(`${select} WHERE ${table}.id = ?`);
		const byNumber = db.prepare(`${select} WHERE ${table}.number = ?`);
		this.#selectById = (id) => byId.get(id);
		this.#selectByNumber = (value) => byNumber.get(value);
	}

	/** The one with this id; null if there is none. */
	find(id: string): Numbered | null {
		return this.#byId.get(id) ?? this.#keep(this.#selectById(idBytes(this.#prefix, id)));
	}

	/** The one with this id. Throws a `store_conflict` if there is none. */
	get(id: string): Numbered {
		const found = this.find(id);
		if (found !== null) return found;
		throw new StoreError("store_conflict", `there is no ${this.#prefix === "proj" ? "project" : "webhook"} ${id}`);
	}

	/** The one that a stored row names. */
	at(value: number): Numbered {
		const found = this.atOrNull(value);
		if (found === null) throw new Error(`a row names the ${this.#prefix} number ${value}, which is not stored`);
		return found;
	}

	/** The one with this number; null if it was deleted. */
	atOrNull(value: number): Numbered | null {
		return this.#byNumber.get(value) ?? this.#keep(this.#selectByNumber(value));
	}

	/** Call it when one is deleted from its table. */
	forget(id: string): void {
		const known = this.#byId.get(id);
		this.#byId.delete(id);
		if (known !== undefined) this.#byNumber.delete(known.number);
	}

	forgetAll(): void {
		this.#byId.clear();
		this.#byNumber.clear();
	}

	#keep(row: Row | undefined): Numbered | null {
		if (row === undefined) return null;
		if (this.#byId.size >= this.#maxKept) this.forgetAll();
		const id = idText(this.#prefix, rowId(row));
		const numbered = {
			number: number(row["number"]),
			id,
			bytes: Uint8Array.from(bytes(row["id"])),
			project: number(row["project"]),
			customerId: textOrNull(row["customer"]),
		};
		this.#byId.set(id, numbered);
		this.#byNumber.set(numbered.number, numbered);
		return numbered;
	}
}

/**
 * Prepares the giving of the next number to a new row of `webhooks` or `projects`. A number is not given again when its row is deleted:
 * stats in memory and in the journal may still name it.
 */
export function createGiveNumber(db: DatabaseSync, table: "webhooks" | "projects"): (id: Uint8Array) => void {
	const take = db.prepare(`UPDATE given_numbers SET ${table} = ${table} + 1`);
	const give = db.prepare(`UPDATE ${table} SET number = (SELECT ${table} FROM given_numbers) WHERE id = ?`);
	return (id) => {
		take.run();
		give.run(id);
	};
}
