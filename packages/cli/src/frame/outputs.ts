// What happens when the command's output can't be written.
import { printableJson } from "../text/printable.ts";
import { CommandError, EXIT, failureLines, ownFailure } from "./failure.ts";

/**
 * From now on, the process ends when its standard output can't be written: quietly if the reader has enough, as `head` does, and otherwise,
 * as on a full disk, with a message and exit code 1.
 */
export function endWithoutOutput(): void {
	process.stdout.on("error", endOutput);
	process.on("exit", reportLast);
}

/** From now on, the process goes on without its outputs, as a server does. */
export function goOnWithoutOutput(): void {
	process.stdout.off("error", endOutput);
	process.off("exit", reportLast);
	process.stderr.on("error", () => {});
}

/** The reader of standard error may have gone, too, or its disk is full. Then nothing can be said. */
export function endWithoutStderr(): void {
	process.stderr.on("error", ({ code }: NodeJS.ErrnoException) => process.exit(code === "EPIPE" ? 0 : EXIT.failed));
}

function endOutput(error: NodeJS.ErrnoException): never {
	process.off("exit", reportLast);
	process.exit(report(error));
}

/** A command that ends right after it has written, as a help does, ends before the event of the error. */
function reportLast(): void {
	const error = process.stdout.errored;
	if (error !== null) process.exitCode = report(error);
}

/** Returns the exit code. */
function report(error: NodeJS.ErrnoException): number {
	if (error.code === "EPIPE") return 0;
	const failure = ownFailure(new CommandError(`Standard output could not be written: ${error.message}`, EXIT.failed));
	const asJson = process.argv.includes("--json");
	process.stderr.write(`${asJson ? printableJson({ error: failure }) : failureLines(failure).join("\n")}\n`);
	return failure.exitCode;
}
