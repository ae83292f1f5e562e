// Translates the driver's errors into the port's, once, and tells the kinds of failures apart.
import pg from "pg";

import { StoreError } from "../../../ports/store/errors.ts";

/** Two transactions were in each other's way, and the database has undone this one: it can be made again at once. */
const RETRYABLE: ReadonlySet<string> = new Set(["40001", "40P01"]);
const DISK_FULL = "53100";
const CONSTRAINT_CLASS = "23";
const READ_ONLY = "25006";
const NO_PRIVILEGE = "42501";
const LOCK_NOT_AVAILABLE = "55P03";
const UNDEFINED_TABLE = "42P01";
/** The prefixes of the codes that say that the database cannot work now: connections, resources, locks, operators, the system. */
const UNAVAILABLE = /^(?:08|25P|53|57|58|55P03|28|3D)/;
const IN_FAILED_TRANSACTION = "25P02";

/** The SQLSTATE of an error that the database has answered with; null for others, such as those of the connection. */
export function sqlState(error: unknown): string | null {
	return error instanceof pg.DatabaseError ? (error.code ?? null) : null;
}

export function isRetryable(error: unknown): boolean {
	return RETRYABLE.has(sqlState(error) ?? "") || isKeyUsedMeanwhile(error) || isPlanOutdated(error);
}

/**
 * Whether a statement can't be run any more on the connection that has prepared it: a process of a newer version has added a column to a
 * table of which the statement reads all. A new connection prepares it anew.
 */
export function isPlanOutdated(error: unknown): boolean {
	return error instanceof pg.DatabaseError && error.routine === "RevalidateCachedQuery";
}

/** Another process has used an idempotency key since this transaction looked for it. Made again, the transaction finds it. */
function isKeyUsedMeanwhile(error: unknown): boolean {
	return error instanceof pg.DatabaseError && error.constraint === "idempotency_keys_known";
}

/** Whether a statement was refused only because an earlier one of its transaction has failed. */
export function isAftermath(error: unknown): boolean {
	return sqlState(error) === IN_FAILED_TRANSACTION;
}

/** Whether there is no partition for a row, although there was one: another server has taken over, or a backup was restored. */
export function isPartitionMissing(error: unknown): boolean {
	const cause = error instanceof StoreError ? error.cause : error;
	return cause instanceof pg.DatabaseError && cause.routine === "ExecFindPartition";
}

/** Whether a lock was not granted in time, or the table is gone since somebody else has dropped it. */
export function isInUse(error: unknown): boolean {
	const state = sqlState(error instanceof StoreError ? error.cause : error);
	return state === LOCK_NOT_AVAILABLE || state === UNDEFINED_TABLE;
}

/** Whether a lock was not granted in time. */
export function isLocked(error: unknown): boolean {
	return sqlState(error instanceof StoreError ? error.cause : error) === LOCK_NOT_AVAILABLE;
}

/** Whether the database has surely refused a statement. If not, nothing is known of it: the answer was lost. */
export function isAnswer(error: unknown): boolean {
	const code = sqlState(error);
	return error instanceof StoreError || (code !== null && !/^(?:08|57P)/.test(code));
}

/** Whether the connection can't be used for another transaction. */
export function isBroken(error: unknown): boolean {
	// A standby that takes no writes may have been the primary: the next connection finds the new one.
	return sqlState(error) === READ_ONLY || (!isAnswer(error) && isOfDriver(error));
}

/** Whether no connection became free in time: the database can be reached, but all of them are lent. */
export function isBusy(error: unknown): boolean {
	return error instanceof Error && error.message === "timeout exceeded when trying to connect";
}

/** Translates an error of the driver into a `StoreError`. Returns other errors, such as those of a bug, unchanged. */
export function toStoreError(error: unknown): unknown {
	if (error instanceof StoreError || !(error instanceof Error)) return error;
	const code = sqlState(error);
	const cause = { cause: error };
	if (code === null) {
		if (isBusy(error)) {
			const message = "the database is busy: all connections of this process wait for its answers; try again";
			return new StoreError("store_unavailable", message, cause);
		}
		if (!isOfDriver(error)) return error;
		return new StoreError("store_unavailable", `the database cannot be reached: ${messageOf(error)}`, cause);
	}
	if (code === DISK_FULL) {
		return new StoreError(
			"store_full",
			"the database's disk is full: free some space; Fanfare then continues by itself",
			cause,
		);
	}
	if (code.startsWith(CONSTRAINT_CLASS)) {
		return new StoreError("store_conflict", `the database refused a row: ${error.message}`, cause);
	}
	if (code === READ_ONLY) {
		const message =
			"the database takes no writes: the URL must lead to the primary, not to a standby, and default_transaction_read_only must be off";
		return new StoreError("store_unavailable", message, cause);
	}
	if (code === NO_PRIVILEGE || code === UNDEFINED_TABLE) {
		const message = `the database refused a statement (${error.message}): Fanfare's role must own its schema`;
		return new StoreError("store_unavailable", message, cause);
	}
	if (isRetryable(error) || UNAVAILABLE.test(code)) {
		return new StoreError("store_unavailable", `the database failed: ${error.message} (SQLSTATE ${code})`, cause);
	}
	return error;
}

/** Errors of sockets have a code of the system; the driver's own have none, and are plain errors. */
function isOfDriver(error: unknown): boolean {
	if (!(error instanceof Error)) return false;
	if (error instanceof pg.DatabaseError || error instanceof AggregateError) return true;
	return "code" in error ? typeof error.code === "string" && SYSTEM.test(error.code) : DRIVER.test(error.message);
}

/**
 * The codes of sockets, look-ups and TLS. Node's other codes with ERR_ are mistakes of this program, against which another connection does
 * not help.
 */
const SYSTEM = /^(?:E(?!RR_)[A-Z_]+|ERR_(?:SOCKET|TLS|SSL).*|UNABLE_TO_[A-Z_]+|HOSTNAME_MISMATCH|[A-Z_]*CERT[A-Z_]*)$/;
const DRIVER =
	/^(?:Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout|timeout expired|timeout exceeded when trying to connect|The server does not support SSL|Cannot use a pool after)/;

/** Several addresses of one name fail as one error without a message. */
function messageOf(error: Error): string {
	if (error instanceof AggregateError)
		return error.errors.map((each: unknown) => (each instanceof Error ? each.message : String(each))).join("; ");
	return error.message;
}
