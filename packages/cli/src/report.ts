// Reports the failure of a command: an error message on standard error, and exit code 1.

/** Prints the error's message without a stack trace, and ends the process. The message says what the user can do. */
export function reportAndExit(error: unknown): never {
	const message = error instanceof Error ? error.message : String(error);
	for (const line of message.split("\n")) process.stderr.write(`fanfare: ${line}\n`);
	process.exit(1);
}
