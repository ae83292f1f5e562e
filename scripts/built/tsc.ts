// Runs the compiler of TypeScript with no more CPU time than its checks need.
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** Not the command `tsc`, which Windows finds by a shell alone. */
const COMPILER = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));

/** On so many processors or fewer, one checker is enough: each further one computes most types of its files again. */
const FEW_PROCESSORS = 2;
/** Lets Go collect garbage less often: a seventh of the time of one checker is collecting otherwise, and the memory of four suffices. */
const GOGC = "400";

/** Compiles or checks a project. Throws if the compiler finds an error, after it has printed what it is. */
export function tsc(args: readonly string[]): void {
	const isSmall = availableParallelism() <= FEW_PROCESSORS;
	execFileSync(process.execPath, [COMPILER, ...args, ...(isSmall ? ["--checkers", "1"] : [])], {
		stdio: "inherit",
		env: isSmall ? { GOGC, ...process.env } : process.env,
	});
}
