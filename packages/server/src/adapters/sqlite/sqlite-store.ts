// The embedded store: one SQLite file, written by this process alone (see data-dir-lock.ts).
import type { DatabaseSync } from "node:sqlite";

import type { Store } from "../../ports/store/store.ts";
import { createAuditCalls } from "./calls/audit.ts";
import { createCommit } from "./calls/commit.ts";
import { createEventTypeCalls } from "./calls/event-types.ts";
import { createAttempts, createDeliveries, createDelivery, createEvent, createEvents } from "./calls/log.ts";
import { createIdentityCalls, createKeyCalls, createProjectCalls } from "./calls/management.ts";
import {
	createClaimDue,
	createDueWebhooks,
	createForgetIdempotencyKeys,
	createNextDueAt,
	createReleaseAllLeases,
	createRenewLeases,
	createSweepWebhook,
} from "./calls/queue.ts";
import { createReplayCalls } from "./calls/replays.ts";
import { createRetentionCalls } from "./calls/retention/retention-calls.ts";
import { createWebhookCalls } from "./calls/webhooks.ts";
import { idHex } from "./codec/ids.ts";
import { createTransact, openConnection, type ConnectionOptions } from "./connection.ts";
import { toStoreError } from "./errors.ts";
import { migrate } from "./schema/migrate.ts";
import { createStatsCalls } from "./stats/stats-calls.ts";
import { Figures } from "./stats/stats-journal.ts";
import { createRollUpStats } from "./stats/stats-roll-up.ts";
import { HealthBook } from "./stats/webhook-health.ts";

export interface SqliteStoreOptions extends ConnectionOptions {
	/** Dates the migrations; the present if left out. */
	readonly now?: number;
}

/**
 * Opens the store in this thread, which each call keeps busy, and brings its schema up to date. Servers have it in a thread of its
 * own: see threaded-store.ts.
 *
 * @example
 * const store = await openSqliteStore({ path: ":memory:" });
 */
export function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
	return settle(() => promised(openSqliteCalls(options)));
}

/** The driver is synchronous, and so are the store's calls on it, by name. They throw what `toStoreError` takes. */
export function openSqliteCalls(options: SqliteStoreOptions) {
	const db = openConnection(options);
	try {
		migrate(db, options.now ?? Date.now());
		return assemble(db);
	} catch (error) {
		db.close();
		throw error;
	}
}

function assemble(db: DatabaseSync) {
	const transact = createTransact(db);
	const figures = new Figures(db, transact);
	const health = new HealthBook(db);
	return {
		...createIdentityCalls(db, transact),
		...createProjectCalls(db, transact),
		...createKeyCalls(db, transact),
		...createWebhookCalls(db, transact, health),
		...createEventTypeCalls(db, transact),
		...createReplayCalls(db, transact, figures),
		...createRetentionCalls(db, figures),
		...createAuditCalls(db, transact),
		commit: createCommit(db, figures, health),
		claimDue: createClaimDue(db, figures),
		dueWebhooks: createDueWebhooks(db),
		nextDueAt: createNextDueAt(db),
		renewLeases: createRenewLeases(db, transact),
		releaseAllLeases: createReleaseAllLeases(db, transact),
		sweepWebhook: createSweepWebhook(db, figures),
		countOpen: () => figures.readOpen(),
		...createStatsCalls(db, figures),
		rollUpStats: createRollUpStats(db, transact, figures),
		webhookHealth: (webhookId: string) => health.of(idHex("webhook", webhookId)),
		events: createEvents(db),
		event: createEvent(db),
		deliveries: createDeliveries(db),
		delivery: createDelivery(db),
		attempts: createAttempts(db),
		forgetIdempotencyKeys: createForgetIdempotencyKeys(db, transact),
		probe: createProbe(db),
		close: () => close(db),
	};
}

function createProbe(db: DatabaseSync) {
	const write = db.prepare(
		"INSERT INTO probe (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at",
	);
	return (at: number): void => {
		write.run(at);
	};
}

/** The last connection to close moves the whole log into the file and removes it. */
function close(db: DatabaseSync): void {
	if (db.isOpen) db.close();
}

type Calls = Readonly<Record<string, (...parameters: never[]) => unknown>>;
type Promised<T extends Calls> = {
	readonly [Name in keyof T]: (...parameters: Parameters<T[Name]>) => Promise<ReturnType<T[Name]>>;
};

/** Makes each call one that resolves, or rejects with the port's error. */
function promised<T extends Calls>(calls: T): Promised<T> {
	const result: Record<string, (...parameters: never[]) => Promise<unknown>> = {};
	for (const [name, call] of Object.entries(calls)) {
		result[name] = (...parameters) => settle(() => call(...parameters));
	}
	return result as Promised<T>;
}

function settle<T>(call: () => T): Promise<T> {
	try {
		return Promise.resolve(call());
	} catch (error) {
		return Promise.reject(toStoreError(error));
	}
}
