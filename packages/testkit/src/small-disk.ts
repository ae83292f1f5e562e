// A disk that can really be full: a small file system in memory.
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

import { TemporaryDir } from "./temporary-dir.ts";

const FILLER = "filler";
const mounted = new Set<string>();

// First, so that it runs before the temporary directories are removed.
process.prependListener("exit", () => {
	for (const path of mounted) unmount(path);
});

/** Why this machine can't mount a small disk; null if it can. */
export function smallDiskIssue(): string | null {
	try {
		new SmallDisk(1)[Symbol.dispose]();
		return null;
	} catch (error) {
		return `a tmpfs can't be mounted here, which needs root on Linux: ${error instanceof Error ? error.message : String(error)}`;
	}
}

/**
 * A file system of this many MiB. It is unmounted when disposed, or at the latest when the test process ends.
 *
 * @example
 * using disk = new SmallDisk(32);
 * await using server = await startServerProcess({ dataDir: disk.join("data") });
 * disk.fill();
 */
export class SmallDisk implements Disposable {
	readonly #dir = new TemporaryDir();

	constructor(mebibytes: number) {
		try {
			execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`, "fanfare-test", this.#dir.path], {
				stdio: "pipe",
			});
		} catch (error) {
			this.#dir[Symbol.dispose]();
			throw error;
		}
		mounted.add(this.#dir.path);
	}

	/** A path on it. */
	join(...names: string[]): string {
		return this.#dir.join(...names);
	}

	get freeBytes(): number {
		const { bavail, bsize } = statfsSync(this.#dir.path);
		return bavail * bsize;
	}

	/** Writes to a filler file until only `leaveBytes` are free. */
	fill(leaveBytes = 0): void {
		const file = openSync(join(this.#dir.path, FILLER), "a");
		try {
			for (let left = this.freeBytes - leaveBytes; left > 0; left = this.freeBytes - leaveBytes) {
				writeSync(file, Buffer.alloc(Math.min(left, 1_024 * 1_024)));
			}
		} catch (error) {
			// Another process may have taken the last page.
			if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
		} finally {
			closeSync(file);
		}
	}

	/** Removes the filler file. */
	removeFiller(): void {
		rmSync(join(this.#dir.path, FILLER), { force: true });
	}

	/** Remounts it read-only or writable. Fails while a file on it is open for writing. */
	setReadOnly(isReadOnly: boolean): void {
		execFileSync("mount", ["-o", `remount,${isReadOnly ? "ro" : "rw"}`, this.#dir.path], { stdio: "pipe" });
	}

	[Symbol.dispose](): void {
		unmount(this.#dir.path);
		mounted.delete(this.#dir.path);
		this.#dir[Symbol.dispose]();
	}
}

function unmount(path: string): void {
	// Lazy, because a process that was just killed may have a file open for a moment longer.
	execFileSync("umount", ["--lazy", path], { stdio: "ignore" });
}
