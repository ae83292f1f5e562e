// The master key file in the data directory: generated on the first start, readable only by its owner, replaced
// atomically.
import { randomBytes } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";

import { MASTER_KEY_BYTES, masterKeyFingerprint } from "../../core/crypto/sealing.ts";
import { readPrivateFile, syncDirectory, writePrivateFile } from "./private-file.ts";

const KEY_FILE = "master.key";
/**
 * The new key during a rotation. It replaces the key file once the store is encrypted under it; after a crash, both
 * keys exist.
 */
const NEXT_KEY_FILE = "master.key.next";
const OTHERS_MASK = 0o077;

/** The master key can't be found or read. The message says why and what to do. */
class MasterKeyFileError extends Error {
	override readonly name = "MasterKeyFileError";
}

/**
 * Reads the data directory's master key. `storeFingerprint` is that of the key that the store was encrypted under, null
 * for a new store: only then is a missing key file generated. Throws a `MasterKeyFileError` if the file is missing, is
 * readable by others, or does not contain a key.
 */
export function loadMasterKey(dataDir: string, storeFingerprint: string | null): Uint8Array {
	finishChange(dataDir, storeFingerprint);
	const path = join(dataDir, KEY_FILE);
	if (existsSync(path)) return readKeyFile(path);
	if (storeFingerprint !== null) {
		throw new MasterKeyFileError(
			`${path} is missing, and the data is encrypted under its key: put your copy of it there, or set FANFARE_MASTER_KEY to that key. It is not in a backup`,
		);
	}
	const key = randomBytes(MASTER_KEY_BYTES);
	writeKeyFile(dataDir, KEY_FILE, key);
	return key;
}

/**
 * The key of a data directory that this process may not own: changes nothing. `storeFingerprint` chooses between the key and one that
 * a rotation has left beside it. Null if there is no key file. Throws a `MasterKeyFileError` as `loadMasterKey` does.
 */
export function findMasterKey(dataDir: string, storeFingerprint: string): Uint8Array | null {
	const next = join(dataDir, NEXT_KEY_FILE);
	if (existsSync(next)) {
		const key = readKeyFile(next);
		if (masterKeyFingerprint(key) === storeFingerprint) return key;
	}
	const path = join(dataDir, KEY_FILE);
	return existsSync(path) ? readKeyFile(path) : null;
}

/** Writes a new key beside the old one, until `finishChange` sees that the store is encrypted under it. */
export function stageMasterKey(dataDir: string, key: Uint8Array): void {
	writeKeyFile(dataDir, NEXT_KEY_FILE, key);
}

/** Makes a staged key the current one if the store is encrypted under it. Otherwise does nothing. */
export function finishChange(dataDir: string, storeFingerprint: string | null): void {
	const next = join(dataDir, NEXT_KEY_FILE);
	if (!existsSync(next) || masterKeyFingerprint(readKeyFile(next)) !== storeFingerprint) return;
	renameSync(next, join(dataDir, KEY_FILE));
	syncDirectory(dataDir);
}

function readKeyFile(path: string): Uint8Array {
	const { text, mode } = read(path);
	if ((mode & OTHERS_MASK) !== 0) {
		throw new MasterKeyFileError(`${path} can be read by other users (mode ${mode.toString(8)}): run chmod 600 on it`);
	}
	const key = Buffer.from(text.trim(), "base64");
	if (key.length !== MASTER_KEY_BYTES) {
		throw new MasterKeyFileError(`${path} must contain ${MASTER_KEY_BYTES} bytes in base64: put your copy of it there`);
	}
	return key;
}

function read(path: string): ReturnType<typeof readPrivateFile> {
	try {
		return readPrivateFile(path);
	} catch (error) {
		const code = error instanceof Error && "code" in error ? error.code : "";
		if (code === "ELOOP") {
			const advice = "put the file itself there, or set FANFARE_MASTER_KEY to its key";
			throw new MasterKeyFileError(`${path} is a link, which is not followed: ${advice}`, { cause: error });
		}
		if (code !== "EACCES" && code !== "EPERM") throw error;
		throw new MasterKeyFileError(`${path} can't be read by this user: make the user that runs the server its owner`, {
			cause: error,
		});
	}
}

function writeKeyFile(dataDir: string, name: string, key: Uint8Array): void {
	writePrivateFile(join(dataDir, name), `${Buffer.from(key).toString("base64")}\n`);
}
