// Directories that tests work in, and that are gone afterwards, whatever happens.
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
// vitest ends its workers so; without this, they would not come past "exit".
process.once("SIGTERM", () => process.exit());

/** An empty directory of one's own, removed when it is disposed of, or with the test process at the latest. */
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
