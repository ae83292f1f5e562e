// A new file of any size, which gets its name when it is complete.
import { randomUUID } from "node:crypto";
import { createWriteStream, existsSync, linkSync, renameSync, rmSync } from "node:fs";
import { pipeline } from "node:stream/promises";

import { CommandError, EXIT } from "../../frame/failure.ts";

const SIGNAL_EXIT_CODES = { SIGHUP: 129, SIGINT: EXIT.interrupted, SIGTERM: 143 } as const;
/** What file systems without hard links answer. */
const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

/**
 * Writes pieces to a file beside it, and then gives that its name. Whatever happens before, a signal included, leaves neither. A file that
 * has the name already stays as it is, and is an error.
 */
export async function writeNewFile(path: string, pieces: AsyncIterable<string>): Promise<void> {
	const temporary = `${path}.${randomUUID()}.tmp`;
	const discard = () => rmSync(temporary, { force: true });
	for (const [signal, exitCode] of Object.entries(SIGNAL_EXIT_CODES)) {
		process.once(signal, () => {
			discard();
			process.exit(exitCode);
		});
	}
	try {
		if (existsSync(path)) throw notWritten(`EEXIST: file already exists, open '${path}'`);
		await pipeline(pieces, createWriteStream(temporary, { flags: "wx", flush: true }));
		place(temporary, path);
	} catch (error) {
		// Those of the file name the call of the system that failed; those of the server do not.
		const { syscall, message } = error as NodeJS.ErrnoException;
		throw syscall === undefined ? error : notWritten(message);
	} finally {
		discard();
	}
}

/** Unlike a renaming, a link does not replace what another program has written meanwhile. */
function place(temporary: string, path: string): void {
	try {
		linkSync(temporary, path);
	} catch (error) {
		if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? "") || existsSync(path)) throw error;
		renameSync(temporary, path);
	}
}

function notWritten(message: string): CommandError {
	return new CommandError(`The file could not be written: ${message}`, EXIT.failed);
}
