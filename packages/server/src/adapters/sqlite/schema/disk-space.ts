// Whether the disk has room for a move of all rows: see move-rows.ts.
import { statfsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { StoreError } from "../../../ports/store/errors.ts";

/**
 * The new rows take the room of the former ones and of their indexes, so the file itself hardly ever grows. This fraction is for
 * rows that become larger, such as responses with many characters that JSON escapes.
 */
const GROWTH_FRACTION = 0.2;
/** The write-ahead log is shorter than this while rows are moved. */
const LOG_BYTES = 48 * 1_024 * 1_024;
const MEMORY = ":memory:";

/** Throws a `StoreError` with the sizes if the disk with the database at `path` has too little room. */
export function requireDiskSpace(path: string, freeBytes: (dir: string) => number = freeBytesOf): void {
	if (path === MEMORY) return;
	const { used, needed, free, dir } = diskSpaceFor(path, freeBytes);
	if (free >= needed) return;
	throw new StoreError(
		"store_full",
		`this version stores its rows in a new form. To move them, it needs up to ${inMegabytes(needed)} beside the ${inMegabytes(used)} of ` +
			`the store, but only ${inMegabytes(free)} are free in ${dir}. Nothing was changed: free some space and start again, or go ` +
			"on with the earlier version",
	);
}

/** What the database at `path` takes, what a move needs beside that, and what is free. */
export function diskSpaceFor(path: string, freeBytes: (dir: string) => number = freeBytesOf) {
	const used = sizeOf(path) + sizeOf(`${path}-wal`);
	const dir = resolve(dirname(path));
	const needed = Math.ceil(used * GROWTH_FRACTION) + Math.min(used, LOG_BYTES);
	return { used, needed, free: freeBytes(dir), dir };
}

function sizeOf(path: string): number {
	return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function freeBytesOf(dir: string): number {
	const { bavail, bsize } = statfsSync(dir);
	return bavail * bsize;
}

function inMegabytes(bytes: number): string {
	return `${Math.ceil(bytes / 1_000_000).toLocaleString("en-US")} MB`;
}
