// A vitest reporter that ends a run with one plain line, which scripts can read.
import type { Reporter, TestModule } from "vitest/node";

/**
 * Prints `N passed, N failed, N skipped` after everything else. A file that can't be loaded counts as one failure. `note`
 * is printed on the line before.
 */
export class PlainCountReporter implements Reporter {
	readonly #note: string;

	constructor({ note }: { readonly note?: string } = {}) {
		this.#note = note === undefined ? "" : `${note}\n`;
	}

	onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
		let passed = 0;
		let failed = unhandledErrors.length;
		let skipped = 0;
		for (const module of modules) {
			const before = failed;
			for (const test of module.children.allTests()) {
				const state = test.result().state;
				if (state === "passed") passed++;
				else if (state === "failed") failed++;
				else skipped++;
			}
			if (!module.ok() && failed === before) failed++;
		}
		const note = this.#note;
		process.on("exit", () => process.stdout.write(`${note}${passed} passed, ${failed} failed, ${skipped} skipped\n`));
	}
}

// vitest loads a reporter by path from its default export.
// oxlint-disable-next-line import/no-default-export
export default PlainCountReporter;
