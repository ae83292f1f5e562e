// Sources that change while a folder is built from them.
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { BuiltFolder } from "./built-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const MODULE = pathToFileURL(join(import.meta.dirname, "built-folder.ts")).href;

/** A folder with a copy of its one source. The script saves the source once more while it builds from the first text of it. */
class Copied implements Disposable {
	readonly #dir = new TemporaryDir();
	readonly source = this.#dir.join("source.txt");
	readonly result = this.#dir.join("built/source.txt");
	readonly #folder: BuiltFolder;

	constructor(first: string, next: string) {
		writeFileSync(this.source, first);
		const options = {
			folder: relative(root, this.#dir.join("built")),
			sources: [relative(root, this.source)],
			script: relative(root, this.#dir.join("build.ts")),
			compressed: [],
		};
		const script = `
			import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
			import { BuiltFolder } from "${MODULE}";
			const source = ${JSON.stringify(this.source)};
			async function write(folder) {
				const text = readFileSync(source, "utf8");
				if (text === ${JSON.stringify(first)}) writeFileSync(source, ${JSON.stringify(next)});
				mkdirSync(folder);
				writeFileSync(folder + "/source.txt", text);
			}
			await new BuiltFolder({ ...${JSON.stringify(options)}, write }).build();
		`;
		writeFileSync(this.#dir.join("build.ts"), script);
		this.#folder = new BuiltFolder({ ...options, write: () => Promise.reject(new Error("the script writes it")) });
	}

	/** Ensures that it is built, and returns how many builds that took. */
	async builds(onBuild: () => void): Promise<number> {
		let builds = 0;
		await this.#folder.ensure(() => {
			if (++builds > 5) throw new Error("it is built again and again");
			onBuild();
		});
		return builds;
	}

	[Symbol.dispose](): void {
		this.#dir[Symbol.dispose]();
	}
}

it("is built once if a source is saved before the build reads it", async () => {
	using copied = new Copied("never read", "");
	expect(await copied.builds(() => writeFileSync(copied.source, "saved since"))).toBe(1);
	expect(readFileSync(copied.result, "utf8")).toBe("saved since");
});

it("is built once more if a source is saved after the build has read it", async () => {
	using copied = new Copied("as it was", "saved since");
	expect(await copied.builds(() => {})).toBe(2);
	expect(readFileSync(copied.result, "utf8")).toBe("saved since");
});
