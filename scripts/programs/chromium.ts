// `npm run chromium`: says where the Chromium for the tests of the page is. If there is none, installs Debian's, as root on Debian.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

import { findChromium, HOW_TO_GET_CHROMIUM } from "../../packages/testkit/src/browser/chromium.ts";

const isDebian = existsSync("/etc/debian_version");
const isRoot = process.getuid?.() === 0;

if (findChromium() === null && isDebian && isRoot) {
	const apt = (...args: readonly string[]) =>
		execFileSync("apt-get", args, {
			stdio: ["ignore", "inherit", "inherit"],
			env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
		});
	apt("update", "-q");
	// The fonts, so that texts have a width that tests can rely on.
	apt("install", "-q", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core");
}
const path = findChromium();
if (path === null) {
	console.error(HOW_TO_GET_CHROMIUM);
	process.exitCode = 1;
} else console.log(`Chromium for the tests of the page: ${path}`);
