// The file in which a first start leaves the admin key for the operator, where nobody reads what it prints.
import { join, resolve } from "node:path";

import { writePrivateFile } from "./private-file.ts";

/**
 * Writes the key for its owner alone, in place of what an earlier start has left. Returns the path of the file. Throws an
 * error that says what to do if that is not possible.
 */
export function writeAdminKey(dataDir: string, secretKey: string): string {
	const path = join(resolve(dataDir), "admin.key");
	try {
		writePrivateFile(path, `${secretKey}\n`);
	} catch (cause) {
		const why = cause instanceof Error ? cause.message : String(cause);
		const advice = "remove what is in its place, or set FANFARE_ADMIN_KEY to a key of your own";
		throw new Error(`the admin key of the first start can't be written to ${path} (${why}): ${advice}`, { cause });
	}
	return path;
}
