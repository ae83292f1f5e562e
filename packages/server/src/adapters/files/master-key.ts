// The master key in the data directory: made at the first start, readable by its owner alone, changed without a gap.
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

import { createSealer, MASTER_KEY_BYTES } from "../../core/crypto/sealing.ts";

const KEY_FILE = "master.key";
/** Where a new key waits until the store is encrypted under it: a crash on the way leaves both keys at hand. */
const NEXT_KEY_FILE = "master.key.next";
const FILE_MODE = 0o600;
const OTHERS_MASK = 0o077;

/** The master key can't be found or read; the message says why and what to do. */
export class MasterKeyFileError extends Error {
	override readonly name = "MasterKeyFileError";
}

/**
 * The key of the data directory's file. `storeFingerprint` tells which key the store was encrypted under, null for a new
 * store: only then a missing file is made. Throws `MasterKeyFileError` if the file is missing, open to others or no key.
 */
export function loadMasterKey(dataDir: string, storeFingerprint: string | null): Uint8Array {
	finishChange(dataDir, storeFingerprint);
	const path = join(dataDir, KEY_FILE);
	if (existsSync(path)) return readKeyFile(path);
	if (storeFingerprint !== null) {
		throw new MasterKeyFileError(
			`${path} is missing, and this data is encrypted under it: restore it from a backup, or set FANFARE_MASTER_KEY to that key`,
		);
	}
	const key = randomBytes(MASTER_KEY_BYTES);
	writeKeyFile(dataDir, KEY_FILE, key);
	return key;
}

/** Keeps a new key beside the old one, until `finishChange` sees that the store is encrypted under it. */
export function stageMasterKey(dataDir: string, key: Uint8Array): void {
	writeKeyFile(dataDir, NEXT_KEY_FILE, key);
}

/** Puts a staged key into its place if the store is encrypted under it. */
export function finishChange(dataDir: string, storeFingerprint: string | null): void {
	const next = join(dataDir, NEXT_KEY_FILE);
	if (!existsSync(next) || createSealer(readKeyFile(next)).fingerprint !== storeFingerprint) return;
	renameSync(next, join(dataDir, KEY_FILE));
	syncDirectory(dataDir);
}

function readKeyFile(path: string): Uint8Array {
	const { mode } = statSync(path);
	if ((mode & OTHERS_MASK) !== 0) {
		throw new MasterKeyFileError(
			`${path} can be read by others (mode ${(mode & 0o777).toString(8)}): run chmod 600 on it`,
		);
	}
	const key = Buffer.from(readText(path).trim(), "base64");
	if (key.length !== MASTER_KEY_BYTES) {
		throw new MasterKeyFileError(`${path} must hold the base64 of ${MASTER_KEY_BYTES} bytes: restore it from a backup`);
	}
	return key;
}

function readText(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		if (!(error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM")))
			throw error;
		throw new MasterKeyFileError(
			`${path} can't be read by this user: give it to the user that runs the server, and to no other`,
			{ cause: error },
		);
	}
}

/** Writes all of the file or nothing. */
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
