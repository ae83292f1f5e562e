// The rows by which members tell each other of what happens: who watches what, and the facts themselves, many in a row.
import { LIVE_KINDS } from "../../../../core/live.ts";
import type { SharedFact } from "../../../../ports/live-wire.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { json, number, text, textOrNull } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";

const WATCH = statement(`
	INSERT INTO live_watches (member, topic) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING
`);
const UNWATCH = statement("DELETE FROM live_watches WHERE member = $1 AND topic = $2");

/** Notes that a member watches topics. Fails with `store_conflict` if there is no such member. */
export async function addWatches(database: Database, member: string, topics: readonly string[]): Promise<void> {
	await database.transact((session) => session.run(WATCH, [member, binaryArray("text", topics)]));
}

export async function removeWatch(database: Database, member: string, topic: string): Promise<void> {
	await database.transact((session) => session.run(UNWATCH, [member, topic]));
}

/** Facts of one topic; a topic without facts has lost some, and no topic is the last that a member says. */
export interface Publication {
	readonly topic: string | null;
	readonly facts: readonly SharedFact[] | null;
}

export interface ReadPublication extends Publication {
	readonly id: number;
	readonly member: string;
}

const PUBLISH = statement(`
	INSERT INTO live_facts (member, topic, facts, create_date)
	SELECT $1, topic, facts, cluster_now() FROM unnest($2::text[], $3::text[]) AS given (topic, facts)
`);

export async function publish(database: Database, member: string, all: readonly Publication[]): Promise<void> {
	const topics = binaryArray(
		"text",
		all.map(({ topic }) => topic),
	);
	const facts = binaryArray(
		"text",
		all.map((each) => (each.facts === null ? null : JSON.stringify(each.facts))),
	);
	await database.transact((session) => session.run(PUBLISH, [member, topics, facts]));
}

const DELETE_OLD = statement("DELETE FROM live_facts WHERE create_date < cluster_now() - $1::bigint");

/** Removes what every member has read, or has lost its tenure since. */
export async function removeOld(database: Database, ageMs: number): Promise<void> {
	await database.inBackground((session) => session.run(DELETE_OLD, [ageMs]));
}

/** See changes.ts for the numbers of transactions. */
const SELECT_FACTS = statement(`
	SELECT id, member, topic, facts FROM live_facts
	WHERE xid >= $1::text::xid8 AND xid < pg_snapshot_xmax(pg_current_snapshot())
		AND member IS DISTINCT FROM $2::uuid AND (topic IS NULL OR topic = ANY($3::text[]))
	ORDER BY id
`);

/** Not of a kind that only a newer version has, which no client of this one asks for. */
function isKnown({ fact }: SharedFact): boolean {
	return LIVE_KINDS.includes(fact.kind);
}

/** What others have published on these topics in the transactions from `since` on. */
export function readFacts(
	database: Database,
	member: string | null,
	{ since, topics }: { readonly since: string; readonly topics: readonly string[] },
): Promise<ReadPublication[]> {
	return database.read(async (session) => {
		const values = [since, member, binaryArray("text", topics)];
		return (await session.run(SELECT_FACTS, values)).map((row) => ({
			id: number(row["id"]),
			member: text(row["member"]),
			topic: textOrNull(row["topic"]),
			facts: row["facts"] === null ? null : json<SharedFact[]>(row["facts"]).filter(isKnown),
		}));
	});
}

const SELECT_OTHERS = statement("SELECT id FROM members WHERE id IS DISTINCT FROM $1::uuid");

/** The ids of the other members. */
export function readOthers(database: Database, member: string | null): Promise<string[]> {
	return database.read(async (session) => (await session.run(SELECT_OTHERS, [member])).map((row) => text(row["id"])));
}
