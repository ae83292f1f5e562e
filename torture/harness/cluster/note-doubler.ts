// Triggers in the database double the notes between processes, which are rows there: one is read by all members, and again and again, late.
import type { PostgresData } from "../stores/postgres-data.ts";

/** How often a mark that a note is done is forgotten, so that its reader reads it again some 0.2 s later: by the numbers of notes in turn. */
const FORGOTTEN = [0, 0, 1, 2, 4, 15];

/** From now on, notes are doubled. `seed` decides which of them come how often. The record of owners must have begun. */
export async function doubleNotes(database: PostgresData, seed: number): Promise<void> {
	await database.query(`
		BEGIN;
		CREATE TABLE torture.marks (note bigint PRIMARY KEY, count integer NOT NULL);
		CREATE TABLE torture.copies (note bigint);
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
			INSERT INTO owner_notes (member, notes, create_date) SELECT id, NEW.notes, NEW.create_date FROM members;
			INSERT INTO owner_notes (member, notes, create_date) SELECT id, '[{"kind":"of nobody","at":[{}]}]', NEW.create_date FROM members;
			INSERT INTO torture.copies VALUES (NEW.id);
			RETURN NULL;
		END $$;
		CREATE TRIGGER forget_mark BEFORE UPDATE ON owner_notes FOR EACH ROW
			WHEN (NEW.is_done AND NOT OLD.is_done) EXECUTE FUNCTION torture.forget_mark();
		CREATE TRIGGER copy_note AFTER INSERT ON owner_notes FOR EACH ROW
			WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION torture.copy_note();
		COMMIT
	`);
}

/** How many notes were read again, and how many were also given to others. */
export async function countNotes(database: PostgresData): Promise<{ readonly again: number; readonly others: number }> {
	const [row] = await database.query(
		"SELECT (SELECT count(*) FROM torture.marks WHERE count > 1) AS again, (SELECT count(*) FROM torture.copies) AS others",
	);
	return { again: Number(row?.["again"]), others: Number(row?.["others"]) };
}
