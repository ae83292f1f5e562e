// Partitions of the log: one for each day of the ids. A commit makes those that its rows need; usually they are there already.
import { isoTime, parseTime } from "../../../core/clock.ts";
import { firstUuidAt, uuidTime } from "../codec/ids.ts";
import { boolean, text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { isInUse } from "../connection/errors.ts";
import { PARTITIONS_LOCK } from "../connection/locks.ts";
import type { Session } from "../connection/session.ts";

const DAY_MS = 86_400_000;
/** The tables whose partitions have the same bounds. */
export const PARTITIONED = ["events", "event_customers", "event_tags", "deliveries", "attempts"] as const;

/** So long, others may wait behind the lock that a drop waits for. */
const SHORT_WAIT = statement("SELECT set_config('lock_timeout', '100ms', true)");
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

	/**
	 * Drops the partitions of days before this time in which nothing is left. It waits a moment at most for those who use them, and
	 * leaves the rest to the next call. Deliveries that wait keep the partitions that they are going to end in. Returns whether all
	 * are dropped that were empty.
	 */
	async dropEmpty(before: number): Promise<boolean> {
		const lastDay = Math.floor(Math.min(before, Number.MAX_SAFE_INTEGER) / DAY_MS) - 1;
		const rows = await this.#database.read((session) => session.run(SELECT_PARTITIONS));
		const names = new Set(rows.map((row) => text(row["name"])));
		const days = new Set([...names].map(dayIn).filter((day) => day <= lastDay));
		let isDone = true;
		for (const day of [...days].toSorted((a, b) => a - b)) {
			const known = PARTITIONED.filter((table) => names.has(partitionName(table, day)));
			if (!(await this.#database.read((session) => isUnused(session, day, known)))) continue;
			this.#days.delete(day);
			for (const table of known) isDone = (await this.#drop(table, day)) && isDone;
		}
		return isDone;
	}

	/** One table at a time, so that its lock is short. Whoever needs it again meanwhile makes it again. */
	async #drop(table: string, day: number): Promise<boolean> {
		try {
			await this.#database.transact(async (session) => {
				await session.run(SHORT_WAIT);
				await session.script(`LOCK TABLE ONLY ${table}, ${partitionName(table, day)} IN ACCESS EXCLUSIVE MODE`);
				if (await isUnused(session, day, [table])) await session.script(`DROP TABLE ${partitionName(table, day)}`);
			});
			return true;
		} catch (error) {
			if (!isInUse(error)) throw error;
			return false;
		}
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

/** Whether no row is in these partitions of a day, and none is going to be. */
async function isUnused(session: Session, day: number, tables: readonly string[]): Promise<boolean> {
	const parts = tables.map((table) => `EXISTS (SELECT 1 FROM ${partitionName(table, day)})`);
	const [row] = await session.query(
		`SELECT ${["EXISTS (SELECT 1 FROM open_deliveries WHERE id >= $1 AND id < $2)", ...parts].join(" OR ")} AS is_used`,
		[firstUuidAt(day * DAY_MS), firstUuidAt((day + 1) * DAY_MS)],
	);
	return !boolean(row?.["is_used"]);
}

/** The number of the day of a UUIDv7, from 1970. */
function dayOf(uuid: string): number {
	return Math.floor(uuidTime(uuid) / DAY_MS);
}

/** Such as `events_20261126`. */
export function partitionName(table: string, day: number): string {
	return `${table}_${isoTime(day * DAY_MS)
		.slice(0, 10)
		.replaceAll("-", "")}`;
}

/**
 * Columns by which lists find the rows of somebody, who may have few among those of others. What ANALYZE finds in the rows of one
 * would have the planner walk along the ids of all, so it is always told that there are many.
 */
const OWNERS: Readonly<Partial<Record<string, readonly string[]>>> = {
	events: ["project_id", "type"],
	deliveries: ["project_id", "webhook_id"],
};

/** The day of a partition's name. */
function dayIn(name: string): number {
	const [, year, month, date] = /_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
	return Math.floor(parseTime(`${year}-${month}-${date}T00:00:00Z`) / DAY_MS);
}

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
