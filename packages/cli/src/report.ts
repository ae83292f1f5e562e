// How a command fails: a sentence on standard error, and an exit code other than 0.

/** Prints the error for people, without a stack: what they can do is in its message. */
export function reportAndExit(error: unknown): never {
	const message = error instanceof Error ? error.message : String(error);
	for (const line of message.split("\n")) process.stderr.write(`fanfare: ${line}\n`);
	process.exit(1);
}
