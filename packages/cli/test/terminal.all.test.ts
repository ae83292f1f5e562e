// What commands ask and show on a terminal: confirmations, logging in, tables of every width, progress.
import { readFileSync, writeFileSync } from "node:fs";

import { startReceiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { runInProcess } from "./support/in-process.ts";
import { KEYS, pty, Terminal } from "./support/terminal.ts";
import { World } from "./support/world.ts";

describe.skipIf(typeof pty === "string")("on a terminal, a command", () => {
	let world: World;
	beforeAll(async () => {
		world = await World.start();
	});
	afterAll(() => world[Symbol.asyncDispose]());

	it("asks before it deletes, and does nothing at a no", async () => {
		await world.json`webhooks create http://127.0.0.1:9/ --name kept`;
		await using terminal = new Terminal(["webhooks", "delete", "kept"], world.scriptEnv);
		await terminal.shows(/Delete the webhook kept/);
		terminal.type("n");
		expect(await terminal.ended()).toBe(130);
		expect(await world.json`webhooks list --q kept`).toHaveLength(1);
	});

	it("never asks with --json", async () => {
		await using terminal = new Terminal(["webhooks", "pause", "--json"], world.scriptEnv);
		expect(await terminal.ended()).toBe(2);
		expect(terminal.text).toContain('"exitCode":2');
	});

	it.each([40, 80, 120])("has tables that fit %i columns", async (columns) => {
		await world.json`events send a.long.type.that.fits.no.terminal.at.all.however.wide.it.may.be --data 1`;
		await using terminal = new Terminal(["events", "list"], world.scriptEnv, columns);
		expect(await terminal.ended()).toBe(0);
		const [head = "", ...rows] = terminal.text.split("\n").filter((line) => line !== "");
		expect(head).toMatch(/^accepted/);
		const isId = (line: string) => /evt_[0-9a-f-]{36}$/.test(line);
		// Ids are never cut: where there is no room for them, each is alone below its row.
		const [ids, others] = columns < 80 ? [rows.filter(isId), rows.filter((line) => !isId(line))] : [[], rows];
		for (const id of ids) expect(id).toMatch(/^ {2}evt_\S+$/);
		for (const row of others) expect(row.length).toBeLessThanOrEqual(columns);
		if (columns >= 80) for (const row of rows) expect(row).toSatisfy(isId);
		// The title of the ids has no id.
		else expect(others).toHaveLength(ids.length + 1);
	});

	it("shows how far an import is, and removes that at the end", async () => {
		const file = world.dir.join("many.ndjson");
		writeFileSync(file, Array.from({ length: 1_500 }, (_, n) => `{"type":"many","data":${n}}\n`).join(""));
		await using terminal = new Terminal(["events", "import", file, "--dry-run"], world.scriptEnv);
		expect(await terminal.ended()).toBe(0);
		expect(terminal.text).toMatch(/█+░+ 6\d % 1,?000 events█+ 100 % 1,?500 events\s*Valid +1,?500 events/);
	});

	it("says that a replay waits until its webhook is resumed", async () => {
		await using receiver = await startReceiver();
		await world.json`events send held.event --data 1`;
		await world.json`webhooks create ${receiver.url} --name held --event-types held.event`;
		await world.json`webhooks pause held`;
		const id = await world.id`replays start held --since 1h --event-types held.event --yes`;
		await using terminal = new Terminal(["replays", "wait", id], world.scriptEnv, 300);
		await terminal.shows(/The webhook held is Paused, so its replay waits/);
		await world.json`webhooks resume held`;
		expect(await terminal.ended()).toBe(0);
		await receiver.waitFor(1);
	});

	it("replays what was counted, and nothing that came while it asked", async () => {
		await using receiver = await startReceiver();
		const send = () => world.json`events send asked.event --data 1`;
		await send();
		await world.json`webhooks create ${receiver.url} --name asked --event-types none`;
		const args = "replays start asked --since 1h --event-types asked.event --wait".split(" ");
		await using terminal = new Terminal(args, world.scriptEnv);
		await terminal.shows(/Send 1 event to asked again\?/);
		await send();
		terminal.type("y");
		expect(await terminal.ended()).toBe(0);
		expect(terminal.text).toMatch(/Progress +100 %, 1 event sent,/);
	});

	it("asks before a change with a production profile, and does nothing without a yes", async () => {
		const env = { ...world.profileEnv, FANFARE_KEY: world.server.key };
		await runInProcess(["login", world.server.url, "--profile", "live", "--production"], { env });
		const args = ["event-types", "create", "asked.first", "--profile", "live"];
		for (const [key, code, count] of [
			[KEYS.enter, 130, 0],
			["y", 0, 1],
		] as const) {
			await using terminal = new Terminal(args, world.profileEnv);
			await terminal.shows(/production server/);
			terminal.type(key);
			expect(await terminal.ended()).toBe(code);
			expect(await world.json`event-types list`).toHaveLength(count);
		}
	});

	it("asks who logs in for the address, the key and a name, and does not show the key", async () => {
		await using terminal = new Terminal(["login"], { FANFARE_CONFIG_DIR: world.dir.join("asked") });
		await terminal.shows(/The address of the server/);
		terminal.type(`${"\u007F".repeat(30)}${world.server.url}${KEYS.enter}`);
		await terminal.shows(/An API key/);
		terminal.type(`${world.server.key}${KEYS.enter}`);
		await terminal.shows(/A name for the profile/);
		expect(terminal.text).not.toContain(world.server.key);
		terminal.type(KEYS.enter);
		expect(await terminal.ended()).toBe(0);
		expect(JSON.parse(readFileSync(world.dir.join("asked/profiles.json"), "utf8"))).toMatchObject({ current: "local" });
	});

	it("ends a login with 130 at Ctrl-C, and keeps nothing", async () => {
		const env = { FANFARE_CONFIG_DIR: world.dir.join("cancelled") };
		await using terminal = new Terminal(["login"], env);
		await terminal.shows(/The address of the server/);
		terminal.type(KEYS.controlC);
		expect(await terminal.ended()).toBe(130);
		expect((await runInProcess(["whoami"], { env })).code).toBe(4);
	});
});
