// What a failure prints: the seed, a shorter history that still breaks the promise, and a command that replays it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { expect, it } from "vitest";

import { PlantedCopy } from "./planted/plant.ts";

/** A bug that this seed finds, and that a short history shows. */
const BUG = { name: "doubled-lease", seed: 1 };

/** Runs the simulation of a copy, which must fail. Returns the lines that it has printed. */
async function failing(copy: PlantedCopy, ...args: readonly string[]): Promise<readonly string[]> {
	const command = ["--conditions=@fanfare/source", copy.program("main.ts"), ...args];
	const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" };
	const run = promisify(execFile)(process.execPath, command, { env, maxBuffer: 2 ** 28 });
	const { code, stdout } = await run.then(
		() => ({ code: 0, stdout: "" }),
		(error: unknown) => error as { readonly code: number; readonly stdout: string },
	);
	expect(code).toBe(1);
	return stdout.split("\n");
}

/** The lines between these two, without their indentation. */
function between(lines: readonly string[], first: string, last: RegExp): readonly string[] {
	const start = lines.indexOf(first);
	const length = lines.slice(start).findIndex((line) => last.test(line));
	expect(start).toBeGreaterThanOrEqual(0);
	expect(length).toBeGreaterThan(1);
	return lines.slice(start + 1, start + length).map((line) => line.trim());
}

it("names the seed, fewer steps, and a command that shows the same breach again", async () => {
	using copy = new PlantedCopy(BUG.name);
	const engines = ["--engines", `${copy.engines}`];
	const found = await failing(copy, "--from", `${BUG.seed}`, "--seeds", "1", ...engines);
	const title = `seed ${BUG.seed} breaks a promise:`;
	const breaches = between(found, title, /^the shortest history/);
	const steps = between(found, "the shortest history found that does:", /^replay it with/);
	const all = Number(/^in all: 1 seeds .*, (\d+) steps, .* 1 failed$/m.exec(found.join("\n"))?.[1]);
	expect(steps.filter((step) => step.includes(", then ")).length).toBeLessThan(all);

	const command = found.find((line) => line.startsWith("replay it with: "));
	const [, path = ""] =
		/^replay it with: npm run simulate -- --seed 1 --engines 1 --path ([\d:]+) --trace$/.exec(command ?? "") ?? [];
	expect(path).toContain(":");
	const replayed = await failing(copy, "--seed", `${BUG.seed}`, ...engines, "--path", path, "--trace");
	expect(between(replayed, title, /^the shortest history/)).toEqual(breaches);
	expect(between(replayed, "the shortest history found that does:", /^replay it with/)).toEqual(steps);
	expect(replayed.some((line) => breaches.some((breach) => line.includes(breach)))).toBe(true);
});
