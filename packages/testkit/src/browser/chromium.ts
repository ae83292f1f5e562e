// Finds a Chromium for tests of the page, and says how to get one.
import { findProgram } from "../programs/find-program.ts";

/** Debian's Chromium without windows: tests take a third less CPU time with it. */
export const HEADLESS_SHELL = "chromium-headless-shell";
/** Names of the command, in the order in which they are looked for in the PATH. */
const COMMANDS = [HEADLESS_SHELL, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
const PLACES = [
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** What to do if there is none. */
export const HOW_TO_GET_CHROMIUM =
	"No Chromium was found. On Debian, `npm run chromium` installs it if you are root. Otherwise install Chromium or Chrome, " +
	"or set FANFARE_CHROMIUM to its path.";

/**
 * The path of a Chromium or Chrome: `FANFARE_CHROMIUM` if it is set, otherwise one in the PATH or in its usual place. Null if there is
 * none.
 */
export function findChromium(env: Readonly<Record<string, string | undefined>> = process.env): string | null {
	const named = env["FANFARE_CHROMIUM"] ?? "";
	if (named !== "") return named;
	return findProgram(COMMANDS, PLACES, env["PATH"] ?? "");
}
