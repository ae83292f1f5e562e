// Directories for tests, which are always removed afterwards.
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = new Set<string>();

process.on("exit", () => {
	for (const path of made) {
		try {
			rmSync(path, { recursive: true, force: true });
		} catch (error) {
			process.stderr.write(`${path} could not be removed: ${String(error)}\n`);
		}
	}
});
// vitest ends its workers with SIGTERM. Without this handler, the "exit" handlers would not run.
process.once("SIGTERM", () => process.exit());

/** The file system in memory of Linux. */
const IN_MEMORY = "/dev/shm";
/** A container may have one of 64 MB. */
const ENOUGH_BYTES = 2 ** 30;

/**
 * A parent for directories whose files need not survive the machine: in memory if there is enough of it, where a sync takes no time.
 * What a process has written stays there when it is killed, as on a disk. Otherwise the system's directory for temporary files.
 */
export function fastParent(): string {
	try {
		const { bavail, bsize } = statfsSync(IN_MEMORY);
		return bavail * bsize >= ENOUGH_BYTES ? IN_MEMORY : tmpdir();
	} catch {
		return tmpdir();
	}
}

/**
 * A new, empty directory. It is removed when disposed, or at the latest when the test process ends.
 *
 * @example
 * using dir = new TemporaryDir();
 * await using server = await startServerProcess({ dataDir: dir.join("data") });
 */
export class TemporaryDir implements Disposable {
	readonly path: string;

	/** Creates it in `parent`, which defaults to the system's directory for temporary files. */
	constructor(parent = tmpdir()) {
		this.path = mkdtempSync(join(parent, "fanfare-process-test-"));
		made.add(this.path);
	}

	/** A path inside it. */
	join(...names: string[]): string {
		return join(this.path, ...names);
	}

	[Symbol.dispose](): void {
		rmSync(this.path, { recursive: true, force: true });
		made.delete(this.path);
	}
}
