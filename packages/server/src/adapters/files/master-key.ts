// The master key file in the data directory: generated on the first start, readable only by its owner, replaced
// atomically.
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

import { MASTER_KEY_BYTES, masterKeyFingerprint } from "../../core/crypto/sealing.ts";

const KEY_FILE = "master.key";
/**
 * The new key during a rotation. It replaces the key file once the store is encrypted under it; after a crash, both
 * keys exist.
 */
const NEXT_KEY_FILE = "master.key.next";
const FILE_MODE = 0o600;
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
			`${path} is missing, and the data is encrypted under its key: restore it from a backup, or set FANFARE_MASTER_KEY to that key`,
		);
	}
	const key = randomBytes(MASTER_KEY_BYTES);
	writeKeyFile(dataDir, KEY_FILE, key);
	return key;
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
	const { mode } = statSync(path);
	if ((mode & OTHERS_MASK) !== 0) {
		throw new MasterKeyFileError(
			`${path} can be read by other users (mode ${(mode & 0o777).toString(8)}): run chmod 600 on it`,
		);
	}
	const key = Buffer.from(readText(path).trim(), "base64");
	if (key.length !== MASTER_KEY_BYTES) {
		throw new MasterKeyFileError(`${path} must contain ${MASTER_KEY_BYTES} bytes in base64: restore it from a backup`);
	}
	return key;
}

function readText(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		if (!(error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM")))
			throw error;
		throw new MasterKeyFileError(`${path} can't be read by this user: make the user that runs the server its owner`, {
			cause: error,
		});
	}
}

/** Writes the file atomically: completely or not at all. */
function writeKeyFile(dataDir: string, name: string, key: Uint8Array): void {
	const path = join(dataDir, name);
	const temporary = `${path}.tmp`;
	const file = openSync(temporary, "w", FILE_MODE);
	try {
		writeSync(file, `${Buffer.from(key).toString("base64")}\n`);
		fsyncSync(file);
	} finally {
		closeSync(file);
	}
	renameSync(temporary, path);
	syncDirectory(dataDir);
}

function syncDirectory(dataDir: string): void {
	const directory = openSync(dataDir, "r");
	try {
		fsyncSync(directory);
	} finally {
		closeSync(directory);
	}
}
