// Notes to members: rows with many notes each, which the member marks when it has acted upon them.
import type { DiscardNote, OwnerNote } from "../../../ports/wire.ts";
import { binaryArray } from "../codec/arrays.ts";
import { boolean, json, number, text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { isExpired } from "../members/member-rows.ts";

export type Note = OwnerNote | DiscardNote;
const KINDS: Readonly<Record<Note["kind"], true>> = { due: true, "discard many": true };

/**
 * Reads the notes of a row. Those of kinds that only a newer version knows are left out: the form of a kind never changes, and a note of which
 * somebody makes nothing is one that was lost.
 */
export function parseNotes(value: string): Note[] {
	return json<Note[]>(value).filter(({ kind }) => Object.hasOwn(KINDS, kind));
}

/** Notes that came together. */
export interface NoteRow {
	readonly id: number;
	readonly notes: readonly Note[];
}

/** Nobody waits for notes any more that are as old as this. Their sender has died if they are still there. */
const OLD_MS = 60_000;

const INSERT = statement(
	"INSERT INTO owner_notes (member, notes, create_date) VALUES ($1, $2, cluster_now()) RETURNING id",
);
const INSERT_FOR_OTHERS = statement(`
	INSERT INTO owner_notes (member, notes, create_date)
	SELECT id, $2, cluster_now() FROM members WHERE id IS DISTINCT FROM $1::uuid RETURNING id
`);

/** Fails with `store_conflict` if there is no such member. Returns the numbers of the rows. */
export function writeNotes(database: Database, to: string, notes: readonly Note[]): Promise<number[]> {
	return database.transact(async (session) =>
		(await session.run(INSERT, [to, JSON.stringify(notes)])).map((row) => number(row["id"])),
	);
}

/** The same for all members but this one. */
export function writeNotesForOthers(
	database: Database,
	member: string | null,
	notes: readonly Note[],
): Promise<number[]> {
	return database.transact(async (session) =>
		(await session.run(INSERT_FOR_OTHERS, [member, JSON.stringify(notes)])).map((row) => number(row["id"])),
	);
}

const SELECT_OPEN = statement(`
	SELECT owner_notes.id, member, ${isExpired("at")} AS is_expired
	FROM owner_notes JOIN members ON members.id = owner_notes.member, (SELECT cluster_now() AS at) AS clock
	WHERE owner_notes.id = ANY($1::bigint[]) AND NOT is_done
`);
const DELETE = statement("DELETE FROM owner_notes WHERE id = ANY($1::bigint[]) RETURNING is_done");
const DELETE_DONE = statement("DELETE FROM owner_notes WHERE id = ANY($1::bigint[]) AND is_done");

/**
 * Those of these rows upon which a member with a tenure is still to act. Those of a member that has left are gone. The tenure of a member has
 * ended if the database says so, and `isSilent` of it.
 */
export function selectOpen(
	database: Database,
	ids: readonly number[],
	isSilent: (member: string) => boolean,
): Promise<Set<number>> {
	return database.read(async (session) => {
		const rows = await session.run(SELECT_OPEN, [binaryArray("int8", ids)]);
		const open = rows.filter((row) => !(boolean(row["is_expired"]) && isSilent(text(row["member"]))));
		return new Set(open.map((row) => number(row["id"])));
	});
}

/** Deletes these rows. Returns whether their members have acted upon all of them. */
export function takeBack(database: Database, ids: readonly number[]): Promise<boolean> {
	return database.transact(async (session) => {
		const rows = await session.run(DELETE, [binaryArray("int8", ids)]);
		return rows.length === ids.length && rows.every((row) => boolean(row["is_done"]));
	});
}

/** Deletes those of these rows upon which somebody has acted. The others are deleted with their members, or when these have acted. */
export async function deleteDone(database: Database, ids: readonly number[]): Promise<void> {
	await database.transact((session) => session.run(DELETE_DONE, [binaryArray("int8", ids)]));
}

const MARK = statement("UPDATE owner_notes SET is_done = true WHERE id = ANY($1::bigint[])");
const DELETE_OLD = statement("DELETE FROM owner_notes WHERE member = $1 AND create_date < cluster_now() - $2::bigint");

/** Says that a member has acted upon these rows. */
export async function markDone(database: Database, member: string, ids: readonly number[]): Promise<void> {
	await database.transact(async (session) => {
		await session.run(MARK, [binaryArray("int8", ids)]);
		await session.run(DELETE_OLD, [member, OLD_MS]);
	});
}
