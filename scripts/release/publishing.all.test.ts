// The printed command publishes the packed file: npm itself says so, without sending anything.
import { execSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { publishCommand } from "./publishing.ts";

it.each(["1.2.3", "1.2.3-rc.1"])("publishes the packed file of %s", (version) => {
	using dir = new TemporaryDir();
	writeFileSync(dir.join("package.json"), JSON.stringify({ name: "@fanfare/packed", version }));
	mkdirSync(dir.join("release"));
	const run = (command: string) => execSync(command, { cwd: dir.path, encoding: "utf8", stdio: "pipe" });
	const tarball = run("npm pack --silent --pack-destination release").trim();
	const command = publishCommand(`release/${tarball}`, version);
	expect(run(`${command} --dry-run --offline`)).toContain(`+ @fanfare/packed@${version}`);
});
