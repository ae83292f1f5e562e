// The database, as the calls of the store see it: reads, snapshots and transactions. Everything about connections that break, answers
// that are lost and transactions that must be made again is here.
import type { Pool, PoolClient } from "pg";

import type { Clock } from "../../../core/clock.ts";
import { Turns, type TurnsOptions } from "../../../core/concurrency/turns.ts";
import { StoreError, StoreInDoubtError, type Settled } from "../../../ports/store/errors.ts";
import { text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import { isAftermath, isAnswer, isBroken, isBusy, isPlanOutdated, isRetryable, toStoreError } from "./errors.ts";
import { lockProject } from "./locks.ts";
import { CONNECT_TIMEOUT_MS, MAX_CONNECTIONS, Pools, type ConnectionOptions } from "./pools.ts";
import { ClientSession, type Session } from "./session.ts";

/** How often something is done that another transaction is in the way of: more than a pool has connections, since all may have old plans. */
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
	readonly #turnsOptions: Omit<TurnsOptions, "mostOfOne">;
	readonly #changes: Turns;
	/** The mark of the last transaction of each connection. */
	readonly #marks = new WeakMap<PoolClient, string>();
	#isDown = false;
	#closed: Promise<void> | null = null;

	constructor({ clock, onConnectionChange = () => {}, ...options }: DatabaseOptions) {
		this.#pools = new Pools(options);
		this.#clock = clock;
		this.#onConnectionChange = onConnectionChange;
		const { maxConnections = MAX_CONNECTIONS, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
		const refusal = (message: string) => new StoreError("store_overloaded", message);
		this.#turnsOptions = { most: Math.max(1, maxConnections - 1), maxWaitMs: connectTimeoutMs, clock, refusal };
		// Those of one project would only wait for its lock.
		this.#changes = this.turns(1);
	}

	/** Turns for calls of one kind, which leave a connection to the others of this kind. One owner has at most so many under way. */
	turns(mostOfOne: number): Turns {
		return new Turns({ ...this.#turnsOptions, mostOfOne });
	}

	/** Reads with one statement. */
	read<T>(work: Work<T>): Promise<T> {
		return this.#retrying(this.#pools.reads, (client) => work(this.#session(client)));
	}

	/** Reads with several statements, which all see the same moment. */
	snapshot<T>(work: Work<T>): Promise<T> {
		return this.#retrying(this.#pools.reads, (client) => inTransaction(this.#session(client), BEGIN_SNAPSHOT, work));
	}

	/** Makes a change in a transaction. When it resolves, the change is synced. */
	transact<T>(work: Work<T>): Promise<T> {
		return this.#retrying(this.#pools.others, (client) => this.#transact(client, work));
	}

	/**
	 * The same for a change in a project, by its UUID, or of the workspace (null): everybody who changes it too, or relies on it, waits
	 * meanwhile. Those who wait in this process take no connections, so that there is always one for claims.
	 */
	change<T>(project: string | null, work: Work<T>): Promise<T> {
		const change = () =>
			this.transact(async (session) => {
				await lockProject(session, project);
				return work(session);
			});
		return this.#changes.run(project ?? "", { mostWaiting: Infinity }, change);
	}

	/** The same for the busy path, with a connection of its own. */
	commit<T>(work: Work<T>): Promise<T> {
		return this.#retrying(this.#pools.commits, (client) => this.#transact(client, work));
	}

	/** The same for the schema itself. If the answer is lost, it rejects, whether the change was made or not. */
	define<T>(work: Work<T>): Promise<T> {
		return this.#retrying(this.#pools.others, (client) => inTransaction(this.#session(client), BEGIN, work));
	}

	/**
	 * Changes something with one statement, which commits itself, on the connection of the busy path: one round trip. If the answer
	 * is lost, it rejects, whether the change was made or not.
	 */
	once<T>(work: Work<T>): Promise<T> {
		return this.#retrying(this.#pools.commits, (client) => work(this.#session(client)));
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

	#session(client: PoolClient): ClientSession {
		return new ClientSession(client, this.#pools.numberOf(client));
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
		let broken = false;
		try {
			const result = await work(client);
			if (this.#pools.takeUnconfirmed(client)) throw unconfirmed();
			this.#note(null);
			return result;
		} catch (error) {
			const isUnreachable = isBroken(error instanceof StoreInDoubtError ? error.cause : error);
			broken = isUnreachable || isPlanOutdated(error);
			throw isUnreachable || error instanceof StoreError ? this.#failed(error) : toStoreError(error);
		} finally {
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
		const session = this.#session(client);
		void session.command(BEGIN).catch(() => {});
		const last = this.#marks.get(client);
		const marked = last === undefined ? session.run(MARK_FIRST) : session.run(MARK, [last]);
		let result: T;
		try {
			result = await work(session);
			await marked;
		} catch (error) {
			const cause = isAftermath(error) ? session.failure : error;
			await rollBack(session, cause);
			throw cause;
		}
		const mark = text((await marked)[0]?.["id"]);
		let lost: unknown = null;
		try {
			const ended = session.command(COMMIT);
			await session.settled();
			if ((await ended) !== COMMIT) throw new Error("a transaction was rolled back although no statement has failed");
			if (this.#pools.takeUnconfirmed(client)) lost = unconfirmed();
		} catch (error) {
			if (isAnswer(error)) throw error;
			lost = error;
		}
		if (lost !== null && !(await this.#isCommitted(mark, { lost, result }))) throw lost;
		this.#marks.set(client, mark);
		return result;
	}

	/**
	 * Whether a transaction was committed, of which that is not known since its answer was lost, or since no standby has it yet. Throws
	 * a `StoreInDoubtError` for `lost` if it cannot be said, which tells the result later.
	 */
	async #isCommitted(mark: string, { lost, result }: { lost: unknown; result: unknown }): Promise<boolean> {
		const end = this.#clock.monotonicMs() + SETTLE_MS;
		while (this.#clock.monotonicMs() < end) {
			try {
				const isMade = await this.#settle(mark, this.#pools.others);
				if (isMade !== null) return isMade;
			} catch {
				// The transaction is not over, or the database is not back.
				await new Promise<void>((resolve) => void this.#clock.after(SETTLE_EVERY_MS, resolve));
			}
		}
		const failure = toStoreError(lost);
		const message = failure instanceof Error ? failure.message : String(failure);
		throw new StoreInDoubtError(message, { cause: lost, settle: () => this.#settleLater(mark, result) });
	}

	/** Whether a transaction with this mark and result was committed that was left in doubt. */
	async #settleLater(mark: string, result: unknown): Promise<Settled> {
		let isMade: boolean | null;
		try {
			isMade = await this.#settle(mark, this.#pools.commits);
		} catch (error) {
			throw this.#failed(error);
		}
		if (isMade === null) throw this.#failed(unconfirmed());
		return isMade ? { isMade, result } : { isMade };
	}

	/** Whether the transaction with this mark was committed; null if no standby has confirmed that. Rejects if the database can't say so now. */
	async #settle(mark: string, pool: Pool): Promise<boolean | null> {
		const client = await pool.connect();
		let broken = true;
		try {
			const { rows } = await client.query<{ is_made: boolean }>(SETTLE, [mark]);
			broken = false;
			return this.#pools.takeUnconfirmed(client) ? null : rows[0]?.is_made === true;
		} finally {
			client.release(broken);
		}
	}
}

const BEGIN = "BEGIN";
const COMMIT = "COMMIT";
const BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/**
 * Each transaction leaves a mark, whose presence tells that it was committed. Its number doesn't: after a crash, the database gives the
 * numbers of transactions again that were never synced. A connection deletes the mark of its transaction before, which was answered.
 */
const MARK = statement(
	"WITH last AS (DELETE FROM commits WHERE id = $1) INSERT INTO commits DEFAULT VALUES RETURNING id",
);
/**
 * The same for the first transaction of a connection, which removes the marks that connections have left that have ended: a day later, so
 * that no step of the database's clock takes one that is asked for.
 */
const MARK_FIRST = statement(`
	WITH old AS (
		DELETE FROM commits WHERE id IN (
			SELECT id FROM commits WHERE make_date < cluster_now() - 86400000 FOR UPDATE SKIP LOCKED LIMIT 1000
		)
	)
	INSERT INTO commits DEFAULT VALUES RETURNING id
`);
/**
 * Waits for the transaction with this mark if it goes on, and tells whether it has left it. If not, none can any more. What it tells is
 * synced, also to a standby whose answer the transaction has not waited for.
 */
const SETTLE = `
	INSERT INTO commits (id, is_made) VALUES ($1, false) ON CONFLICT (id) DO UPDATE SET is_made = commits.is_made RETURNING is_made
`;
const NOT_SYNCED = statement("SELECT set_config('synchronous_commit', 'off', true)");

/** The change is made on the primary, and would be lost with it. */
function unconfirmed(): StoreError {
	const message =
		"no synchronous standby of the database has confirmed the change in time: nothing is accepted until one does";
	return new StoreError("store_unavailable", message);
}

async function inTransaction<T>(session: ClientSession, begin: string, work: Work<T>): Promise<T> {
	void session.command(begin).catch(() => {});
	try {
		const result = await work(session);
		void session.command(COMMIT).catch(() => {});
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
