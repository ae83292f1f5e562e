// Secrets in files, as container platforms mount them: `FANFARE_MASTER_KEY_FILE` names a file that has the value of `FANFARE_MASTER_KEY`.
import { closeSync, openSync, readSync } from "node:fs";

const SUFFIX = "_FILE";
/** No secret is nearly as long. */
const MAX_BYTES = 16_384;

/** The variable that names the file with a secret: `FANFARE_MASTER_KEY` → `FANFARE_MASTER_KEY_FILE`. */
export function fileVariableOf(variable: string): string {
	return variable + SUFFIX;
}

export function isFileVariable(variable: string): boolean {
	return variable.endsWith(SUFFIX);
}

/**
 * The value of a secret variable: its own, or the content of the file that its `…_FILE` variable names, without white space around it;
 * undefined if neither is set. Throws an `Error` that says what to do, and contains no secret.
 *
 * @example
 * readSecret({ FANFARE_MASTER_KEY_FILE: "/run/secrets/master-key" }, "FANFARE_MASTER_KEY");
 */
export function readSecret(
	environment: Readonly<Record<string, string | undefined>>,
	variable: string,
): string | undefined {
	const fileVariable = fileVariableOf(variable);
	const path = environment[fileVariable];
	if (path === undefined) return environment[variable];
	if (environment[variable] !== undefined) {
		throw new Error(`${variable} and ${fileVariable} are both set: leave one of them unset`);
	}
	if (path === "") throw new Error(`${fileVariable} is set but empty: give it the path of a file, or leave it unset`);
	const text = readStart(path, fileVariable);
	if (text.length > MAX_BYTES) {
		throw new Error(`${fileVariable} names ${path}, which is too large for a secret (more than ${MAX_BYTES} bytes)`);
	}
	if (text.trim() === "") throw new Error(`${fileVariable} names ${path}, which is empty`);
	return text.trim();
}

/** No more than is needed to see that it is too large: the path may be that of a device. */
function readStart(path: string, variable: string): string {
	const buffer = Buffer.alloc(MAX_BYTES + 1);
	let size = 0;
	try {
		const file = openSync(path, "r");
		try {
			for (let read = 1; read > 0 && size < buffer.length; size += read) {
				read = readSync(file, buffer, size, buffer.length - size, null);
			}
		} finally {
			closeSync(file);
		}
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		throw new Error(`${variable} must name a file that can be read: ${reason}`, { cause: error });
	}
	return buffer.toString("utf8", 0, size);
}
