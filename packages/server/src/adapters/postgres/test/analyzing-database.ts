// A database that tries each statement of the store before it runs it, and tells what the statement has read: by a plan for its values, and
// by one for any values, as PostgreSQL may choose after some executions.
import pg from "pg";

import { text, type Row } from "../codec/rows.ts";
import type { Statement } from "../codec/statements.ts";
import { Database } from "../connection/database.ts";
import type { Session } from "../connection/session.ts";

/** What a statement has read of a table or a partition. */
interface TableRead {
	readonly table: string;
	/** The node of the plan, such as `Index Scan using events_20261127_pkey on events_20261127`. */
	readonly how: string;
	/** Rows that were looked at. */
	readonly rows: number;
}

/** A plan that was carried out, and then undone. */
export interface Explained {
	readonly statement: string;
	readonly kind: "generic" | "custom";
	readonly plan: string;
	/** Without those parts that nothing led to. */
	readonly reads: readonly TableRead[];
}

type Work<T> = (session: Session) => Promise<T>;

/** One connection of each kind, so that plans for any values stay the ones that were made first. */
export class AnalyzingDatabase extends Database {
	readonly #explained: Explained[] = [];
	/** What is prepared on each connection. */
	readonly #prepared = new Map<number, Set<string>>();

	/** The plans since the last call. */
	take(): Explained[] {
		return this.#explained.splice(0);
	}

	override read<T>(work: Work<T>): Promise<T> {
		return this.snapshot(work);
	}

	override snapshot<T>(work: Work<T>): Promise<T> {
		return super.snapshot((session) => work(this.#analyzing(session)));
	}

	override transact<T>(work: Work<T>): Promise<T> {
		return super.transact((session) => work(this.#analyzing(session)));
	}

	override commit<T>(work: Work<T>): Promise<T> {
		return super.commit((session) => work(this.#analyzing(session)));
	}

	#analyzing(session: Session): Session {
		return {
			connection: session.connection,
			run: (statement, values = []) => {
				this.#analyze(session, statement, values);
				return session.run(statement, values);
			},
			change: (statement, values = []) => {
				this.#analyze(session, statement, values);
				return session.change(statement, values);
			},
			query: (sql, values) => session.query(sql, values),
			script: (sql) => session.script(sql),
			longScript: (sql) => session.longScript(sql),
		};
	}

	/** Sends all that at once, since a call may send its statements without waiting for their answers. */
	#analyze(session: Session, statement: Statement, values: readonly unknown[]): void {
		const name = `explained_${statement.name}`;
		let known = this.#prepared.get(session.connection);
		if (known === undefined) this.#prepared.set(session.connection, (known = new Set()));
		if (!known.has(name)) void session.script(`PREPARE ${name} AS ${statement.text}`);
		known.add(name);
		const given = values.length === 0 ? "" : `(${values.map(literal).join(", ")})`;
		for (const kind of ["generic", "custom"] as const) {
			void session.script(`SAVEPOINT explained; SET LOCAL plan_cache_mode = force_${kind}_plan`);
			const rows = session.query(`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE ${name}${given}`);
			const note = (lines: readonly Row[]) => {
				const plan = lines.map((row) => text(row["QUERY PLAN"])).join("\n");
				this.#explained.push({ statement: statement.text, kind, plan, reads: readsOf(plan) });
			};
			// The transaction fails if this does.
			void rows.then(note, () => {});
			void session.script("ROLLBACK TO explained; RELEASE explained");
		}
	}
}

const SCAN =
	/^((?:Seq|Index|Index Only|Bitmap Heap|Tid|Tid Range) Scan[^(]* on (\w+)[^(]*)\((?:actual rows=([\d.]+) loops=(\d+)|never executed)\)/;

/** Rows and those that a filter has removed are told as the average of the loops. */
function readsOf(plan: string): TableRead[] {
	return plan.split(/^ *-> {2}/m).flatMap((node): TableRead[] => {
		const [, how, table, rows, loops] = SCAN.exec(node.trim()) ?? [];
		if (how === undefined || table === undefined || rows === undefined) return [];
		const [, removed = "0"] = /Rows Removed by (?:Filter|Index Recheck): (\d+)/.exec(node) ?? [];
		return [{ table, how: how.trim(), rows: (Number(rows) + Number(removed)) * Number(loops) }];
	});
}

/** Readers of the elements of binary arrays, by type. See codec/arrays.ts. */
const ELEMENTS: Readonly<Record<number, (bytes: Buffer) => string>> = {
	16: (bytes) => String(bytes[0] === 1),
	17: (bytes) => `\\x${bytes.toString("hex")}`,
	20: (bytes) => String(bytes.readBigInt64BE()),
	21: (bytes) => String(bytes.readInt16BE()),
	23: (bytes) => String(bytes.readInt32BE()),
	25: (bytes) => bytes.toString(),
	2950: (bytes) => bytes.toString("hex"),
};

/** A parameter as SQL. */
function literal(value: unknown): string {
	if (value === null || value === undefined) return "NULL";
	if (Buffer.isBuffer(value)) return arrayLiteral(elementsOf(value));
	if (value instanceof Uint8Array) return `'\\x${Buffer.from(value).toString("hex")}'`;
	if (Array.isArray(value)) return arrayLiteral(value.map((each) => (each === null ? null : String(each))));
	if (typeof value === "string") return pg.escapeLiteral(value);
	if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return `'${value}'`;
	throw new Error("a parameter of a type that is not written as SQL here");
}

function arrayLiteral(elements: readonly (string | null)[]): string {
	const written = elements.map((each) => (each === null ? "NULL" : `"${each.replaceAll(/["\\]/g, "\\$&")}"`));
	return pg.escapeLiteral(`{${written.join(",")}}`);
}

function elementsOf(array: Buffer): (string | null)[] {
	const read = ELEMENTS[array.readInt32BE(8)];
	if (read === undefined) throw new Error(`arrays of the type ${array.readInt32BE(8)} can't be read`);
	let at = 20;
	return Array.from({ length: array.readInt32BE(12) }, () => {
		const length = array.readInt32BE(at);
		at += 4 + Math.max(0, length);
		return length < 0 ? null : read(array.subarray(at - length, at));
	});
}
