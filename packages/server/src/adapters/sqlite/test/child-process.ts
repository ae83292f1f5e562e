// A second Node process for tests: runs a module that is given as text, and reads the lines that it prints.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { COMPILE_CACHE } from "@fanfare/testkit/programs/compile-cache";

export interface Child extends AsyncDisposable {
	readonly pid: number;
	/** All lines printed so far; complete after `kill`. */
	readonly lines: readonly string[];
	/** Waits for a line. Rejects with the last lines that were printed if the process ends before. */
	line(wanted: string): Promise<void>;
	/** Resolves to the signal that ended the process, or to null, when all its lines are read. */
	readonly ended: Promise<NodeJS.Signals | null>;
	/** Kills the process with SIGKILL. Resolves when it has ended and all its lines are read. */
	kill(): Promise<void>;
}

/** Starts `module` with `parameters` as `process.argv[1]` and so on. */
export function startChild(module: string, ...parameters: readonly string[]): Child {
	const options = [`--import=${COMPILE_CACHE}`, "--input-type=module-typescript", "--eval", module];
	const child = spawn(process.execPath, [...options, "--", ...parameters], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const lines: string[] = [];
	const waiting = new Map<string, () => void>();
	const reader = createInterface({ input: child.stdout });
	reader.on("line", (line) => {
		lines.push(line);
		waiting.get(line)?.();
	});
	const ended = Promise.all([once(child, "close"), once(reader, "close")]).then(() => child.signalCode);

	const kill = async () => {
		child.kill("SIGKILL");
		await ended;
	};
	return {
		pid: child.pid ?? 0,
		lines,
		ended,
		kill,
		async line(wanted) {
			if (lines.includes(wanted)) return;
			const found = new Promise<boolean>((resolve) => waiting.set(wanted, () => resolve(true)));
			if (await Promise.race([found, ended.then(() => false)])) return;
			throw new Error(`the process ended without printing ${wanted}; it printed ${lines.slice(-5).join(", ")}`);
		},
		[Symbol.asyncDispose]: kill,
	};
}
