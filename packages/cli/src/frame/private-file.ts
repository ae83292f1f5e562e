// Files with secrets, in the folder for configuration: only their owner can read them, and they are written whole or not at all.
import {
	chmodSync,
	existsSync,
	linkSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import envPaths from "env-paths";

import { CommandError, EXIT } from "./failure.ts";

/** Where Windows has no modes, the folder of the user protects the file. */
const HAS_MODES = process.platform !== "win32";

/** A file in `FANFARE_CONFIG_DIR`, or in the platform's folder for configuration. */
export function configFile(name: string, env: NodeJS.ProcessEnv = process.env): string {
	const own = env["FANFARE_CONFIG_DIR"];
	return join(own === undefined || own === "" ? envPaths("fanfare", { suffix: "" }).config : own, name);
}

/** Reads the file; null if there is none. Throws if others can read it. `what` is what it has, such as `keys`. */
export function readPrivateFile(file: string, what: string): string | null {
	try {
		if (HAS_MODES && (statSync(file).mode & 0o077) !== 0) {
			throw new CommandError(`Others can read the ${what} in ${file}.`, EXIT.auth, `chmod 600 ${JSON.stringify(file)}`);
		}
		return readFileSync(file, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		if (error instanceof CommandError) throw error;
		throw new CommandError(`The ${what} could not be read from ${file}: ${(error as Error).message}`, EXIT.failed);
	}
}

/** Writes the file: whole or not at all, and for nobody else to read. */
export function writePrivateFile(file: string, what: string, text: string): void {
	write(file, what, text, (temporary) => renameSync(temporary, file));
}

/** Writes the file likewise, but only if there is none yet: what another command has written at the same time stays. */
export function writeFirstPrivateFile(file: string, what: string, text: string): void {
	write(file, what, text, (temporary) => {
		try {
			linkSync(temporary, file);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		}
	});
}

function write(file: string, what: string, text: string, place: (temporary: string) => void): void {
	const temporary = `${file}.${process.pid}.tmp`;
	try {
		makeFolder(dirname(file));
		writeFileSync(temporary, text, { mode: 0o600, flag: "wx" });
		// The umask may have taken bits away, and never adds any.
		if (HAS_MODES) chmodSync(temporary, 0o600);
		place(temporary);
	} catch (error) {
		throw new CommandError(`The ${what} could not be written to ${file}: ${(error as Error).message}`, EXIT.failed);
	} finally {
		rmSync(temporary, { force: true });
	}
}

/** Makes a folder, with those around it. Node's own way never ends where a folder can't be made, such as in `/proc`. */
function makeFolder(folder: string): void {
	if (existsSync(folder)) return;
	const around = dirname(folder);
	if (around !== folder) makeFolder(around);
	try {
		mkdirSync(folder, { mode: 0o700 });
	} catch (error) {
		// Another command may have made it meanwhile.
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
	}
}
