// What the database shows of members and owners: triggers write down each change of them, in the transaction that makes it.
import type { PostgresData } from "../stores/postgres-data.ts";

/** A shard has got another owner or epoch. */
export interface OwnerChange {
	readonly shard: number;
	/** The id of the member; null if the shard is free. */
	readonly owner: string | null;
	readonly epoch: number;
	/** By the clock of the machine, shortly before the commit. */
	readonly at: number;
}

/** A process has become a member. */
export interface Join {
	readonly id: string;
	/** The port on which it serves. Those of its connections would not tell: another process may get one of them later. */
	readonly port: number;
	readonly at: number;
}

const INSTALL = `
	BEGIN;
	CREATE SCHEMA torture;
	CREATE FUNCTION torture.now() RETURNS float8 LANGUAGE sql VOLATILE AS 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000';
	CREATE TABLE torture.owners (
		number bigint GENERATED ALWAYS AS IDENTITY, shard integer, owner uuid, epoch bigint, at float8 DEFAULT torture.now()
	);
	CREATE TABLE torture.joins (
		number bigint GENERATED ALWAYS AS IDENTITY, id uuid, port integer, at float8 DEFAULT torture.now()
	);
	CREATE FUNCTION torture.note_owner() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
	BEGIN
		INSERT INTO torture.owners (shard, owner, epoch) VALUES (NEW.shard, NEW.owner, NEW.epoch);
		RETURN NULL;
	END $$;
	CREATE FUNCTION torture.note_join() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
	BEGIN
		INSERT INTO torture.joins (id, port) VALUES (NEW.id, NEW.port);
		RETURN NULL;
	END $$;
	CREATE TRIGGER note_owner AFTER UPDATE ON shards FOR EACH ROW
		WHEN (OLD.owner IS DISTINCT FROM NEW.owner OR OLD.epoch <> NEW.epoch) EXECUTE FUNCTION torture.note_owner();
	CREATE TRIGGER note_join AFTER INSERT ON members FOR EACH ROW EXECUTE FUNCTION torture.note_join();
	INSERT INTO torture.owners (shard, owner, epoch, at) SELECT shard, owner, epoch, 0 FROM shards;
	COMMIT
`;

export class OwnerRecord {
	readonly #database: PostgresData;
	/** The members that have joined before the triggers were there. */
	readonly #before: readonly Join[];

	private constructor(database: PostgresData, before: readonly Join[]) {
		this.#database = database;
		this.#before = before;
	}

	/** Begins the record. */
	static async begin(database: PostgresData): Promise<OwnerRecord> {
		await database.query(INSTALL);
		const first = await database.query("SELECT id::text, port FROM members");
		return new OwnerRecord(
			database,
			first.map(({ id, port }) => ({ id: String(id), port: Number(port), at: 0 })),
		);
	}

	/** In the order in which they were made. */
	async changes(): Promise<readonly OwnerChange[]> {
		const rows = await this.#database.query("SELECT shard, owner::text, epoch, at FROM torture.owners ORDER BY number");
		return rows.map(({ shard, owner, epoch, at }) => ({
			shard: Number(shard),
			owner: owner as string | null,
			epoch: Number(epoch),
			at: Number(at),
		}));
	}

	async joins(): Promise<readonly Join[]> {
		const rows = await this.#database.query("SELECT id::text, port, at FROM torture.joins ORDER BY number");
		return [
			...this.#before,
			...rows.map(({ id, port, at }) => ({ id: String(id), port: Number(port), at: Number(at) })),
		];
	}
}
