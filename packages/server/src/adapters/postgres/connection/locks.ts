// Advisory locks: the numbers of what is locked, which no two purposes share. They end with the transaction.
import { statement } from "../codec/statements.ts";
import type { Session } from "./session.ts";

/** The first of the two numbers of a lock: "FF" and the purpose. */
export const SCHEMA_LOCK = 0x4646_0001;
export const PARTITIONS_LOCK = 0x4646_0002;
const PROJECT_LOCK = 0x4646_0003;
const STATS_LOCK = 0x4646_0004;
const REPLAYS_LOCK = 0x4646_0005;

const SHARE_PROJECTS = statement(`
	SELECT pg_advisory_xact_lock_shared(${PROJECT_LOCK}, key) FROM (
		SELECT DISTINCT hashtext(id) AS key FROM unnest($1::text[]) AS given(id) ORDER BY key
	) keys
`);
const LOCK_PROJECT = statement(`SELECT pg_advisory_xact_lock(${PROJECT_LOCK}, hashtext($1::text))`);

/**
 * Keeps the directory of these projects as it is until the transaction ends: changes of their webhooks wait, and this call waits for
 * those under way. What is read after it stays true until the commit. Takes the UUIDs of the projects.
 */
export async function shareProjects(session: Session, projects: Iterable<string>): Promise<void> {
	const given = [...projects];
	if (given.length > 0) await session.run(SHARE_PROJECTS, [given]);
}

/** For a change of the directory of a project: waits for the transactions that rely on it. Call it first in the transaction. */
export async function lockProject(session: Session, project: string | null): Promise<void> {
	await session.run(LOCK_PROJECT, [project ?? ""]);
}

const WAIT = statement("SELECT set_config('lock_timeout', $1, true)");

/** From now on, the transaction waits for each lock for so long at most. Costs no wait: nobody needs the answer. */
export function waitAtMost(session: Session, waitMs: number): void {
	void session.run(WAIT, [`${waitMs}ms`]);
}

const LOCK_REPLAYS = statement(`SELECT pg_advisory_xact_lock(${REPLAYS_LOCK}, hashtext($1::text))`);

/**
 * For a step of a replay to the webhook of this UUID: one at a time, also while two processes take themselves for its owner. Each sees what
 * the steps before it have made. Call it after `shareProjects` and before rows are locked.
 */
export async function lockReplaysTo(session: Session, webhook: string): Promise<void> {
	await session.run(LOCK_REPLAYS, [webhook]);
}

const LOCK_STATS = statement(`SELECT pg_advisory_xact_lock(${STATS_LOCK}, 0)`);

/** For rolling up, and for what removes the rows that stats are rolled up into: one at a time. */
export async function lockStats(session: Session): Promise<void> {
	await session.run(LOCK_STATS);
}
