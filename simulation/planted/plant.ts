// Plants a bug in a copy of the server, and runs seeds on the copy until one of them finds it.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";

import { runMany } from "../run-many.ts";
import { PLANTED, type PlantedBug } from "./bugs.ts";

export interface FindOptions {
	readonly from: number;
	/** At most. */
	readonly seeds: number;
	readonly jobs: number;
	readonly minutes: number | null;
}

export interface Found {
	/** The first seed that found the bug, of those that were run. */
	readonly seed: number;
	/** How many seeds were run until then. */
	readonly seeds: number;
	readonly breach: string;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SERVER = "packages/server";

/** Null if no seed finds the bug. */
export async function findPlanted(name: string, { from, seeds, jobs, minutes }: FindOptions): Promise<Found | null> {
	using copy = new PlantedCopy(name);
	let found: Found | null = null;
	let count = 0;
	await runMany({
		from,
		seeds,
		jobs,
		engines: copy.engines,
		limitMs: minutes === null ? null : minutes * 60_000,
		shrinks: false,
		worker: copy.program("worker.ts"),
		onReport: ({ seed, failure }) => {
			count++;
			if (failure !== null && (found === null || seed < found.seed)) {
				found = { seed, seeds: count, breach: failure.breaches[0] ?? "" };
			}
			return found !== null;
		},
	});
	return found;
}

/**
 * A copy of the server and the simulation with a bug; everything else is linked. Disposing of it removes it.
 *
 * @example
 * using copy = new PlantedCopy("doubled-lease");
 * execFileSync(process.execPath, ["--conditions=@fanfare/source", copy.program("main.ts"), "--seed", "1"]);
 */
export class PlantedCopy implements Disposable {
	/** How many engines it takes to see the bug. */
	readonly engines: number;
	readonly #folder: TemporaryDir;

	constructor(name: string) {
		const bug = PLANTED.find((planted) => planted.name === name);
		if (bug === undefined) throw new Error(`there is no planted bug ${JSON.stringify(name)}`);
		this.engines = bug.engines ?? 1;
		this.#folder = new TemporaryDir();
		try {
			copyTo(this.#folder.path, bug);
		} catch (error) {
			this[Symbol.dispose]();
			throw error;
		}
	}

	/** The path of a program of the simulation, such as `main.ts`, in the copy. */
	program(name: string): string {
		return join(this.#folder.path, "simulation", name);
	}

	[Symbol.dispose](): void {
		this.#folder[Symbol.dispose]();
	}
}

function copyTo(folder: string, bug: PlantedBug): void {
	mkdirSync(join(folder, SERVER), { recursive: true });
	cpSync(join(ROOT, SERVER, "src"), join(folder, SERVER, "src"), { recursive: true });
	cpSync(join(ROOT, "simulation"), join(folder, "simulation"), {
		recursive: true,
		filter: (path) => !path.includes("node_modules"),
	});
	for (const file of ["package.json", `${SERVER}/package.json`]) cpSync(join(ROOT, file), join(folder, file));
	symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
	const path = join(folder, SERVER, "src", bug.file);
	writeFileSync(path, plant(readFileSync(path, "utf8"), bug));
}

/** The source with the bug. Throws if the text that the bug replaces does not occur exactly once. */
export function plant(source: string, { name, find, replace }: PlantedBug): string {
	const count = source.split(find).length - 1;
	if (count !== 1) throw new Error(`the text that the planted bug "${name}" replaces occurs ${count} times`);
	return source.replace(find, () => replace);
}
