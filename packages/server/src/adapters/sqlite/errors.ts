// Translates the driver's errors into the port's, once.
import { StoreError } from "../../ports/store/errors.ts";

const PRIMARY_CODE_MASK = 0xff;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
/** The file can't be opened or created, usually for lack of permission. */
export const SQLITE_CANTOPEN = 14;
const SQLITE_CONSTRAINT = 19;
/** The index of the WAL could not grow because `fallocate` failed. In practice the disk is full. */
const SQLITE_IOERR_SHMSIZE = 4_874;

/** Translates an error of `node:sqlite` into a `StoreError`. Returns other errors, such as those of a bug, unchanged. */
export function toStoreError(error: unknown): unknown {
	if (error instanceof StoreError || !(error instanceof Error)) return error;
	if (isClosed(error)) return new StoreError("store_unavailable", "the store is closed", { cause: error });
	const errcode = sqliteCode(error);
	if (errcode === null) return error;
	const primary = errcode & PRIMARY_CODE_MASK;
	if (primary === SQLITE_FULL || errcode === SQLITE_IOERR_SHMSIZE) {
		return new StoreError(
			"store_full",
			"the disk with the data is full: free some space; a running server then continues by itself",
			{
				cause: error,
			},
		);
	}
	if (primary === SQLITE_CONSTRAINT) {
		return new StoreError("store_conflict", `the store refused a row: ${error.message}`, { cause: error });
	}
	if (primary === SQLITE_CORRUPT) {
		return new StoreError(
			"store_unavailable",
			`the database in the data directory is damaged (${error.message}): stop the server and restore the directory from a backup`,
			{ cause: error },
		);
	}
	return new StoreError("store_unavailable", `the store failed: ${error.message} (SQLite code ${errcode})`, {
		cause: error,
	});
}

/** SQLite's extended result code, such as 13 or 2067; null if the error does not come from SQLite. */
export function sqliteCode(error: unknown): number | null {
	if (!(error instanceof Error) || !("errcode" in error)) return null;
	return typeof error.errcode === "number" ? error.errcode : null;
}

function isClosed(error: Error): boolean {
	return "code" in error && error.code === "ERR_INVALID_STATE";
}
