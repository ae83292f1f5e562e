// The rows of members, shards and duties: one function for each statement. All times are those of `cluster_now()`.
import { binaryArray } from "../codec/arrays.ts";
import { boolean, json, nameOf, namesByCode, number, text, type Row } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { TENURE_MS } from "./timing.ts";

/** What a member does: `api` owns no shards and has no duties, `worker` takes no sends. */
export type MemberRole = "all" | "api" | "worker";

const ROLE_CODES: Readonly<Record<MemberRole, number>> = { all: 0, api: 1, worker: 2 };
const ROLES = namesByCode(ROLE_CODES);

/** What a member says about itself. */
export interface MemberFacts {
	/** For people, such as the name of the machine. */
	readonly name: string;
	/** Of the program. */
	readonly version: string;
	readonly role: MemberRole;
}

/** A member as the last beat has shown it. */
export interface SeenMember {
	readonly id: string;
	/** Rises in the order in which members have joined. */
	readonly number: number;
	readonly role: MemberRole;
	readonly isLeaving: boolean;
	readonly beat: number;
	/** Its tenure has ended by the database's clock, or ends later than any tenure can, since that clock was set back. */
	readonly isExpired: boolean;
}

/** All members and owners at the time of a beat. */
export interface ClusterView {
	/** False if this member is not among the members any more. */
	readonly isMember: boolean;
	readonly members: readonly SeenMember[];
	/** By shard: the number of its owner (0: none), and its epoch. */
	readonly shards: readonly (readonly [owner: number, epoch: number])[];
	readonly freeDuties: readonly string[];
}

const JOIN = statement(`
	WITH clock AS MATERIALIZED (SELECT cluster_now() AS at),
	duty_rows AS (INSERT INTO duties (duty) SELECT unnest($6::text[]) ORDER BY 1 ON CONFLICT DO NOTHING)
	INSERT INTO members (id, name, version, role, join_date, seen_date, expire_date, lag_ms)
	SELECT $1, $2, $3, $4, at, at, at + ${TENURE_MS}, $5 FROM clock
`);
const REMOVE = statement("DELETE FROM members WHERE id = $1");

export interface Joining extends MemberFacts {
	readonly id: string;
	/** The id that it has had before, whose tenure it has lost; null if it has had none. Its shards become free. */
	readonly earlier: string | null;
	readonly lagMs: number;
	readonly duties: readonly string[];
}

export function join(database: Database, joining: Joining): Promise<void> {
	const { id, earlier, name, version, role, lagMs, duties } = joining;
	return database.commit(async (session) => {
		if (earlier !== null) void session.run(REMOVE, [earlier]).catch(() => {});
		await session.run(JOIN, [id, name, version, ROLE_CODES[role], Math.trunc(lagMs), binaryArray("text", duties)]);
	});
}

/** Ends the membership. Its shards and duties become free. */
export async function remove(database: Database, id: string): Promise<void> {
	await database.once((session) => session.run(REMOVE, [id]));
}

const MARK_LEAVING = statement("UPDATE members SET is_leaving = true WHERE id = $1");

/** Tells others to expect its shards, and to hand nothing to it. */
export async function markLeaving(database: Database, id: string): Promise<void> {
	await database.once((session) => session.run(MARK_LEAVING, [id]));
}

/** A tenure can't end later than this by a clock that nobody has set back. */
const isExpired = (at: string) => `(expire_date <= ${at} OR expire_date > ${at} + ${TENURE_MS})`;
const BEAT = statement(`
	WITH clock AS MATERIALIZED (SELECT cluster_now() AS at),
	renewed AS (
		UPDATE members SET beat = beat + 1, seen_date = at, expire_date = at + ${TENURE_MS}, lag_ms = $2
		FROM clock WHERE id = $1 RETURNING id
	)
	SELECT EXISTS (SELECT 1 FROM renewed) AS is_member,
		(SELECT json_agg(json_build_array(id, number, role, is_leaving, beat, ${isExpired("at")})) FROM members, clock)::text AS members,
		(SELECT json_agg(json_build_array(coalesce(number, 0), epoch) ORDER BY shard)
			FROM shards LEFT JOIN members ON members.id = shards.owner)::text AS shards,
		(SELECT json_agg(duty) FROM duties WHERE owner IS NULL)::text AS free_duties
`);

type MemberArray = [id: string, number: number, role: number, isLeaving: boolean, beat: number, isExpired: boolean];

/** Renews the tenure, and reads what has changed. */
export function beat(database: Database, id: string, lagMs: number): Promise<ClusterView> {
	return database.once(async (session) => {
		const [row = {}] = await session.run(BEAT, [id, Math.trunc(lagMs)]);
		return {
			isMember: boolean(row["is_member"]),
			members: row["members"] === null ? [] : json<MemberArray[]>(row["members"]).map(toSeen),
			shards: json<[number, number][]>(row["shards"]),
			freeDuties: row["free_duties"] === null ? [] : json<string[]>(row["free_duties"]),
		};
	});
}

function toSeen([id, order, role, isLeaving, beats, isOver]: MemberArray): SeenMember {
	return { id, number: order, role: nameOf(ROLES, role), isLeaving, beat: beats, isExpired: isOver };
}

const BURY = statement(`
	WITH clock AS MATERIALIZED (SELECT cluster_now() AS at)
	DELETE FROM members USING clock, unnest($1::uuid[], $2::bigint[]) AS given(given_id, given_beat)
	WHERE id = given_id AND beat = given_beat AND ${isExpired("at")}
`);

/** Removes members that have died, unless they have beaten since. Their shards and duties become free. */
export async function bury(database: Database, dead: readonly Pick<SeenMember, "id" | "beat">[]): Promise<void> {
	const ids = binaryArray(
		"uuid",
		dead.map(({ id }) => id),
	);
	const beats = binaryArray(
		"int8",
		dead.map((each) => each.beat),
	);
	await database.transact((session) => session.run(BURY, [ids, beats]));
}

/** Free shards that others are taking at this moment are left to them. */
const TAKE = statement(`
	WITH free AS MATERIALIZED (
		SELECT shard FROM shards WHERE owner IS NULL ORDER BY shard LIMIT $2 FOR UPDATE SKIP LOCKED
	)
	UPDATE shards SET owner = $1, epoch = epoch + 1 WHERE shard IN (SELECT shard FROM free) RETURNING shard, epoch
`);

/** Takes free shards, this many at most. Returns them with their new epochs. Fails if `id` is not a member any more. */
export function takeShards(database: Database, id: string, count: number): Promise<{ shard: number; epoch: number }[]> {
	return database.transact(async (session) =>
		(await session.run(TAKE, [id, count])).map((row) => ({
			shard: number(row["shard"]),
			epoch: number(row["epoch"]),
		})),
	);
}

const GIVE = statement("UPDATE shards SET owner = NULL WHERE owner = $1 AND shard = ANY($2::smallint[])");
const GIVE_OTHERS = statement("UPDATE shards SET owner = NULL WHERE owner = $1 AND shard <> ALL($2::smallint[])");

/** Gives up these shards. */
export async function giveShards(database: Database, id: string, shards: readonly number[]): Promise<void> {
	await database.transact((session) => session.run(GIVE, [id, binaryArray("int2", shards)]));
}

/** Gives up all shards but these: what a take has brought whose answer was lost. */
export async function giveOtherShards(database: Database, id: string, known: readonly number[]): Promise<void> {
	await database.transact((session) => session.run(GIVE_OTHERS, [id, binaryArray("int2", known)]));
}

const TAKE_DUTIES = statement(`
	WITH free AS MATERIALIZED (
		SELECT duty FROM duties WHERE owner IS NULL AND duty = ANY($2::text[]) ORDER BY duty LIMIT $3 FOR UPDATE SKIP LOCKED
	)
	UPDATE duties SET owner = $1 WHERE duty IN (SELECT duty FROM free)
`);
const OWN_DUTIES = statement("SELECT duty FROM duties WHERE owner = $1");

/** Takes free duties among these, this many at most. Returns all duties of the member. */
export function takeDuties(
	database: Database,
	id: string,
	duties: readonly string[],
	count: number,
): Promise<readonly string[]> {
	return database.transact(async (session) => {
		if (count > 0) await session.run(TAKE_DUTIES, [id, binaryArray("text", duties), count]);
		return (await session.run(OWN_DUTIES, [id])).map((row) => text(row["duty"]));
	});
}

/** A member, for the operator. */
export interface Member extends MemberFacts {
	readonly id: string;
	/** It hands over its shards, and ends. */
	readonly isLeaving: boolean;
	/** How many shards it owns. */
	readonly shards: number;
	/** What it has last said of how far it is behind, in milliseconds: see `ClusterOptions.lagMs`. */
	readonly lagMs: number;
	/** When it has joined and when it has renewed its tenure last, by the database's clock. */
	readonly joinDate: number;
	readonly seenDate: number;
	/** How long ago that was. */
	readonly seenAgoMs: number;
}

const SELECT_MEMBERS = statement(`
	SELECT *, cluster_now() - seen_date AS seen_ago, (SELECT count(*) FROM shards WHERE owner = id) AS shard_count
	FROM members ORDER BY number
`);

/** All members, the oldest first. One that has died is among them for some seconds. */
export function readMembers(database: Database): Promise<Member[]> {
	return database.read(async (session) => (await session.run(SELECT_MEMBERS)).map(toMember));
}

function toMember(row: Row): Member {
	return {
		id: text(row["id"]),
		name: text(row["name"]),
		version: text(row["version"]),
		role: nameOf(ROLES, row["role"]),
		isLeaving: boolean(row["is_leaving"]),
		shards: number(row["shard_count"]),
		lagMs: number(row["lag_ms"]),
		joinDate: number(row["join_date"]),
		seenDate: number(row["seen_date"]),
		seenAgoMs: Math.max(0, number(row["seen_ago"])),
	};
}
