// The database, as the calls of the store see it: reads, snapshots and transactions. Everything about connections that break, answers
// that are lost and transactions that must be made again is here.
import type { Pool, PoolClient } from "pg";

import type { Clock } from "../../../core/clock.ts";
import { Turns, type TurnsOptions } from "../../../core/concurrency/turns.ts";
import { StoreError, StoreInDoubtError, type Settled } from "../../../ports/store/errors.ts";
import { number, text } from "../codec/rows.ts";
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
/**
 * Tells by what a transaction has written whether it was committed, given its result. Null if nothing is left by which that could be told:
 * then it is made again.
 */
type Look<T> = (session: Session, result: T) => Promise<boolean | null>;

/** A transaction whose end may have to be asked for. */
interface Ended<T> {
	readonly mark: string;
	/** When it has left its mark, by the database's clock. */
	readonly at: number;
	readonly result: T;
	readonly isStored: Look<T> | null;
}

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

	/** The same for the busy path, with a connection of its own. `isStored` is asked about a commit in doubt whose mark is gone. */
	commit<T>(work: Work<T>, isStored: Look<T> | null = null): Promise<T> {
		return this.#retrying(this.#pools.commits, (client) => this.#transact(client, work, isStored));
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

	async #transact<T>(client: PoolClient, work: Work<T>, isStored: Look<T> | null = null): Promise<T> {
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
		const [row] = await marked;
		const mark = text(row?.["id"]);
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
		const ended = () => ({ mark, at: number(row?.["make_date"]), result, isStored });
		if (lost !== null && !(await this.#isCommitted(ended(), lost))) throw lost;
		this.#marks.set(client, mark);
		return result;
	}

	/**
	 * Whether a transaction was committed, of which that is not known since its answer was lost, or since no standby has it yet. Throws
	 * a `StoreInDoubtError` for `lost` if it cannot be said, which tells the result later.
	 */
	async #isCommitted<T>(ended: Ended<T>, lost: unknown): Promise<boolean> {
		const end = this.#clock.monotonicMs() + SETTLE_MS;
		while (this.#clock.monotonicMs() < end) {
			try {
				const isMade = await this.#settle(ended, this.#pools.others);
				if (isMade === "forgotten") break;
				if (isMade !== "unconfirmed") return isMade;
			} catch {
				// The transaction is not over, or the database is not back.
				await new Promise<void>((resolve) => void this.#clock.after(SETTLE_EVERY_MS, resolve));
			}
		}
		const failure = toStoreError(lost);
		const message = failure instanceof Error ? failure.message : String(failure);
		throw new StoreInDoubtError(message, { cause: lost, settle: () => this.#settleLater(ended) });
	}

	/** Whether a transaction was committed that was left in doubt. */
	async #settleLater<T>(ended: Ended<T>): Promise<Settled> {
		let isMade: boolean | "unconfirmed" | "forgotten";
		try {
			isMade = await this.#settle(ended, this.#pools.commits);
		} catch (error) {
			throw this.#failed(error);
		}
		if (isMade === "unconfirmed") throw this.#failed(unconfirmed());
		// By its rows, it can be made again.
		if (isMade === "forgotten" && ended.isStored === null) throw new StoreError("store_unavailable", FORGOTTEN);
		return isMade === true ? { isMade, result: ended.result } : { isMade: false };
	}

	/**
	 * Whether a transaction was committed: `unconfirmed` if no standby has confirmed that, `forgotten` if it is too long ago, and nothing that
	 * it has written tells it. Rejects if the database can't say so now.
	 */
	async #settle<T>(
		{ mark, at, result, isStored }: Ended<T>,
		pool: Pool,
	): Promise<boolean | "unconfirmed" | "forgotten"> {
		const client = await pool.connect();
		let broken = true;
		try {
			const { rows } = await client.query<{ is_made: boolean; age_ms: number }>(SETTLE, [mark, at]);
			const [row] = rows;
			let isMade: boolean | null = row?.is_made === true;
			if (!isMade && Number(row?.age_ms) > KEPT_FOR_SURE_MS) {
				isMade = isStored === null ? null : await isStored(this.#session(client), result);
			}
			broken = false;
			return this.#pools.takeUnconfirmed(client) ? "unconfirmed" : (isMade ?? "forgotten");
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
	"WITH last AS (DELETE FROM commits WHERE id = $1) INSERT INTO commits DEFAULT VALUES RETURNING id, make_date",
);
/** How old a mark is at least when others remove it. */
const KEPT_MS = 86_400_000;
/** A younger one was removed by nobody, also if the database's clock was set by some minutes meanwhile. */
const KEPT_FOR_SURE_MS = KEPT_MS - 3_600_000;
/**
 * The same for the first transaction of a connection, which removes the marks that connections have left that have ended: a day later, so
 * that no step of the database's clock takes one that is asked for. Who asks still later, such as after a day without the database, learns
 * nothing from a mark that is missing.
 */
const MARK_FIRST = statement(`
	WITH old AS (
		DELETE FROM commits WHERE id IN (
			SELECT id FROM commits WHERE make_date < cluster_now() - ${KEPT_MS} FOR UPDATE SKIP LOCKED LIMIT 1000
		)
	)
	INSERT INTO commits DEFAULT VALUES RETURNING id, make_date
`);
/**
 * Waits for the transaction with this mark if it goes on, and tells whether it has left it, and how long ago. If not, none can any more. What
 * it tells is synced, also to a standby whose answer the transaction has not waited for.
 */
const SETTLE = `
	INSERT INTO commits (id, is_made) VALUES ($1, false) ON CONFLICT (id) DO UPDATE SET is_made = commits.is_made
	RETURNING is_made, cluster_now() - $2::bigint AS age_ms
`;
const FORGOTTEN = "the database does not know any more whether a change was made: it was asked more than a day later";
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
