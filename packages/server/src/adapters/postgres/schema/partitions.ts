// Partitions of the log: one for each day of the ids. A commit makes those that its rows need; usually they are there already.
import { firstUuidAt, uuidTime } from "../codec/ids.ts";
import { text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { PARTITIONS_LOCK } from "../connection/locks.ts";

const DAY_MS = 86_400_000;
/** The tables whose partitions have the same bounds. */
export const PARTITIONED = ["events", "event_customers", "event_tags", "deliveries", "attempts"] as const;

const LOCK = statement("SELECT pg_advisory_xact_lock($1, 0)");
const SELECT_PARTITIONS = statement(`
	SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = ANY('{${PARTITIONED.join(", ")}}'::regclass[])
`);

/** The days of which there are partitions. Other processes may have made more, and retention may have dropped some. */
export class Partitions {
	readonly #database: Database;
	readonly #days = new Set<number>();
	#making: Promise<void> = Promise.resolve();

	constructor(database: Database) {
		this.#database = database;
	}

	/** Makes sure that there are partitions for rows with these UUIDs. Costs a look into a set if there are. */
	async ensure(uuids: Iterable<string>): Promise<void> {
		const missing = new Set<number>();
		for (const uuid of uuids) {
			const day = dayOf(uuid);
			if (!this.#days.has(day)) missing.add(day);
		}
		if (missing.size === 0) return;
		this.#making = this.#making.catch(() => {}).then(() => this.#make([...missing]));
		await this.#making;
	}

	/** What is known of them is not true any more: each is looked for again. */
	forget(): void {
		this.#days.clear();
	}

	async #make(days: readonly number[]): Promise<void> {
		const made = await this.#database.transact(async (session) => {
			await session.run(LOCK, [PARTITIONS_LOCK]);
			const rows = await session.run(SELECT_PARTITIONS);
			const known = new Set(rows.map((row) => text(row["name"])));
			for (const day of days) {
				const missing = PARTITIONED.filter((table) => !known.has(partitionName(table, day)));
				for (const table of missing) await session.script(createPartition(table, day));
			}
			return days;
		});
		for (const day of made) this.#days.add(day);
	}
}

/** The number of the day of a UUIDv7, from 1970. */
function dayOf(uuid: string): number {
	return Math.floor(uuidTime(uuid) / DAY_MS);
}

/** Such as `events_20261126`. */
export function partitionName(table: string, day: number): string {
	return `${table}_${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

/**
 * Columns by which lists find the rows of somebody, who may have few among those of others. Statistics that were made from the rows of one
 * would have the planner walk along the ids of all, so they always say that there are many.
 */
const OWNERS: Readonly<Partial<Record<string, readonly string[]>>> = {
	events: ["project_id", "type"],
	deliveries: ["project_id", "webhook_id"],
};

/** A table that is attached afterwards waits for nobody who reads or writes, such as a backup, and nobody waits for it. */
function createPartition(table: string, day: number): string {
	const [from, to] = [day, day + 1].map((each) => firstUuidAt(each * DAY_MS));
	const name = partitionName(table, day);
	return `
		CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL);
		${(OWNERS[table] ?? []).map((column) => `ALTER TABLE ${name} ALTER COLUMN ${column} SET (n_distinct = 1000);`).join(" ")}
		ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${from}') TO ('${to}')
	`;
}
