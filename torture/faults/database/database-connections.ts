// The connections to the database: ended again and again, and held up by a lock of somebody else.
import { setTimeout as delay } from "node:timers/promises";

import type { Fault } from "../../fault.ts";

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

/** With these, a claim would read all of them if their space were never reused. */
const DEAD_ROWS = 200_000;

export const databaseDeadRows: Fault = {
	name: "database-dead-rows",
	summary: `an old snapshot keeps ${DEAD_ROWS.toLocaleString("en-US")} dead rows in the table of open deliveries`,
	weight: 1,
	profiles: ["postgres"],
	async strike(round) {
		const webhook = round.webhook("aimed-at").id.replace(/^webhook_/, "");
		const columns = `id, project_id, webhook_id, event_id, event_type, shard, status, attempt_count, auto_attempt_count, next_attempt_at,
			trigger, due_at, cause, is_replayed, create_date, update_date`;
		// The snapshot is a reader's, as of a dump.
		const snapshot = round.database.query(
			"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM events; SELECT pg_sleep(6); COMMIT",
		);
		await round.database.query(`
			BEGIN;
			INSERT INTO open_deliveries (${columns})
				SELECT gen_random_uuid(), w.project_id, w.id, gen_random_uuid(), 'dead', 0, 0, 0, 0, 1, 0, 1, 0, false, 1, 1
				FROM webhooks w, generate_series(1, ${DEAD_ROWS}) WHERE w.id = '${webhook}';
			ROLLBACK
		`);
		await round.load(40);
		await snapshot;
		round.recovering();
	},
};
