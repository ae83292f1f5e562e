// Triggers in the database double the notes between processes, which are rows there: one is read by all members, and again and again, late.
import type { PostgresData } from "../stores/postgres-data.ts";

/** How often a mark that a note is done is forgotten, so that its reader reads it again some 0.2 s later: by the numbers of notes in turn. */
const FORGOTTEN = [0, 0, 1, 2, 4, 15];

/** From now on, notes are doubled. `seed` decides which of them come how often. The record of owners must have begun. */
export async function doubleNotes(database: PostgresData, seed: number): Promise<void> {
	await database.query(`
		BEGIN;
		CREATE TABLE torture.marks (note bigint PRIMARY KEY, count integer NOT NULL);
		CREATE TABLE torture.copies (note bigint PRIMARY KEY);
		CREATE FUNCTION torture.forget_mark() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
		DECLARE
			marks integer;
		BEGIN
			INSERT INTO torture.marks AS mark (note, count) VALUES (NEW.id, 1)
				ON CONFLICT (note) DO UPDATE SET count = mark.count + 1 RETURNING mark.count INTO marks;
			IF marks <= (ARRAY[${FORGOTTEN.join()}])[1 + (NEW.id + ${seed}) % ${FORGOTTEN.length}] THEN
				RETURN NULL;
			END IF;
			RETURN NEW;
		END $$;
		CREATE FUNCTION torture.copy_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
		BEGIN
			WITH copies AS (
				INSERT INTO owner_notes (member, notes, create_date) SELECT id, NEW.notes, NEW.create_date FROM members RETURNING id, member
			)
			INSERT INTO torture.copies SELECT id FROM copies WHERE member <> NEW.member;
			INSERT INTO owner_notes (member, notes, create_date) SELECT id, '[{"kind":"of nobody","at":[{}]}]', NEW.create_date FROM members;
			RETURN NULL;
		END $$;
		CREATE TRIGGER forget_mark BEFORE UPDATE ON owner_notes FOR EACH ROW
			WHEN (NEW.is_done AND NOT OLD.is_done) EXECUTE FUNCTION torture.forget_mark();
		CREATE TRIGGER copy_note AFTER INSERT ON owner_notes FOR EACH ROW
			WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION torture.copy_note();
		COMMIT
	`);
}

/** How many notes their readers have marked again, and how many copies others than their reader have marked. */
export async function countNotes(database: PostgresData): Promise<{ readonly again: number; readonly others: number }> {
	const [row] = await database.query(
		"SELECT count(*) FILTER (WHERE count > 1) AS again, count(copies.note) AS others FROM torture.marks LEFT JOIN torture.copies USING (note)",
	);
	return { again: Number(row?.["again"]), others: Number(row?.["others"]) };
}
