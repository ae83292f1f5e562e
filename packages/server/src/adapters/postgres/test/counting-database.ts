// A database that tries the statements of lists before it runs them, and counts what they plan for and what they read.
import { text } from "../codec/rows.ts";
import { Database } from "../connection/database.ts";
import type { Session } from "../connection/session.ts";

const ENTRIES = /using \w*deliveries.*\(actual rows=([\d.]+) loops=(\d+)\)/;

export class CountingDatabase extends Database {
	/** The entries of deliveries that were looked at. */
	entries = 0;
	/** The plans, in order. */
	readonly plans: string[] = [];
	/** The texts of statements that are prepared. These are not tried. */
	readonly prepared: string[] = [];
	/** The entries of deliveries that each statement has looked at, in order. */
	readonly looks: number[] = [];

	override snapshot<T>(work: (session: Session) => Promise<T>): Promise<T> {
		return super.snapshot((session) =>
			work({
				connection: session.connection,
				run: (statement, values) => {
					this.prepared.push(statement.text);
					return session.run(statement, values);
				},
				query: async (sql, values = []) => {
					const rows = await session.query(`EXPLAIN (ANALYZE, TIMING OFF) ${sql}`, values);
					const lines = rows.map((row) => text(row["QUERY PLAN"]));
					this.plans.push(lines.join("\n"));
					const scans = lines.map((line) => ENTRIES.exec(line)).filter((scan) => scan !== null);
					const entries = scans.reduce((sum, [, rows, loops]) => sum + Math.round(Number(rows) * Number(loops)), 0);
					this.looks.push(entries);
					this.entries += entries;
					return session.query(sql, values);
				},
				change: (statement, values) => session.change(statement, values),
				script: (sql) => session.script(sql),
				longScript: (sql) => session.longScript(sql),
			}),
		);
	}
}
