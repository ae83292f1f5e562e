// Logging in and out, and which server and key a command uses.
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";

import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { KEYS, pty, Terminal } from "./support/terminal.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const file = () => world.dir.join("config/profiles.json");
const asPerson = (...args: string[]) => runFanfare(args, { env: world.profileEnv });
const login = (...args: string[]) =>
	runFanfare(["login", world.server.url, ...args], { env: { ...world.profileEnv, FANFARE_KEY: world.server.key } });

it("keeps a profile in a file that only its owner can read, and never shows the key", async () => {
	const { code, stdout, stderr } = await login("--profile", "test");
	expect([code, stderr]).toEqual([0, expect.stringContaining("fanfare webhooks list")]);
	expect(stdout).toMatch(/^Profile {2}test /);
	expect(statSync(file()).mode & 0o777).toBe(0o600);
	expect(JSON.parse(readFileSync(file(), "utf8"))).toMatchObject({ current: "test" });
	for (const args of [["whoami"], ["use"], ["use", "--json"], ["whoami", "--json"]]) {
		const shown = await asPerson(...args);
		expect(shown.code).toBe(0);
		expect(shown.stdout + shown.stderr).not.toContain(world.server.key);
		expect(shown.stdout).toContain(world.server.url);
	}
});

it("leads to a project first where there are several, and names the one that was chosen", async () => {
	const second = await world.server.client.projects.create({ name: "Second" });
	const several = ["--profile", "several"] as const;
	expect((await login(...several)).stderr).toContain("Next: fanfare use --project <id or name>");
	expect(await asPerson("webhooks", "list")).toMatchObject({
		code: 2,
		stderr: expect.stringMatching(
			/--project is missing: the key is for 2 projects\.\n {2}next {5}fanfare use --project <id or name>\n$/,
		) as string,
	});
	const withKey = { ...world.profileEnv, FANFARE_KEY: world.server.key, FANFARE_URL: world.server.url };
	expect((await runFanfare(["webhooks", "list"], { env: withKey })).stderr).toContain("next     fanfare projects list");
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
	const before = readFileSync(file(), "utf8");
	for (const text of ["{", "[]", '{"current":null,"profiles":{"a":{"url":1}}}', '{"current":3,"profiles":{}}']) {
		writeFileSync(file(), text);
		expect((await asPerson("whoami")).stderr).toContain("is damaged");
		expect((await login("--profile", "other")).code).toBe(1);
		expect(readFileSync(file(), "utf8")).toBe(text);
	}
	writeFileSync(file(), before);
});

it("refuses a key that the server does not know, and keeps no profile of it", async () => {
	const env = { ...world.profileEnv, FANFARE_KEY: "sk_wrong" };
	const { code, stderr } = await runFanfare(["login", world.server.url, "--profile", "wrong"], { env });
	expect([code, stderr]).toEqual([4, expect.stringContaining("does not know this key")]);
	expect((await asPerson("use", "wrong")).code).toBe(3);
});

it("never sends the key of a profile to another address", async () => {
	await login("--profile", "test");
	const { code, stderr } = await asPerson("whoami", "--url", "http://127.0.0.1:1");
	expect([code, stderr]).toEqual([2, expect.stringContaining("whose key is only for")]);
});

it("keeps project, colour and the question before changes when it logs in again, and loses no key of another server", async () => {
	const marks = ["--production", "--color", "red", "--project", world.server.project.id];
	await login("--profile", "again", ...marks);
	await login("--profile", "again");
	const { profiles } = JSON.parse(readFileSync(file(), "utf8")) as { profiles: Record<string, object> };
	expect(profiles["again"]).toMatchObject({ isProduction: true, color: "red", projectId: world.server.project.id });
	const before = readFileSync(file(), "utf8");
	const other = { ...world.profileEnv, FANFARE_KEY: "sk_other" };
	const { code, stderr } = await runFanfare(["login", "http://127.0.0.1:1", "--profile", "again"], { env: other });
	expect([code, stderr]).toEqual([2, expect.stringMatching(/is for another server[^]*next {5}fanfare logout again/)]);
	expect(readFileSync(file(), "utf8")).toBe(before);
});

it("shows in whoami the only project there is, in which commands then work without a name", async () => {
	const env = { ...world.profileEnv, FANFARE_URL: world.server.url, FANFARE_KEY: world.server.key };
	const project = async () =>
		(JSON.parse((await runFanfare(["whoami", "--json"], { env })).stdout) as { project: string | null }).project;
	expect(await project()).toBe(world.server.project.id);
	const { id } = await world.server.client.projects.create({ name: "Second" });
	expect(await project()).toBeNull();
	await world.server.client.projects.delete(id);
});

it("forgets a profile", async () => {
	await login("--profile", "gone");
	expect((await asPerson("logout", "gone")).code).toBe(0);
	expect(readFileSync(file(), "utf8")).not.toContain("gone");
	expect((await asPerson("whoami", "--profile", "gone")).code).toBe(3);
});

describe("a production profile", () => {
	it("needs --yes for a change where nobody can be asked, and nothing for reading", async () => {
		await login("--profile", "live", "--production", "--color", "red");
		const refused = await asPerson("events", "send", "order.paid", "--profile", "live");
		expect([refused.code, refused.stdout]).toEqual([2, ""]);
		expect(refused.stderr).toMatch(/production server .* Pass --yes/);
		expect((await asPerson("events", "list", "--profile", "live")).code).toBe(0);
		expect((await asPerson("events", "send", "order.paid", "--profile", "live", "--yes")).code).toBe(0);
	});

	it.skipIf(typeof pty === "string")("asks on a terminal, and does nothing without a yes", async () => {
		await login("--profile", "live", "--production");
		const args = ["event-types", "create", "asked.first", "--profile", "live"];
		await using refused = new Terminal(args, world.profileEnv);
		await refused.shows(/production server/);
		refused.type(KEYS.enter);
		expect(await refused.ended()).toBe(130);
		expect(await world.json("event-types", "list")).toEqual([]);
		await using accepted = new Terminal(args, world.profileEnv);
		await accepted.shows(/production server/);
		accepted.type("y");
		expect(await accepted.ended()).toBe(0);
		expect(await world.json("event-types", "list")).toEqual([expect.objectContaining({ name: "asked.first" })]);
	});
});

describe.skipIf(typeof pty === "string")("on a terminal", () => {
	it("asks for the address, the key and a name, and does not show the key", async () => {
		await using terminal = new Terminal(["login"], { FANFARE_CONFIG_DIR: world.dir.join("asked") });
		await terminal.shows(/The address of the server/);
		terminal.type(`${"\u007F".repeat(30)}${world.server.url}${KEYS.enter}`);
		await terminal.shows(/An API key/);
		terminal.type(`${world.server.key}${KEYS.enter}`);
		await terminal.shows(/A name for the profile/);
		expect(terminal.text).not.toContain(world.server.key);
		terminal.type(KEYS.enter);
		expect(await terminal.ended()).toBe(0);
		const { current } = JSON.parse(readFileSync(world.dir.join("asked/profiles.json"), "utf8")) as { current: string };
		expect(current).toBe("local");
	});

	it("ends with 130 at Ctrl-C, and keeps nothing", async () => {
		await using terminal = new Terminal(["login"], { FANFARE_CONFIG_DIR: world.dir.join("cancelled") });
		await terminal.shows(/The address of the server/);
		terminal.type(KEYS.controlC);
		expect(await terminal.ended()).toBe(130);
		const env = { FANFARE_CONFIG_DIR: world.dir.join("cancelled") };
		expect((await runFanfare(["whoami"], { env })).code).toBe(4);
	});
});
