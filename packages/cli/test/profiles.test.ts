// Logging in and out, and which server and key a command uses. On a terminal: terminal.all.test.ts.
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";

import { afterAll, beforeAll, expect, it } from "vitest";

import { runInProcess } from "./support/in-process.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const file = () => world.dir.join("config/profiles.json");
const saved = () => readFileSync(file(), "utf8");
const asPerson = (...args: string[]) => runInProcess(args, { env: world.profileEnv });
const withKey = (key: string, ...args: string[]) =>
	runInProcess(args, { env: { ...world.profileEnv, FANFARE_KEY: key, FANFARE_URL: world.server.url } });
const login = (...args: string[]) =>
	runInProcess(["login", world.server.url, ...args], { env: { ...world.profileEnv, FANFARE_KEY: world.server.key } });

it("keeps a profile in a file that only its owner can read, never shows the key, and sends it nowhere else", async () => {
	const { code, stdout, stderr } = await login("--profile", "test");
	expect([code, stderr]).toEqual([0, expect.stringContaining("fanfare webhooks list")]);
	expect(stdout).toMatch(/^Profile {2}test /);
	expect(statSync(file()).mode & 0o777).toBe(0o600);
	expect(JSON.parse(saved())).toMatchObject({ current: "test" });
	for (const args of [["whoami"], ["use"], ["use", "--json"], ["whoami", "--json"]]) {
		const shown = await asPerson(...args);
		expect(shown.code).toBe(0);
		expect(shown.stdout + shown.stderr).not.toContain(world.server.key);
		expect(shown.stdout).toContain(world.server.url);
	}
	const elsewhere = await asPerson("whoami", "--url", "http://127.0.0.1:1");
	expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining("whose key is only for")]);
});

it("leads to a project first where there are several, and names the one that was chosen", async () => {
	const project = async () =>
		(JSON.parse((await withKey(world.server.key, "whoami", "--json")).stdout) as { project: string | null }).project;
	// The only one there is needs no name.
	expect(await project()).toBe(world.server.project.id);
	const second = await world.server.client.projects.create({ name: "Second" });
	expect(await project()).toBeNull();
	expect((await login("--profile", "several")).stderr).toContain("Next: fanfare use --project <id or name>");
	expect(await asPerson("webhooks", "list")).toMatchObject({
		code: 2,
		stderr: expect.stringMatching(
			/--project is missing: the key is for 2 projects\.\n {2}next {5}fanfare use --project <id or name>\n$/,
		) as string,
	});
	expect((await withKey(world.server.key, "webhooks", "list")).stderr).toContain("next     fanfare projects list");
	expect((await asPerson("use", "--project", "Second")).stdout).toContain(`Project  Second (${second.id})\n`);
	expect((await asPerson("webhooks", "list")).code).toBe(0);
	await asPerson("logout", "several");
	await world.server.client.projects.delete(second.id);
});

it("refuses a file with keys that others can read, and says how to mend it", async () => {
	await login("--profile", "test");
	chmodSync(file(), 0o644);
	const { code, stderr } = await asPerson("whoami");
	expect([code, stderr]).toEqual([4, expect.stringMatching(/Others can read[^]*next {5}chmod 600 /)]);
	chmodSync(file(), 0o600);
});

it("refuses a damaged file, and does not replace it", async () => {
	await login("--profile", "test");
	const before = saved();
	for (const text of ["{", "[]", '{"current":null,"profiles":{"a":{"url":1}}}', '{"current":3,"profiles":{}}']) {
		writeFileSync(file(), text);
		expect((await asPerson("whoami")).stderr).toContain("is damaged");
		expect((await login("--profile", "other")).code).toBe(1);
		expect(saved()).toBe(text);
	}
	writeFileSync(file(), before);
});

it("refuses a key that the server does not know, and keeps no profile of it", async () => {
	const { code, stderr } = await withKey("sk_wrong", "login", world.server.url, "--profile", "wrong");
	expect([code, stderr]).toEqual([4, expect.stringContaining("does not know this key")]);
	expect((await asPerson("use", "wrong")).code).toBe(3);
});

it("keeps project, colour and the question before changes when it logs in again, and loses no key of another server", async () => {
	await login("--profile", "again", "--production", "--color", "red", "--project", world.server.project.id);
	await login("--profile", "again");
	expect(JSON.parse(saved())).toMatchObject({
		profiles: { again: { isProduction: true, color: "red", projectId: world.server.project.id } },
	});
	const before = saved();
	const { code, stderr } = await withKey("sk_other", "login", "http://127.0.0.1:1", "--profile", "again");
	expect([code, stderr]).toEqual([2, expect.stringMatching(/is for another server[^]*next {5}fanfare logout again/)]);
	expect(saved()).toBe(before);
});

it("forgets a profile", async () => {
	await login("--profile", "gone");
	expect((await asPerson("logout", "gone")).code).toBe(0);
	expect(saved()).not.toContain("gone");
	expect((await asPerson("whoami", "--profile", "gone")).code).toBe(3);
});

it("needs --yes for a change with a production profile where nobody can be asked, and nothing for reading", async () => {
	await login("--profile", "live", "--production", "--color", "red");
	const send = ["events", "send", "order.paid", "--profile", "live"];
	const refused = /production server .* Pass --yes/;
	expect(await asPerson(...send)).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(refused) });
	expect((await asPerson("events", "list", "--profile", "live")).code).toBe(0);
	expect((await asPerson(...send, "--yes")).code).toBe(0);
});
