// The embedded store: one SQLite file, written by this process alone (see data-dir-lock.ts).
import type { DatabaseSync } from "node:sqlite";

import type { Store } from "../../ports/store/store.ts";
import { createAcceptCalls } from "./calls/accept.ts";
import { createAuditCalls } from "./calls/audit.ts";
import { createDirectoryCalls } from "./calls/directory.ts";
import { createLifecycleCalls } from "./calls/lifecycle.ts";
import { createLogCalls } from "./calls/log.ts";
import { createQueueCalls } from "./calls/queue.ts";
import { createReplayCalls } from "./calls/replays.ts";
import { createRetentionCalls } from "./calls/retention.ts";
import { createStatsCalls } from "./calls/stats.ts";
import { createTransact, openConnection, type ConnectionOptions } from "./connection.ts";
import { toStoreError } from "./errors.ts";
import { migrate } from "./schema/migrate.ts";
import { HealthTable } from "./stats/health-table.ts";
import { StatsJournal } from "./stats/stats-journal.ts";

export interface SqliteStoreOptions extends ConnectionOptions {
	/** The date that migrations are recorded with, in milliseconds since the epoch. Defaults to 0: not known. */
	readonly now?: number;
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

/** Opens the store as synchronous calls, like the driver's, by name. Their errors are the driver's: see `toStoreError`. */
export function openSqliteCalls(options: SqliteStoreOptions) {
	const db = openConnection(options);
	try {
		migrate(db, options.now ?? 0);
		return createCalls(db);
	} catch (error) {
		db.close();
		throw error;
	}
}

/** The slices of the store's port. */
function createCalls(db: DatabaseSync) {
	const transact = createTransact(db);
	const journal = new StatsJournal(db, transact);
	const health = new HealthTable(db);
	return {
		...createAcceptCalls(db, journal, health),
		...createQueueCalls(db, transact, journal),
		...createLogCalls(db),
		...createDirectoryCalls(db, transact, health),
		...createReplayCalls(db, transact, journal),
		...createRetentionCalls(db, transact, journal),
		...createStatsCalls(db, transact, journal, health),
		...createAuditCalls(db, transact),
		...createLifecycleCalls(db, transact),
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
