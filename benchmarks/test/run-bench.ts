// Runs `npm run bench` in a process of its own.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Only a run that hangs takes this long. On a machine that compiles on all cores beside it, a quick run takes some minutes. */
export const WITHIN_MS = 1_800_000;

type Output = Promise<{ readonly stdout: string; readonly stderr: string }>;

export function bench(...args: readonly string[]): Output {
	return benchOn([], ...args);
}

/** `options` are those of Node, which the processes of the run get, too. */
export function benchOn(options: readonly string[], ...args: readonly string[]): Output {
	return promisify(execFile)(process.execPath, [...options, "--conditions=@fanfare/source", MAIN, ...args]);
}
