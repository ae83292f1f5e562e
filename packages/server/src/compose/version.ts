// The version of this package.
import { readFileSync } from "node:fs";

/** Such as `0.2.0`. */
export const VERSION = readVersion();

function readVersion(): string {
	const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
	const version = typeof manifest === "object" && manifest !== null && "version" in manifest ? manifest.version : null;
	if (typeof version !== "string") throw new Error("the package.json of @fanfare/server has no version");
	return version;
}
