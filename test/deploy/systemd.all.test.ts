// The units of deploy/systemd: systemd accepts them, gives them a good score, and the timer's backup command works.
import { execFile } from "node:child_process";
import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { findDebianProgram } from "@fanfare/testkit/programs/debian-program";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { sayIfSkipped } from "./skipped.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const units = globSync("deploy/systemd/*.{service,timer}", { cwd: root }).sort();
/** How exposed a unit may be at most, as `systemd-analyze security` counts: 10 is a unit without any restriction. */
const WORST_SCORE = { fanfare: 2, "fanfare-backup": 3 };

const analyze = await findDebianProgram("systemd", "usr/bin/systemd-analyze");
sayIfSkipped(analyze);

it.skipIf(analyze.path === null)("are accepted by systemd without a warning", async () => {
	expect(units).toEqual(
		["fanfare-backup.service", "fanfare-backup.timer", "fanfare.service"].map((name) => `deploy/systemd/${name}`),
	);
	const { stdout, stderr } = await run(analyze.path!, ["verify", ...units], { cwd: root });
	expect(stdout + stderr).toBe("");
});

it.skipIf(analyze.path === null).each(Object.entries(WORST_SCORE))(
	"%s.service has little that it could misuse",
	async (name, worst) => {
		const { stdout } = await run(analyze.path!, ["security", "--offline=true", `deploy/systemd/${name}.service`], {
			cwd: root,
		});
		const [, score] = /Overall exposure level for .*: ([\d.]+)/.exec(stdout)!;
		expect(Number(score)).toBeLessThanOrEqual(worst);
	},
);

it("the backup service's command makes the backup of a running server", async () => {
	const unit = readFileSync(join(root, "deploy/systemd/fanfare-backup.service"), "utf8");
	const [, command] = /^ExecStart=\/bin\/sh -c '(.*)'$/m.exec(unit)!;
	await using server = await startServerProcess();
	using dir = new TemporaryDir();
	mkdirSync(dir.join("bin"));
	const main = join(root, "packages/cli/src/main.ts");
	writeFileSync(
		dir.join("bin/fanfare"),
		`#!/bin/sh\nexec "${process.execPath}" --conditions=@fanfare/source "${main}" "$@"\n`,
	);
	chmodSync(dir.join("bin/fanfare"), 0o755);
	// systemd itself replaces %% and $$.
	const script = command!
		.replaceAll("%%", "%")
		.replaceAll("$$", "$")
		.replaceAll("/var/backups/fanfare", dir.path)
		.replaceAll("/var/lib/fanfare", server.dataDir);
	const path = `${dir.join("bin")}${delimiter}${process.env["PATH"] ?? ""}`;
	await run("/bin/sh", ["-c", script], { env: { ...process.env, PATH: path } });
	const day = new Date().getDay();
	const days = [day, (day + 6) % 7, (day + 1) % 7].map((number) => dir.join(`fanfare-${number === 0 ? 7 : number}.db`));
	expect(days.filter((file) => existsSync(file))).toHaveLength(1);
});
