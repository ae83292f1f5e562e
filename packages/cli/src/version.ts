// The version of the command.
import { readFileSync } from "node:fs";

/** The version in package.json, which is beside both the sources and the build. */
export const VERSION = (
	JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string }
).version;
