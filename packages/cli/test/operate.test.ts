// The commands for whoever operates a server: `dev`, `config`, `migrate`, and the help of `serve`.
import { readFileSync, writeFileSync } from "node:fs";

import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { openDataFixture } from "@fanfare/testkit/fixture/data-fixture";
import { freePort } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

it("dev starts a server for this machine, keeps its key in a profile, and finds the profile again", async () => {
	using dir = new TemporaryDir();
	const env = { FANFARE_CONFIG_DIR: dir.join("config"), FANFARE_TIMEOUT: "10m" };
	const port = String(await freePort());
	const args = ["dev", "--no-open", "--port", port, "--data-dir", dir.join("data")];
	for (let start = 1; start <= 2; start++) {
		await using server = new FanfareProcess(args, { env });
		const [said] = await server.waitForStderr(/listens on [^]*10 minutes\.\n/);
		expect(said).toMatch(/Profile {4}dev keeps the key[^]*Page {7}http:\/\/127\.0\.0\.1:\d+\/ui\/#link=/);
		expect(server.stdout + server.stderr).not.toContain("sk_");
		const created = await runFanfare(
			[
				"webhooks",
				"create",
				"http://127.0.0.1:9/",
				"--name",
				`n${start}`,
				"--quiet",
				"--save-secret",
				dir.join(`secret${start}`),
				...(start === 1 ? [] : ["--customer", "acme"]),
			],
			{ env },
		);
		expect([created.code, created.stderr]).toEqual([0, ""]);
		server.kill("SIGTERM");
		expect(await server.exited).toEqual({ code: 0, signal: null });
	}
	const profiles = readFileSync(dir.join("config/profiles.json"), "utf8");
	expect(JSON.parse(profiles)).toMatchObject({
		current: "dev",
		profiles: { dev: { url: `http://127.0.0.1:${port}`, isProduction: false } },
	});
});

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
	const { code, stdout, stderr } = await runFanfare(["config", "--port", "99", "--json"], { env });
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
	const file = await runFanfare(["config"], { env: { ...others, FANFARE_MASTER_KEY_FILE: dir.join("secret") } });
	expect(file.stdout).toMatch(/^master-key +\*\*\* +FANFARE_MASTER_KEY_FILE$/m);
	const wrong = await runFanfare(["config"], { env: { ...env, FANFARE_PORT: "many" } });
	expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
		1,
		"",
		expect.stringContaining('FANFARE_PORT must be a port number (0–65535), got "many"'),
	]);
});

it("migrate says how long it takes and how much room it needs, and then does it", async () => {
	using fixture = openDataFixture("0.1");
	const args = ["migrate", "--data-dir", fixture.dataDir, "--json"];
	const plan = await runFanfare([...args, "--check"]);
	expect([plan.code, plan.stderr]).toEqual([0, ""]);
	const { schemaVersion, knownVersion, rows, neededBytes } = JSON.parse(plan.stdout) as Record<string, number>;
	expect(JSON.parse(plan.stdout)).toMatchObject({ isNeeded: true });
	expect([schemaVersion, rows, neededBytes].every((value) => (value ?? 0) > 0)).toBe(true);
	expect(schemaVersion).toBeLessThan(knownVersion ?? 0);
	// Checking has changed nothing.
	const again = JSON.parse((await runFanfare([...args, "--check"])).stdout) as Record<string, number>;
	expect(again).toMatchObject({ isNeeded: true, schemaVersion, rows, neededBytes });
	const done = await runFanfare(args);
	expect([done.code, JSON.parse(done.stdout)]).toEqual([0, expect.objectContaining({ migrated: true })]);
	const after = await runFanfare([...args, "--check"]);
	expect(JSON.parse(after.stdout)).toMatchObject({
		isNeeded: false,
		schemaVersion: knownVersion,
		rows: 0,
		neededBytes: 0,
	});
});

it("migrate creates nothing where there is no data", async () => {
	using dir = new TemporaryDir();
	const { code, stdout, stderr } = await runFanfare(["migrate", "--data-dir", dir.join("none")]);
	expect([code, stdout]).toEqual([1, ""]);
	expect(stderr).toMatch(/^fanfare: there is no Fanfare data in .*none/);
});

it("serve --help groups the settings by subject, each under one heading", async () => {
	const { code, stdout } = await runFanfare(["serve", "--help"]);
	expect(code).toBe(0);
	const headings = stdout.split("\n").filter((line) => /^[A-Z].*:$/.test(line));
	expect(new Set(headings).size).toBe(headings.length);
	expect(headings).toEqual(
		expect.arrayContaining(["Data and keys:", "Which receivers may be called:", "Retention and quotas:"]),
	);
	const group = (heading: string) => stdout.slice(stdout.indexOf(heading)).split(/\n\n/)[0];
	expect(group("Which receivers may be called:")).toContain("--allow-networks");
});
