// `npm run chromium`: says where the Chromium for the tests of the page is. As root on Debian, it first installs Debian's without windows, or
// else the whole one.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

import { findChromium, HEADLESS_SHELL, HOW_TO_GET_CHROMIUM } from "../../packages/testkit/src/browser/chromium.ts";
import { findProgram } from "../../packages/testkit/src/programs/find-program.ts";

const isDebian = existsSync("/etc/debian_version");
const isRoot = process.getuid?.() === 0;
const isNamed = (process.env["FANFARE_CHROMIUM"] ?? "") !== "";

if (isDebian && isRoot && !isNamed && findProgram([HEADLESS_SHELL]) === null) {
	const isInstalled = apt("update", "-q") && install(HEADLESS_SHELL);
	// Older releases of Debian have no package of its own for it.
	if (!isInstalled && findChromium() === null) install("chromium");
}
const path = findChromium();
if (path === null) {
	console.error(HOW_TO_GET_CHROMIUM);
	process.exitCode = 1;
} else console.log(`Chromium for the tests of the page: ${path}`);

/** With the fonts, so that texts have a width that tests can rely on. Returns whether it worked; apt has said why not. */
function install(name: string): boolean {
	return apt("install", "-q", "-y", "--no-install-recommends", name, "fonts-dejavu-core");
}

function apt(...args: readonly string[]): boolean {
	try {
		execFileSync("apt-get", args, {
			stdio: ["ignore", "inherit", "inherit"],
			env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
		});
		return true;
	} catch {
		return false;
	}
}
