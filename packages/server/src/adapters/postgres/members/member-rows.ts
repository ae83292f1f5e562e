// The rows of members, shards and duties: one function for each statement. All times are those of `cluster_now()`.
import { randomBytes, type Chance } from "../../../core/chance.ts";
import { type Member, type MemberLoad, type MemberMessages, type Role } from "../../../ports/membership.ts";
import type { Duty } from "../../../ports/tenure.ts";
import { binaryArray } from "../codec/arrays.ts";
import { boolean, json, namesByCode, number, numberOrNull, text, textOrNull, type Row } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { newerSchema } from "../schema/migrate.ts";
import { LOST_SHOWN_MS, TENURE_MS } from "./timing.ts";

const ROLE_CODES: Readonly<Record<Role, number>> = { all: 0, api: 1, worker: 2 };
const ROLES_BY_CODE = namesByCode(ROLE_CODES);

/** A role that only a newer version has counts as one that delivers nothing: so the others leave no shard to it. */
function roleOf(code: number): Role {
	return ROLES_BY_CODE[code] ?? "api";
}

/** What a member says about itself. */
export interface MemberFacts extends Pick<Member, "name" | "port" | "version" | "role"> {
	/** The newest schema that its program knows. */
	readonly knownSchema: number;
}

/** What a member says about itself with each beat. */
export interface MemberReport extends MemberLoad {
	/** Null if it does not know it yet. */
	readonly messages: MemberMessages | null;
}

export const NO_LOAD: MemberReport = { readyDeliveries: 0, inFlightAttempts: 0, lagMs: 0, messages: null };

/** A member as the last beat has shown it. */
export interface SeenMember {
	readonly id: string;
	/** Rises in the order in which members have joined. */
	readonly number: number;
	readonly role: Role;
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
	/** The shards that are not this member's, with the number of the owner (0: none) and the epoch. */
	readonly shards: readonly (readonly [shard: number, owner: number, epoch: number])[];
	readonly freeDuties: readonly string[];
}

const JOIN = statement(`
	WITH clock AS MATERIALIZED (SELECT cluster_now() AS at),
	duty_rows AS (INSERT INTO duties (duty) SELECT unnest($6::text[]) ORDER BY 1 ON CONFLICT DO NOTHING)
	INSERT INTO members (id, name, version, role, join_date, seen_date, expire_date, load, port, address, known_schema)
	SELECT $1, $2, $3, $4, at, at, at + ${TENURE_MS}, $5, $7, host(inet_client_addr()), $8::integer FROM clock
	WHERE $8::integer >= (SELECT coalesce(max(works_with), 0) FROM migrations)
	RETURNING id
`);
const REMOVE = statement("WITH lost AS (DELETE FROM lost_members WHERE id = $1) DELETE FROM members WHERE id = $1");

export interface Joining extends MemberFacts {
	readonly id: string;
	/** The id that it has had before, whose tenure it has lost; null if it has had none. Its shards become free. */
	readonly earlier: string | null;
	readonly load: MemberReport;
	readonly duties: readonly string[];
}

/** Rejects with a `StoreError` if a newer program has changed the schema since, so that this one can't work on it. */
export function join(database: Database, joining: Joining): Promise<void> {
	const { id, earlier, name, version, role, port, load, duties, knownSchema } = joining;
	return database.commit(async (session) => {
		if (earlier !== null) void session.run(REMOVE, [earlier]).catch(() => {});
		const names = binaryArray("text", duties);
		const row = [id, name, version, ROLE_CODES[role], JSON.stringify(load), names, port, knownSchema];
		if ((await session.run(JOIN, row)).length > 0) return;
		throw newerSchema(`this program knows schema ${knownSchema}, which can't work on it any more`);
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
export const isExpired = (at: string) => `(expire_date <= ${at} OR expire_date > ${at} + ${TENURE_MS})`;
const BEAT = statement(`
	WITH clock AS MATERIALIZED (SELECT cluster_now() AS at),
	renewed AS (
		UPDATE members SET beat = beat + 1, seen_date = at, expire_date = at + ${TENURE_MS}, load = $2
		FROM clock WHERE id = $1 RETURNING id
	)
	SELECT EXISTS (SELECT 1 FROM renewed) AS is_member,
		(SELECT json_agg(json_build_array(id, number, role, is_leaving, beat, ${isExpired("at")})) FROM members, clock)::text AS members,
		(SELECT json_agg(json_build_array(shard, coalesce(number, 0), epoch))
			FROM shards LEFT JOIN members ON members.id = shards.owner WHERE owner IS DISTINCT FROM $1)::text AS shards,
		(SELECT json_agg(duty) FROM duties WHERE owner IS NULL)::text AS free_duties
`);

/** The list of members does not have it any more: it was lost long ago, or the clock was set back. */
const isForgotten = (at: string) => `(lost_date <= ${at} - ${LOST_SHOWN_MS} OR lost_date > ${at})`;
type MemberArray = [id: string, number: number, role: number, isLeaving: boolean, beat: number, isExpired: boolean];

/** Renews the tenure, and reads what has changed. */
export function beat(database: Database, id: string, load: MemberReport): Promise<ClusterView> {
	return database.once(async (session) => {
		const [row = {}] = await session.run(BEAT, [id, JSON.stringify(load)]);
		return {
			isMember: boolean(row["is_member"]),
			members: row["members"] === null ? [] : json<MemberArray[]>(row["members"]).map(toSeen),
			shards: row["shards"] === null ? [] : json<[number, number, number][]>(row["shards"]),
			freeDuties: row["free_duties"] === null ? [] : json<string[]>(row["free_duties"]),
		};
	});
}

function toSeen([id, order, role, isLeaving, beats, isOver]: MemberArray): SeenMember {
	return { id, number: order, role: roleOf(role), isLeaving, beat: beats, isExpired: isOver };
}

const BURY = statement(`
	WITH clock AS MATERIALIZED (SELECT cluster_now() AS at),
	gone AS (
		DELETE FROM members USING clock, unnest($1::uuid[], $2::bigint[]) AS given(given_id, given_beat)
		WHERE id = given_id AND beat = given_beat AND ${isExpired("at")}
		RETURNING id, number, name, address, port, version, role, join_date, seen_date
	),
	forgotten AS (DELETE FROM lost_members USING clock WHERE ${isForgotten("at")})
	INSERT INTO lost_members (id, number, name, address, port, version, role, join_date, seen_date, lost_date)
	SELECT id, number, name, address, port, version, role, join_date, seen_date, at FROM gone, clock
`);

/** Removes members that have died, unless they have beaten since. Their shards and duties become free. They are listed as lost. */
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

const GIVE_DUTIES = statement("UPDATE duties SET owner = NULL WHERE owner = $1 AND duty = ANY($2::text[])");

/** Gives up these duties. */
export async function giveDuties(database: Database, id: string, duties: readonly string[]): Promise<void> {
	await database.transact((session) => session.run(GIVE_DUTIES, [id, binaryArray("text", duties)]));
}

const SELECT_MEMBERS = statement(`
	SELECT id, name, address, port, version, role, join_date, seen_date, cluster_now() - seen_date AS seen_ago,
		is_leaving, false AS is_lost, load, number,
		(SELECT count(*) FROM shards WHERE owner = id) AS shard_count,
		(SELECT coalesce(json_agg(duty ORDER BY duty), '[]') FROM duties WHERE owner = id)::text AS duties
	FROM members
	UNION ALL
	SELECT id, name, address, port, version, role, join_date, seen_date, at - seen_date, false, true, NULL, number, 0, '[]'
	FROM lost_members, (SELECT cluster_now() AS at) clock WHERE NOT ${isForgotten("at")}
	ORDER BY number
`);

/** All members and those that were lost lately, the oldest first. `id` is this process's. See `SeenCluster.isSilent`. */
export function readMembers(
	database: Database,
	id: string | null,
	isSilent: (member: string) => boolean,
): Promise<Member[]> {
	return database.read(async (session) =>
		(await session.run(SELECT_MEMBERS)).map((row) => toMember(row, id, isSilent)),
	);
}

function toMember(row: Row, self: string | null, isSilent: (member: string) => boolean): Member {
	const id = text(row["id"]);
	const seenAgoMs = Math.max(0, number(row["seen_ago"]));
	// A member of another version may say more or less.
	const report = row["load"] === null ? {} : json<Partial<MemberReport>>(row["load"]);
	const { readyDeliveries = 0, inFlightAttempts = 0, lagMs = 0 } = report;
	// Nobody has removed it yet.
	const isLost = boolean(row["is_lost"]) || (seenAgoMs >= TENURE_MS && isSilent(id));
	return {
		id,
		name: text(row["name"]),
		address: textOrNull(row["address"]),
		port: numberOrNull(row["port"]),
		version: text(row["version"]),
		role: roleOf(number(row["role"])),
		state: isLost ? "lost" : boolean(row["is_leaving"]) ? "leaving" : "live",
		isSelf: id === self,
		joinDate: number(row["join_date"]),
		seenDate: number(row["seen_date"]),
		seenAgoMs,
		shards: number(row["shard_count"]),
		duties: json<Duty[]>(row["duties"]),
		load: { readyDeliveries, inFlightAttempts, lagMs },
		messages: isLost ? null : (report.messages ?? null),
	};
}

/** An id for a member: a UUID of version 4. */
export function newMemberId(chance: Pick<Chance, "randomize">): string {
	const digits = randomBytes(chance, 16).toString("hex");
	return [
		digits.slice(0, 8),
		digits.slice(8, 12),
		`4${digits.slice(13, 16)}`,
		`8${digits.slice(17, 20)}`,
		digits.slice(20),
	].join("-");
}
