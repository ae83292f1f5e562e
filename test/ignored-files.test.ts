// git, lint and the formatter ignore experiments in try/, and git ignores packed packages.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "fanfare-ignored-"));

beforeAll(() => {
	for (const file of [".oxlintrc.json", ".oxfmtrc.json"]) cpSync(join(root, file), join(folder, file));
	for (const name of ["try", "kept"]) {
		mkdirSync(join(folder, name));
		writeFileSync(join(folder, name, "bad.ts"), "debugger\nexport   default 1\n");
	}
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a tool prints about the folder, which has its configuration and no .gitignore. */
function outputOf(tool: string, args: readonly string[]): string {
	const { stdout, stderr } = spawnSync(join(root, "node_modules/.bin", tool), args, { cwd: folder, encoding: "utf8" });
	return stdout + stderr;
}

it.each(["try/notes.md", "try/deep/trial.ts", "fanfare-0.1.0.tgz", "packages/sdk/fanfare-sdk-0.1.0.tgz"])(
	"git ignores %s",
	(path) => {
		expect(execFileSync("git", ["check-ignore", "--no-index", path], { cwd: root, encoding: "utf8" })).toBe(
			`${path}\n`,
		);
	},
);

it.each([
	["oxlint", []],
	["oxfmt", ["--check"]],
])("%s looks at other folders and not at try/", (tool, args) => {
	const output = outputOf(tool, args);
	expect(output).toContain("kept/bad.ts");
	expect(output).not.toContain("try/bad.ts");
});
