// The commands for whoever operates a server: `config` and `migrate`.
import { writeFileSync } from "node:fs";

import { openDataFixture } from "@fanfare/testkit/fixture/data-fixture";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { runInProcess } from "./support/in-process.ts";

it("config shows each setting with its source, and no secret", async () => {
	using dir = new TemporaryDir();
	const masterKey = Buffer.alloc(32, 7).toString("base64");
	const env = {
		FANFARE_CONFIG_DIR: dir.join("config"),
		FANFARE_MASTER_KEY: masterKey,
		FANFARE_PROXY: "http://user:password@proxy.example:3128",
		FANFARE_KEY: "sk_abcdefgh",
		FANFARE_URL: "https://user:password@fanfare.example.com",
	};
	const { code, stdout, stderr } = await runInProcess(["config", "--port", "99", "--json"], { env });
	expect([code, stderr]).toEqual([0, ""]);
	const rows = stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line) as Record<string, string>);
	expect(rows).toEqual(
		expect.arrayContaining([
			{ of: "server", name: "port", value: "99", source: "--port" },
			{ of: "server", name: "host", value: "127.0.0.1", source: "default" },
			{ of: "server", name: "master-key", value: "***", source: "FANFARE_MASTER_KEY" },
			{ of: "command", name: "url", value: "https://***@fanfare.example.com", source: "FANFARE_URL" },
			{ of: "command", name: "key", value: "***", source: "FANFARE_KEY" },
		]),
	);
	for (const secret of [masterKey, "password", "sk_abcdefgh"]) expect(stdout).not.toContain(secret);
	writeFileSync(dir.join("secret"), masterKey);
	const { FANFARE_MASTER_KEY: _, ...others } = env;
	const file = await runInProcess(["config"], { env: { ...others, FANFARE_MASTER_KEY_FILE: dir.join("secret") } });
	expect(file.stdout).toMatch(/^master-key +\*\*\* +FANFARE_MASTER_KEY_FILE$/m);
	const wrong = await runInProcess(["config"], { env: { ...env, FANFARE_PORT: "many" } });
	expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
		1,
		"",
		expect.stringContaining('FANFARE_PORT must be a port number (0–65535), got "many"'),
	]);
});

it("migrate says how long it takes and how much room it needs, and then does it", async () => {
	using fixture = openDataFixture("0.1");
	const args = ["migrate", "--data-dir", fixture.dataDir, "--json"];
	const plan = await runInProcess([...args, "--check"]);
	expect([plan.code, plan.stderr]).toEqual([0, ""]);
	const { schemaVersion, knownVersion, rows, neededBytes } = JSON.parse(plan.stdout) as Record<string, number>;
	expect(JSON.parse(plan.stdout)).toMatchObject({ isNeeded: true });
	expect([schemaVersion, rows, neededBytes].every((value) => (value ?? 0) > 0)).toBe(true);
	expect(schemaVersion).toBeLessThan(knownVersion ?? 0);
	// Checking has changed nothing.
	const again = JSON.parse((await runInProcess([...args, "--check"])).stdout) as Record<string, number>;
	expect(again).toMatchObject({ isNeeded: true, schemaVersion, rows, neededBytes });
	const done = await runInProcess(args);
	expect([done.code, JSON.parse(done.stdout)]).toEqual([0, expect.objectContaining({ migrated: true })]);
	const after = await runInProcess([...args, "--check"]);
	expect(JSON.parse(after.stdout)).toMatchObject({
		isNeeded: false,
		schemaVersion: knownVersion,
		rows: 0,
		neededBytes: 0,
	});
});

it("migrate creates nothing where there is no data", async () => {
	using dir = new TemporaryDir();
	const { code, stdout, stderr } = await runInProcess(["migrate", "--data-dir", dir.join("none")]);
	expect([code, stdout]).toEqual([1, ""]);
	expect(stderr).toMatch(/^fanfare: there is no Fanfare data in .*none/);
});

it("refuses a file with lines that can have no effect, and `config` names the file as the source", async () => {
	using dir = new TemporaryDir();
	const file = dir.join("settings.env");
	const env = { FANFARE_SETTINGS_FILE: file, FANFARE_LOG_LEVEL: "warn" };
	const lines = [
		"FANFARE_PORT=1",
		"FANFARE_LOG_LEVEL=debug",
		"FANFARE_MAX_KEYS",
		"FANFARE_RELAYS=true",
		"export FANFARE_RELAYS=false",
	];
	writeFileSync(file, lines.join("\n"));
	const { code, stderr } = await runInProcess(["config", "--data-dir", dir.join("data")], { env });
	expect([code, stderr.trim().split("\n")]).toEqual([
		1,
		[
			`fanfare: ${file}, line 1: FANFARE_PORT cannot change while the server runs: set it in the environment`,
			`fanfare: ${file}, line 2: FANFARE_LOG_LEVEL is also set in the environment: remove one of them`,
			`fanfare: ${file}, line 3 must be of the form FANFARE_LOG_LEVEL=debug`,
			`fanfare: ${file}, line 5: FANFARE_RELAYS appears a second time: remove one of them`,
		],
	]);
	writeFileSync(file, 'FANFARE_MAX_KEYS="7" # few\nFANFARE_LOGLEVEL=debug\n');
	const typo = await runInProcess(["config"], { env });
	expect([typo.code, typo.stderr]).toEqual([1, expect.stringContaining("did you mean FANFARE_LOG_LEVEL?")]);
	writeFileSync(file, 'FANFARE_MAX_KEYS="7" # few\n');
	const { stdout } = await runInProcess(["config", "--json"], { env });
	const rows = stdout
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line) as { name: string; source: string });
	expect(rows.find(({ name }) => name === "max-keys")).toMatchObject({ value: "7", source: file });
});
