// A disk that can really be full: a small file system in memory.
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

import { TemporaryDir } from "./temporary-dir.ts";

const FILLER = "filler";
const mounted = new Set<string>();

// Before the directories are removed.
process.prependListener("exit", () => {
	for (const path of mounted) unmount(path);
});

/** Why this machine can't have one; null if it can. */
export function smallDiskIssue(): string | null {
	try {
		new SmallDisk(1)[Symbol.dispose]();
		return null;
	} catch (error) {
		return `no tmpfs can be mounted here, which takes root on Linux: ${error instanceof Error ? error.message : String(error)}`;
	}
}

/** A file system of so many MiB, unmounted when it is disposed of, or with the test process at the latest. */
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

	join(...names: string[]): string {
		return this.#dir.join(...names);
	}

	get freeBytes(): number {
		const { bavail, bsize } = statfsSync(this.#dir.path);
		return bavail * bsize;
	}

	/** Writes to a file of its own until all but so many bytes are taken. */
	fill(leaveBytes = 0): void {
		const file = openSync(join(this.#dir.path, FILLER), "a");
		try {
			for (let left = this.freeBytes - leaveBytes; left > 0; left = this.freeBytes - leaveBytes) {
				writeSync(file, Buffer.alloc(Math.min(left, 1_024 * 1_024)));
			}
		} catch (error) {
			// The last page goes to whoever is quicker.
			if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
		} finally {
			closeSync(file);
		}
	}

	/** Makes room again. */
	removeFiller(): void {
		rmSync(join(this.#dir.path, FILLER), { force: true });
	}

	/** Only while no file on it is open for writing. */
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
	// Lazy: a process that was just killed may hold a file for a moment more.
	execFileSync("umount", ["--lazy", path], { stdio: "ignore" });
}
