// Rolling up: takes rows out of the journal and adds them to the tables of the stats, in one transaction for each step. So reads, which
// add both, return the same before and after a step, and after a crash.
import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import type { RollUpStep } from "../../../ports/store/stats.ts";
import { number, numberOrNull, numbers, text, textOrNull, type Row } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { lockStats } from "../connection/locks.ts";
import type { Session } from "../connection/session.ts";
import { addToCounts, addToStats, addToStored, COUNTERS, type CountChange, type MinuteSum } from "./tables.ts";

const SELECT_LAST = statement("SELECT max(seq) AS seq FROM stats_journal");
const TAKE = statement(`
	DELETE FROM stats_journal WHERE seq IN (SELECT seq FROM stats_journal WHERE seq <= $1 ORDER BY seq LIMIT $2) RETURNING *
`);
const SELECT_OWNERS = statement(`
	SELECT id FROM webhooks WHERE id = ANY($1::uuid[]) UNION ALL SELECT id FROM projects WHERE id = ANY($1::uuid[])
`);
const DELETE_OLD = statement(`
	DELETE FROM stats WHERE (owner, width_ms, start) IN (
		SELECT owner, width_ms, start FROM stats WHERE width_ms = $1 AND start < $2 LIMIT $3
	)
`);
/** The counts by status in the journal, in the order of `CountChange.counts`. */
const COUNT_COLUMNS = ["pending", "succeeded_count", "failed", "held", "cancelled"] as const;

/** The call `rollUpStats`. What is written while a round is under way is left to the next one, so that a round ends. */
export function createRollUp(database: Database) {
	let roundEnd: number | null = null;
	return async ({ keepMinutesFrom, keepHoursFrom, limit }: RollUpStep): Promise<number> => {
		const end = (roundEnd ??= await readLast(database));
		const count =
			(await database.inBackground((session) => rollUp(session, end, limit))) ||
			(await database.inBackground((session) =>
				session.change(DELETE_OLD, [STATS_WIDTHS_MS.minute, keepMinutesFrom, limit]),
			)) ||
			(await database.inBackground((session) =>
				session.change(DELETE_OLD, [STATS_WIDTHS_MS.hour, keepHoursFrom, limit]),
			));
		if (count === 0) roundEnd = null;
		return count;
	};
}

function readLast(database: Database): Promise<number> {
	return database.read(async (session) => {
		const [row] = await session.run(SELECT_LAST);
		return numberOrNull(row?.["seq"] ?? null) ?? 0;
	});
}

async function rollUp(session: Session, end: number, limit: number): Promise<number> {
	await lockStats(session);
	const rows = (await session.run(TAKE, [end, limit])).toSorted((a, b) => number(a["seq"]) - number(b["seq"]));
	if (rows.length === 0) return 0;
	const sums = new Sums();
	for (const row of rows) sums.add(row);
	// What a webhook or a project left that was deleted completely is dropped.
	const found = await session.run(SELECT_OWNERS, [[...sums.owners]]);
	const known = new Set(found.map((row) => text(row["id"])));
	await addToStats(
		session,
		sums.minutes.filter(({ owner }) => known.has(owner)),
	);
	await addToCounts(
		session,
		sums.counts.filter(({ owner }) => known.has(owner)),
	);
	await addToStored(session, new Map([...sums.stored].filter(([project]) => known.has(project))));
	return rows.length;
}

/** The sums of rows of the journal, for each webhook and its project. */
class Sums {
	readonly #minutes = new Map<
		string,
		MinuteSum & { readonly counters: number[] } & Record<"latency" | "causes", Map<number, number>>
	>();
	readonly #counts = new Map<string, { owner: string; counts: number[]; lastAttempt: string | null }>();
	readonly stored = new Map<string, number>();

	get owners(): ReadonlySet<string> {
		return new Set([...this.counts, ...this.minutes].map(({ owner }) => owner).concat(...this.stored.keys()));
	}

	get minutes(): readonly MinuteSum[] {
		return [...this.#minutes.values()];
	}

	get counts(): readonly CountChange[] {
		return [...this.#counts.values()];
	}

	/** Rows must come in their order, so that the last attempt is the last one. */
	add(row: Row): void {
		const [project, webhook] = [text(row["project_id"]), textOrNull(row["webhook_id"])];
		const counters = COUNTERS.map((name) => number(row[name]));
		// A project accepts an event once, however many webhooks get it: that is in rows without a webhook.
		this.#addMinute(project, row, webhook === null ? counters : [0, ...counters.slice(1)]);
		if (webhook !== null) this.#addMinute(webhook, row, counters);
		this.#addCounts(project, row, null);
		if (webhook !== null) this.#addCounts(webhook, row, textOrNull(row["last_attempt"]));
		const bytes = number(row["stored_bytes"]);
		if (bytes !== 0) this.stored.set(project, (this.stored.get(project) ?? 0) + bytes);
	}

	/** Changes of status alone (by a sweep, for example) make no bucket. */
	#addMinute(owner: string, row: Row, counters: readonly number[]): void {
		if (counters.every((count) => count === 0)) return;
		const minute = number(row["minute"]);
		const key = `${owner} ${minute}`;
		let sum = this.#minutes.get(key);
		if (sum === undefined) {
			sum = { owner, minute, counters: [], latency: new Map(), causes: new Map() };
			this.#minutes.set(key, sum);
		}
		addTo(sum.counters, counters);
		countEach(sum.latency, row["latencies"]);
		countEach(sum.causes, row["causes"]);
	}

	#addCounts(owner: string, row: Row, lastAttempt: string | null): void {
		const changes = COUNT_COLUMNS.map((name) => number(row[name]));
		if (lastAttempt === null && changes.every((count) => count === 0)) return;
		let sum = this.#counts.get(owner);
		if (sum === undefined) this.#counts.set(owner, (sum = { owner, counts: [], lastAttempt: null }));
		addTo(sum.counts, changes);
		sum.lastAttempt = lastAttempt ?? sum.lastAttempt;
	}
}

function countEach(counts: Map<number, number>, column: unknown): void {
	for (const key of column === null ? [] : numbers(column)) counts.set(key, (counts.get(key) ?? 0) + 1);
}

function addTo(sums: number[], more: readonly number[]): void {
	for (const [index, count] of more.entries()) sums[index] = (sums[index] ?? 0) + count;
}
