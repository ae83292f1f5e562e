// Writes copies of a row with some columns changed.
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

export class RowCopier {
	readonly #insert: StatementSync;
	readonly #values: SQLInputValue[];
	readonly #positions: ReadonlyMap<string, number>;

	/** Copies the table's only row, or the only row of `project` if given. */
	constructor(db: DatabaseSync, table: "events" | "deliveries" | "attempts", project: Uint8Array | null) {
		const columns = db
			.prepare(`PRAGMA table_info(${table})`)
			.all()
			.filter(({ pk, type }) => !(pk === 1 && type === "INTEGER"))
			.map(({ name }) => String(name));
		const list = columns.join(", ");
		const original =
			project === null
				? db.prepare(`SELECT ${list} FROM ${table} LIMIT 1`).get()
				: db.prepare(`SELECT ${list} FROM ${table} WHERE project_id = ? LIMIT 1`).get(project);
		if (original === undefined) throw new Error(`the table ${table} has no row to copy`);
		this.#values = columns.map((name) => original[name] ?? null);
		this.#positions = new Map(columns.map((name, index) => [name, index]));
		this.#insert = db.prepare(`INSERT INTO ${table} (${list}) VALUES (${columns.map(() => "?").join(", ")})`);
	}

	add(changes: Readonly<Record<string, SQLInputValue>>): void {
		for (const name in changes) {
			const position = this.#positions.get(name);
			if (position === undefined)
				throw new Error(`the table has no column ${name}: update the benchmark to the current schema`);
			this.#values[position] = changes[name] ?? null;
		}
		this.#insert.run(...this.#values);
	}
}
