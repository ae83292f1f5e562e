// The embedded store: one SQLite file, written by this process alone (see data-dir-lock.ts).
import type { DatabaseSync } from "node:sqlite";

import type { Store } from "../../ports/store/store.ts";
import { createAcceptCalls } from "./calls/accept.ts";
import { createSessionCalls } from "./calls/access/sessions.ts";
import { createAuditCalls } from "./calls/audit.ts";
import { createCustomerCalls } from "./calls/customers/customers.ts";
import { createDirectoryCalls } from "./calls/directory.ts";
import { createPortalSessionCalls } from "./calls/directory/portal-sessions.ts";
import { createLifecycleCalls } from "./calls/lifecycle.ts";
import { createQueueCalls } from "./calls/queue.ts";
import { createRelayCalls, createRelayLookUps } from "./calls/relays/relays.ts";
import { createReplayCalls } from "./calls/replays.ts";
import { createRetentionCalls } from "./calls/retention.ts";
import { createStatsCalls } from "./calls/stats.ts";
import { createTransact, emptyWal, openConnection, type ConnectionOptions, type Transact } from "./connection.ts";
import { DeliveryTable } from "./deliveries/delivery-table.ts";
import { LIST_AFTER_MS } from "./deliveries/open-rows.ts";
import type { PulledInNote } from "./deliveries/pulled-in.ts";
import { toStoreError } from "./errors.ts";
import type { MoveProgress } from "./schema/move-rows.ts";
import { upgrade } from "./schema/upgrade.ts";
import { createReads } from "./sqlite-reader.ts";
import { HealthTable } from "./stats/health-table.ts";
import { createUsageCalls } from "./stats/read-usage.ts";
import { StatsJournal } from "./stats/stats-journal.ts";

export interface SqliteStoreOptions extends ConnectionOptions {
	/** The date that migrations are recorded with, in milliseconds since the epoch. Defaults to 0: not known. */
	readonly now?: number;
	/** How long a delivery waits before it enters the indexes of `open`, in milliseconds. For tests. */
	readonly listAfterMs?: number;
	/** Called before each COMMIT, which fails with what it throws, as on a disk that fails. For tests and simulations. */
	readonly beforeCommit?: () => void;
	/** Called once with the connection, before the statements of the calls are prepared. For tests and simulations. */
	readonly onConnected?: (db: DatabaseSync) => void;
	/** Called once, when the store is open. For tests and simulations, which only read what they get, between two calls. */
	readonly onOpened?: (inside: StoreInside) => void;
}

/** What the calls of a store work on. */
export interface StoreInside {
	readonly db: DatabaseSync;
	readonly table: DeliveryTable;
}

/**
 * Opens the store in this thread, which is blocked during each call, and migrates its schema. Servers run the store in a thread of
 * its own: see threaded-store.ts.
 *
 * @example
 * const store = await openSqliteStore({ path: ":memory:" });
 */
export function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
	return toPromise(() => promised(openSqliteCalls(options)));
}

/** What a store tells without being asked. */
export interface SqliteStoreEvents {
	/** Called from time to time while rows of an earlier version are moved, before the store is open. */
	readonly onProgress?: (progress: MoveProgress) => void;
	/** Called with what only this connection knows of deliveries in the log. */
	readonly onPulledIn?: (note: PulledInNote) => void;
}

/** Opens the store as synchronous calls, like the driver's, by name. Their errors are the driver's: see `toStoreError`. */
export function openSqliteCalls(
	options: SqliteStoreOptions,
	{ onProgress = () => {}, onPulledIn }: SqliteStoreEvents = {},
) {
	const db = openConnection(options);
	try {
		upgrade(db, { path: options.path, now: options.now ?? 0, onProgress });
		// A process that was killed leaves what it has erased in the WAL. If somebody else reads the file now, retention does this later.
		emptyWal(db);
		options.onConnected?.(db);
		const table = new DeliveryTable(db, options.listAfterMs ?? LIST_AFTER_MS, onPulledIn);
		const calls = createCalls(db, options.path, table, createTransact(db, table.memories, options.beforeCommit));
		options.onOpened?.({ db, table });
		return calls;
	} catch (error) {
		db.close();
		throw error;
	}
}

/** The slices of the store's port. */
function createCalls(db: DatabaseSync, path: string, table: DeliveryTable, transact: Transact) {
	const journal = new StatsJournal(db, transact, table.numbers);
	const health = new HealthTable(db, table);
	return {
		...createAcceptCalls(db, table, journal, health),
		...createQueueCalls(db, table, transact, journal),
		...createDirectoryCalls(db, table, transact, health, journal),
		...createReplayCalls(db, table, transact, journal),
		...createRetentionCalls(db, table, transact, journal),
		...createStatsCalls(db, table.numbers, transact, journal, health),
		...createUsageCalls(db, path, table.numbers, journal.stored),
		...createCustomerCalls(db, transact),
		...createRelayCalls(db, transact),
		...createRelayLookUps(db),
		...createPortalSessionCalls(db, transact),
		...createSessionCalls(db, transact),
		...createAuditCalls(db, transact),
		...createLifecycleCalls(db, transact),
		...createReads(db, table, journal),
	};
}

type Calls = Readonly<Record<string, (...parameters: never[]) => unknown>>;
type Promised<T extends Calls> = {
	readonly [Name in keyof T]: (...parameters: Parameters<T[Name]>) => Promise<ReturnType<T[Name]>>;
};

/** Makes each call return a promise, which rejects with the port's errors. */
function promised<T extends Calls>(calls: T): Promised<T> {
	const result: Record<string, (...parameters: never[]) => Promise<unknown>> = {};
	for (const [name, call] of Object.entries(calls)) {
		result[name] = (...parameters) => toPromise(() => call(...parameters));
	}
	return result as Promised<T>;
}

function toPromise<T>(call: () => T): Promise<T> {
	try {
		return Promise.resolve(call());
	} catch (error) {
		return Promise.reject(toStoreError(error));
	}
}
