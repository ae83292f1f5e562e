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
	const bug = PLANTED.find((planted) => planted.name === name);
	if (bug === undefined) throw new Error(`there is no planted bug ${JSON.stringify(name)}`);
	using folder = new TemporaryDir();
	copyTo(folder.path, bug);
	let found: Found | null = null;
	let count = 0;
	await runMany({
		from,
		seeds,
		jobs,
		engines: bug.engines ?? 1,
		limitMs: minutes === null ? null : minutes * 60_000,
		shrinks: false,
		worker: join(folder.path, "simulation", "worker.ts"),
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

/** The server and the simulation with the bug; everything else is linked. */
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
