// The scripts of completion in a shell.
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, it } from "vitest";

import { World } from "./support/world.ts";

const execute = promisify(execFile);
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

it("bash completes with the script, and runs nothing of what was typed", async () => {
	await using world = await World.start();
	await world.json`webhooks create https://example.com/b --name billing`;
	mkdirSync(world.dir.join("bin"));
	const fanfare = world.dir.join("bin/fanfare");
	writeFileSync(fanfare, `#!/bin/sh\nexec "${process.execPath}" --conditions=@fanfare/source "${MAIN}" "$@"\n`);
	chmodSync(fanfare, 0o755);
	const script = `set -u; source <(fanfare completion bash)
COMP_WORDS=(fanfare webhooks pause '$(touch ran)' bil); COMP_CWORD=4; _fanfare
COMP_WORDS=(fanfare webhooks pause bil); COMP_CWORD=3; _fanfare; printf '%s\\n' "\${COMPREPLY[@]}"`;
	const env = {
		...world.scriptEnv,
		FANFARE_COMPLETION_TIMEOUT: "5m",
		PATH: `${world.dir.join("bin")}:${process.env["PATH"] ?? ""}`,
	};
	const { stdout, stderr } = await execute("bash", ["--norc", "-c", script], { env, cwd: world.dir.join(".") });
	expect([stdout, stderr]).toEqual(["billing\n", ""]);
	await expect(execute("test", ["-e", world.dir.join("ran")])).rejects.toThrow(/failed/);
});
