// What the tests of the simulation share: its command, and the search for a planted bug.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect } from "vitest";

import { findPlanted } from "../planted/plant.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs the command. Returns its output, also if it fails. */
export async function simulate(...args: readonly string[]): Promise<string> {
	const command = ["--conditions=@fanfare/source", "simulation/main.ts", ...args];
	try {
		return (await promisify(execFile)(process.execPath, command, { cwd: root })).stdout;
	} catch (error) {
		const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
		return `${stdout}\n${stderr}`;
	}
}

/** What the command prints at the end if no history has broken a promise. */
export function allKept(seeds: number): RegExp {
	return new RegExp(`in all: ${seeds} seeds .* 0 failed`);
}

/** Searches for a planted bug from the seed `from` on. */
export async function expectFound(name: string, from: number): Promise<void> {
	// One job: a second one would only begin with the seed after that.
	const found = await findPlanted(name, { from, seeds: 100, jobs: 1, minutes: null });
	expect(found?.breach).toBeDefined();
}
