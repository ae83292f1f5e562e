// The database, as the calls of the store see it: reads, snapshots and transactions. Everything about connections that break, answers
// that are lost and transactions that must be made again is here.
import type { Pool, PoolClient } from "pg";

import type { Clock } from "../../../core/clock.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import { isAftermath, isAnswer, isBroken, isBusy, isRetryable, sqlState, toStoreError } from "./errors.ts";
import { Pools, type ConnectionOptions } from "./pools.ts";
import { ClientSession, type Session } from "./session.ts";

/** How often a transaction is made that another one is in the way of. */
const MAX_TRIES = 5;
/** For how long it is asked whether a transaction was committed whose answer was lost. */
const SETTLE_MS = 10_000;
const SETTLE_EVERY_MS = 100;

/** Called when the database cannot be reached any more (with the reason), and when it can again (with null). */
export type OnConnectionChange = (failure: StoreError | null) => void;

export interface DatabaseOptions extends ConnectionOptions {
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	readonly onConnectionChange?: OnConnectionChange;
}

type Work<T> = (session: Session) => Promise<T>;

/** The work of a transaction may be done several times, so it must change nothing but the database. */
export class Database {
	readonly #pools: Pools;
	readonly #clock: DatabaseOptions["clock"];
	readonly #onConnectionChange: OnConnectionChange;
	#isDown = false;
	#closed: Promise<void> | null = null;

	constructor({ clock, onConnectionChange = () => {}, ...options }: DatabaseOptions) {
		this.#pools = new Pools(options);
		this.#clock = clock;
		this.#onConnectionChange = onConnectionChange;
	}

	/** Reads with one statement. */
	read<T>(work: Work<T>): Promise<T> {
		return this.#use(this.#pools.reads, (client) => work(new ClientSession(client)));
	}

	/** Reads with several statements, which all see the same moment. */
	snapshot<T>(work: Work<T>): Promise<T> {
		return this.#retrying(this.#pools.reads, (client) => inTransaction(client, BEGIN_SNAPSHOT, work));
	}

	/** Makes a change in a transaction. When it resolves, the change is synced. */
	transact<T>(work: Work<T>): Promise<T> {
		return this.#retrying(this.#pools.others, (client) => this.#transact(client, work));
	}

	/** The same for the busy path, with a connection of its own. */
	commit<T>(work: Work<T>): Promise<T> {
		return this.#retrying(this.#pools.commits, (client) => this.#transact(client, work));
	}

	/**
	 * Changes something with one statement, which commits itself, on the connection of the busy path: one round trip. If the answer
	 * is lost, it rejects, whether the change was made or not.
	 */
	once<T>(work: Work<T>): Promise<T> {
		return this.#use(this.#pools.commits, (client) => work(new ClientSession(client)));
	}

	/**
	 * A change whose loss is harmless since it is made again, such as a deletion by age: it may resolve before it is synced. The
	 * sync of any later transaction covers it.
	 */
	inBackground<T>(work: Work<T>): Promise<T> {
		return this.transact(async (session) => {
			void session.run(NOT_SYNCED);
			return work(session);
		});
	}

	/** Ends all connections when their calls have ended. */
	close(): Promise<void> {
		return (this.#closed ??= this.#pools.end());
	}

	async #retrying<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
		for (let tries = 1; ; tries++) {
			try {
				return await this.#use(pool, work);
			} catch (error) {
				const cause = error instanceof StoreError ? error.cause : error;
				if (!isRetryable(cause) || tries === MAX_TRIES) throw error;
			}
		}
	}

	/** Lends a connection to `work`. */
	async #use<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
		if (this.#closed !== null) throw new StoreError("store_unavailable", "the store is closed");
		let client: PoolClient;
		try {
			client = await pool.connect();
		} catch (error) {
			throw isBusy(error) ? toStoreError(error) : this.#failed(error);
		}
		// A connection that breaks while it is lent says so twice: here, and to the statements that wait.
		const ignore = () => {};
		client.on("error", ignore);
		let broken = false;
		try {
			const result = await work(client);
			this.#note(null);
			return result;
		} catch (error) {
			broken = isBroken(error);
			throw broken ? this.#failed(error) : toStoreError(error);
		} finally {
			client.off("error", ignore);
			client.release(broken);
		}
	}

	#failed(error: unknown): unknown {
		const failure = toStoreError(error);
		if (failure instanceof StoreError && failure.code === "store_unavailable") this.#note(failure);
		return failure;
	}

	/** Tells when the connection is lost and when it is back, once each. */
	#note(failure: StoreError | null): void {
		const isDown = failure !== null;
		if (isDown === this.#isDown || this.#closed !== null) return;
		this.#isDown = isDown;
		this.#onConnectionChange(failure);
	}

	async #transact<T>(client: PoolClient, work: Work<T>): Promise<T> {
		const session = new ClientSession(client);
		void session.command("BEGIN").catch(() => {});
		const ids = session.run(SELECT_XID);
		let result: T;
		try {
			result = await work(session);
			await ids;
		} catch (error) {
			const cause = isAftermath(error) ? session.failure : error;
			await rollBack(session, cause);
			throw cause;
		}
		try {
			const ended = session.command("COMMIT");
			await session.settled();
			if ((await ended) !== "COMMIT") throw new Error("a transaction was rolled back although no statement has failed");
		} catch (error) {
			const [row] = await ids;
			if (isAnswer(error) || !(await this.#isCommitted(text(row?.["xid"]), error))) throw error;
		}
		return result;
	}

	/** Whether a transaction was committed, of which that is not known since its answer was lost. Throws `lost` if it cannot be said. */
	async #isCommitted(xid: string, lost: unknown): Promise<boolean> {
		const end = this.#clock.monotonicMs() + SETTLE_MS;
		while (this.#clock.monotonicMs() < end) {
			const status = await this.#statusOf(xid);
			if (status === "committed") return true;
			if (status === "aborted") return false;
			await new Promise<void>((resolve) => void this.#clock.after(SETTLE_EVERY_MS, resolve));
		}
		throw lost;
	}

	/** Null if it is not known yet. */
	async #statusOf(xid: string): Promise<"committed" | "aborted" | null> {
		try {
			const { rows } = await this.#pools.others.query<{ status: string | null }>(
				"SELECT pg_xact_status($1::text::xid8) AS status",
				[xid],
			);
			const status = rows[0]?.status;
			return status === "committed" || status === "aborted" ? status : null;
		} catch (error) {
			// The number is in the future: another server has taken over, and does not have this transaction.
			return sqlState(error) === INVALID_PARAMETER ? "aborted" : null;
		}
	}
}

const BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/** Gives the transaction its number at once, so that it is known before the COMMIT is sent. */
const SELECT_XID = statement("SELECT pg_current_xact_id()::text AS xid");
const NOT_SYNCED = statement("SELECT set_config('synchronous_commit', 'off', true)");
const INVALID_PARAMETER = "22023";

async function inTransaction<T>(client: PoolClient, begin: string, work: Work<T>): Promise<T> {
	const session = new ClientSession(client);
	void session.command(begin).catch(() => {});
	try {
		const result = await work(session);
		void session.command("COMMIT").catch(() => {});
		await session.settled();
		return result;
	} catch (error) {
		await rollBack(session, error);
		throw error;
	}
}

/** Ends a transaction that has failed, unless the connection has. */
async function rollBack(session: ClientSession, error: unknown): Promise<void> {
	if (isBroken(error)) return;
	await session.command("ROLLBACK");
}
