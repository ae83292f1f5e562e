// Directories for tests, which are always removed afterwards.
import { mkdtempSync, rmSync } from "node:fs";
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

/**
 * A new, empty directory. It is removed when disposed, or at the latest when the test process ends.
 *
 * @example
 * using dir = new TemporaryDir();
 * await using server = await startServerProcess({ dataDir: dir.join("data") });
 */
export class TemporaryDir implements Disposable {
	readonly path = mkdtempSync(join(tmpdir(), "fanfare-process-test-"));

	constructor() {
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
