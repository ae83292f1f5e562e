// The connections to the database: ended again and again, and held up by a lock of somebody else.
import { setTimeout as delay } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";

import type { Fault } from "../../fault.ts";
import type { Round } from "../../round.ts";

const STRIKES = 15;
const PAUSE_MS = 120;

export const databaseConnections: Fault = {
	name: "database-connections",
	summary: "all connections to the database are ended again and again, some in mid-commit",
	weight: 3,
	profiles: ["postgres"],
	async strike(round) {
		const random = round.random("strike");
		for (let strikes = 0; strikes < STRIKES; strikes++) {
			await delay(random() * PAUSE_MS);
			await round.database.query(`
				SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = 'fanfare' AND pid <> pg_backend_pid()
			`);
		}
		round.recovering();
	},
};

/** Longer than the server lets a statement wait for a lock. */
const LOCKED_MS = 7_000;

export const databaseLocked: Fault = {
	name: "database-locked",
	summary: "somebody locks the tables of the busy path for longer than statements wait",
	weight: 1,
	profiles: ["postgres"],
	async strike(round) {
		await round.database.query(`
			BEGIN; LOCK TABLE open_deliveries, events IN ACCESS EXCLUSIVE MODE;
			SELECT pg_sleep(${LOCKED_MS / 1_000}); COMMIT
		`);
		round.recovering();
	},
};

/** Claims of the webhook whose deliveries they were read all of them, as long as a snapshot might. */
const DEAD_ROWS = 200_000;
/** Rows of a transaction that was rolled back are dead at once, for every snapshot: the first scan takes them out of the index. */
const MAKE_DEAD_ROWS = (webhook: string) => `
	BEGIN;
	INSERT INTO open_deliveries (id, project_id, webhook_id, event_id, event_type, shard, status, attempt_count, auto_attempt_count, next_attempt_at,
		trigger, due_at, cause, is_replayed, create_date, update_date)
		SELECT gen_random_uuid(), w.project_id, w.id, gen_random_uuid(), 'dead', 0, 0, 0, 0, 1, 0, 1, 0, false, 1, 1
		FROM webhooks w, generate_series(1, ${DEAD_ROWS}) WHERE w.id = '${webhook}';
	DELETE FROM open_deliveries WHERE event_type = 'dead';
	COMMIT
`;
/** The first rows that a claim looks at: those that are due longest. */
const CLAIM = (webhook: string) => `
	EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
	SELECT id FROM open_deliveries WHERE webhook_id = '${webhook}' AND due_at <= 1 ORDER BY due_at, id LIMIT 1
`;
/** Such a claim reads one for each row while these are kept, and only those of the index, a hundredth, once their entries are known to be dead. */
const MANY_BLOCKS = DEAD_ROWS / 2;
/** Longer than any round. */
const HOLD = "SELECT pg_sleep(3600)";

export const databaseDeadRows: Fault = {
	name: "database-dead-rows",
	summary: `an old snapshot keeps ${DEAD_ROWS.toLocaleString("en-US")} dead rows in the table of open deliveries`,
	weight: 1,
	profiles: ["postgres"],
	// Before the load, which would go on for as long as it takes.
	async setUp(round) {
		await holdSnapshot(round);
		await round.database.query(MAKE_DEAD_ROWS(idOfRetried(round)));
	},
	async strike(round) {
		await round.load(80);
		const blocks = await blocksOf(round, CLAIM(idOfRetried(round)));
		round.expect(
			blocks > MANY_BLOCKS,
			`at the end of the load, a claim has read ${blocks} blocks: no dead rows were kept`,
		);
		await endSnapshot(round);
		round.recovering();
	},
};

/** The id in the database of a webhook whose deliveries are often retried, and so claimed. */
function idOfRetried(round: Round): string {
	return round.webhook("sometimes-failing").id.replace(/^webhook_/, "");
}

const HOLDER = `FROM pg_stat_activity WHERE query LIKE '%${HOLD}%' AND wait_event = 'PgSleep' AND backend_xmin IS NOT NULL`;

/** A reader's, as of a dump. Resolves when the database keeps what it may see. */
async function holdSnapshot(round: Round): Promise<void> {
	// It is cancelled, or ends with the database.
	void round.database
		.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM events; ${HOLD}; COMMIT`)
		.catch(() => {});
	await eventually("the snapshot", async () => (await round.database.query(`SELECT pid ${HOLDER}`)).length > 0);
}

async function endSnapshot(round: Round): Promise<void> {
	const ended = await round.database.query(`SELECT pg_cancel_backend(pid) ${HOLDER}`);
	round.expect(ended.length === 1, "the snapshot has ended before the load");
}

/** How many blocks a statement reads. */
async function blocksOf(round: Round, explain: string): Promise<number> {
	const [row] = await round.database.query(explain);
	if (row === undefined) throw new Error("EXPLAIN has returned no plan");
	const [{ Plan: plan }] = row["QUERY PLAN"] as [{ readonly Plan: Readonly<Record<string, unknown>> }];
	return Number(plan["Shared Hit Blocks"]) + Number(plan["Shared Read Blocks"]);
}
