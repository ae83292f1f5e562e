// Finds programs of the machine in the PATH.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * The path of the first program that can be run: each name in each folder of the PATH, then the `places`. Null if there is none.
 *
 * @example
 * findProgram(["chromium", "google-chrome"], ["/Applications/Chromium.app/Contents/MacOS/Chromium"]);
 */
export function findProgram(
	names: readonly string[],
	places: readonly string[] = [],
	path = process.env["PATH"] ?? "",
): string | null {
	const folders = path.split(delimiter).filter((folder) => folder !== "");
	const inPath = names.flatMap((name) => folders.map((folder) => join(folder, name)));
	return [...inPath, ...places].find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
