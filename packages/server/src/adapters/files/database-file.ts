// Files of databases as plain files: what a file is by its first bytes, and copies of it.
import { constants, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

const MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;
const CHUNK_BYTES = 1_024 * 1_024;
const FILE_MODE = 0o600;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/** A file that can't be used; the message says why and what to do. */
export class BackupFileError extends Error {
	override readonly name = "BackupFileError";
}

/** Opens a backup for reading; a link is followed. Throws a `BackupFileError` if it is no database, or only a part of one. */
export async function openBackup(path: string): Promise<{ readonly file: FileHandle; readonly bytes: number }> {
	let file: FileHandle;
	try {
		// Without O_NONBLOCK, a named pipe would be waited for.
		file = await open(path, O_RDONLY | O_NONBLOCK);
	} catch (cause) {
		throw new BackupFileError(`${path} can't be read: ${reasonOf(cause)}`, { cause });
	}
	try {
		const stats = await file.stat();
		if (!stats.isFile()) throw new BackupFileError(`${path} is no file: name the file that fanfare backup has written`);
		return { file, bytes: await checkedSize(path, file, stats) };
	} catch (error) {
		await file.close();
		throw error;
	}
}

/** The size of a database file, which must have all the pages that its first bytes promise. */
async function checkedSize(path: string, file: FileHandle, { size }: Stats): Promise<number> {
	const header = Buffer.alloc(HEADER_BYTES);
	await file.read(header, 0, HEADER_BYTES, 0);
	if (header.toString("latin1", 0, MAGIC.length) !== MAGIC) {
		throw new BackupFileError(`${path} is no database: name a file that fanfare backup has written`);
	}
	const field = header.readUInt16BE(16);
	const promised = (field === 1 ? 65_536 : field) * header.readUInt32BE(28);
	if (size < promised) {
		throw new BackupFileError(`${path} is incomplete: it has ${size} of ${promised} bytes. Copy it again`);
	}
	return size;
}

/** Whether the file begins like a database, or is empty. */
export async function isDatabaseFile(path: string): Promise<boolean> {
	const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	try {
		const start = Buffer.alloc(MAGIC.length);
		const { bytesRead } = await file.read(start, 0, MAGIC.length, 0);
		return bytesRead === 0 || start.toString("latin1") === MAGIC;
	} finally {
		await file.close();
	}
}

/** Creates an empty file for its owner alone, whatever the umask. Throws if the name is taken, also by a link. */
export async function createPrivate(path: string): Promise<FileHandle> {
	const file = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
	await file.chmod(FILE_MODE);
	return file;
}

/** Copies what `source` has into the new file `path`. Calls `onProgress` with the bytes so far. It is not synced to the disk. */
export async function copyInto(
	source: FileHandle,
	path: string,
	signal: AbortSignal,
	onProgress: (bytes: number) => void,
): Promise<void> {
	const target = await createPrivate(path);
	try {
		const chunk = Buffer.alloc(CHUNK_BYTES);
		for (let position = 0; ;) {
			signal.throwIfAborted();
			const { bytesRead } = await source.read(chunk, 0, CHUNK_BYTES, position);
			if (bytesRead === 0) return;
			for (let written = 0; written < bytesRead;) {
				written += (await target.write(chunk, written, bytesRead - written)).bytesWritten;
			}
			position += bytesRead;
			onProgress(position);
		}
	} finally {
		await target.close();
	}
}

/** Makes the contents of a file durable. */
export async function syncFile(path: string): Promise<void> {
	const file = await open(path, O_RDWR | O_NOFOLLOW);
	try {
		await file.sync();
	} finally {
		await file.close();
	}
}

const PLAIN_WORDS: Readonly<Record<string, string>> = {
	ENOENT: "it does not exist",
	EACCES: "this user has no permission",
	EPERM: "this user has no permission",
	EROFS: "the file system is read-only",
	ENOSPC: "the disk is full",
	EDQUOT: "the quota of the disk is used up",
	ENOTDIR: "a part of its path is not a directory",
	EISDIR: "it is a directory",
	ELOOP: "a part of its path is a link to itself",
	ENAMETOOLONG: "its path is too long",
};

/** Why a call of the file system has failed, in words. */
export function reasonOf(error: unknown): string {
	const code = error instanceof Error && "code" in error ? String(error.code) : "";
	return PLAIN_WORDS[code] ?? (error instanceof Error ? error.message : String(error));
}
