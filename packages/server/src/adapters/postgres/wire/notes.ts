// Notes to owners: rows that the owner marks when it has acted upon them.
import type { OwnerNote } from "../../../ports/wire.ts";
import { binaryArray } from "../codec/arrays.ts";
import { json, number, text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";

/** Nobody waits for a note any more that is as old as this. Its sender has died if it is still there. */
const OLD_MS = 60_000;

const INSERT = statement(
	"INSERT INTO owner_notes (member, note, create_date) VALUES ($1, $2, cluster_now()) RETURNING id",
);

/** Fails with `store_conflict` if there is no such member. Returns the number of the note. */
export function writeNote(database: Database, member: string, note: OwnerNote): Promise<number> {
	return database.transact(async (session) =>
		number((await session.run(INSERT, [member, JSON.stringify(note)]))[0]?.["id"]),
	);
}

const SELECT_DONE = statement("SELECT 1 FROM owner_notes WHERE id = $1 AND is_done");
const DELETE_DONE = statement("DELETE FROM owner_notes WHERE id = $1 RETURNING is_done");

export function isDone(database: Database, id: number): Promise<boolean> {
	return database.read(async (session) => (await session.run(SELECT_DONE, [id])).length > 0);
}

/** Deletes a note. Returns whether its owner has acted upon it. */
export function takeBack(database: Database, id: number): Promise<boolean> {
	return database.transact(async (session) => (await session.run(DELETE_DONE, [id]))[0]?.["is_done"] === true);
}

const SELECT_NEW = statement("SELECT id, note FROM owner_notes WHERE member = $1 AND NOT is_done ORDER BY id");

/** What others have written to a member, the oldest first. */
export function readNotes(database: Database, member: string): Promise<{ id: number; note: OwnerNote }[]> {
	return database.read(async (session) =>
		(await session.run(SELECT_NEW, [member])).map((row) => ({
			id: number(row["id"]),
			note: json<OwnerNote>(text(row["note"])),
		})),
	);
}

const MARK = statement("UPDATE owner_notes SET is_done = true WHERE id = ANY($1::bigint[])");
const DELETE_OLD = statement("DELETE FROM owner_notes WHERE member = $1 AND create_date < cluster_now() - $2::bigint");

/** Says that a member has acted upon these notes. */
export async function markDone(database: Database, member: string, ids: readonly number[]): Promise<void> {
	await database.transact(async (session) => {
		await session.run(MARK, [binaryArray("int8", ids)]);
		await session.run(DELETE_OLD, [member, OLD_MS]);
	});
}
