// Files that only their owner may read. A link in their place is never followed: it could lead to another file.
import {
	closeSync,
	constants,
	fstatSync,
	fsyncSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

const FILE_MODE = 0o600;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** Writes a file atomically: completely or not at all. Replaces what is there, and a link itself, not its target. */
export function writePrivateFile(path: string, text: string): void {
	const temporary = `${path}.tmp`;
	// What a crash has left.
	rmSync(temporary, { force: true });
	const file = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
	try {
		writeFileSync(file, text);
		fsyncSync(file);
	} finally {
		closeSync(file);
	}
	renameSync(temporary, path);
	syncDirectory(dirname(path));
}

/** The text of a file and its permissions. Throws an error with the code `ELOOP` if it is a link. */
export function readPrivateFile(path: string): { readonly text: string; readonly mode: number } {
	// Without O_NONBLOCK, a named pipe would be waited for.
	const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	try {
		const { mode } = fstatSync(file);
		return { text: readFileSync(file, "utf8"), mode: mode & 0o777 };
	} finally {
		closeSync(file);
	}
}

/** Makes new names in a directory durable. */
export function syncDirectory(path: string): void {
	const directory = openSync(path, "r");
	try {
		fsyncSync(directory);
	} finally {
		closeSync(directory);
	}
}
