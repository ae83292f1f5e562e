// The commands for projects, keys, webhooks, events, deliveries and event types, against a real server.
import { readFileSync, statSync, writeFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startProxy } from "./support/proxy.ts";
import { KEYS, pty, Terminal } from "./support/terminal.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const ids = (text: string) => text.split("\n").filter((line) => line !== "");

describe("projects and keys", () => {
	it("are created, changed, listed and deleted", async () => {
		const [project] = await world.json("projects", "create", "Shop");
		expect(project).toMatchObject({ object: "project", name: "Shop" });
		const changes = ["--name", "Shop 2", "--retention-days", "7", "--event-types", "catalogued"];
		const [changed] = await world.json("projects", "update", "Shop", ...changes);
		expect(changed).toMatchObject({ name: "Shop 2", retentionDays: 7 });
		expect((await world.run(["projects", "list"])).stdout).toMatch(/ event types [^]* Shop 2 +catalogued [^]* open /);
		expect((await world.run(["projects", "get"])).stdout).toMatch(/^Event types +open$/m);
		const [reset] = await world.json("projects", "update", "Shop 2", "--retention-days", "default");
		expect(reset).not.toHaveProperty("retentionDays");
		const [key] = await world.json(
			"keys",
			"create",
			"ci",
			"--scope",
			"write",
			"--project",
			"Shop 2",
			"--expires",
			"1d",
		);
		expect(key).toMatchObject({ scope: "write", projectId: project?.["id"], secretKey: expect.stringMatching(/^sk_/) });
		const [rolled] = await world.json("keys", "roll", "ci", "--overlap", "0s");
		const env = { FANFARE_PROJECT: "", FANFARE_KEY: rolled?.["secretKey"] as string };
		expect((await world.run(["webhooks", "list"], env)).code).toBe(0);
		expect((await world.run(["webhooks", "list"], { ...env, FANFARE_KEY: key?.["secretKey"] as string })).code).toBe(4);
		expect((await world.run(["projects", "create", "No"], env)).code).toBe(4);
		expect((await world.run(["keys", "update", "ci", "--name", "ci2"])).code).toBe(0);
		expect((await world.run(["keys", "delete", "ci2"])).code).toBe(2);
		expect((await world.run(["keys", "delete", "ci2", "--yes"])).code).toBe(0);
		expect((await world.run(["projects", "delete", "Shop 2", "--yes"])).code).toBe(0);
		expect(await world.json("projects", "list")).toHaveLength(1);
	});
});

describe("webhooks", () => {
	it("are created with every setting, found by name and key, changed, paused, tested and deleted", async () => {
		await using receiver = await startReceiver();
		writeFileSync(world.dir.join("headers.json"), '{"authorization":"Bearer x"}');
		const settings = [
			["--name", "every setting", "--key", "k1", "--event-types", "order.*,user.made"],
			["--description", "a note", "--headers-file", "headers.json", "--metadata", "team=a", "--metadata", "tier=b=c"],
			["--timeout", "10s", "--rate-limit", "5", "--disable-after", "2d", "--max-retries", "2", "--schedule", "1s,2s"],
		].flat();
		const [created] = await world.json("webhooks", "create", receiver.url, ...settings);
		expect(created).toMatchObject({
			key: "k1",
			eventTypes: ["order.*", "user.made"],
			description: "a note",
			headers: { authorization: "***" },
			metadata: { team: "a", tier: "b=c" },
			timeoutMs: 10_000,
			rateLimit: { perSecond: 5 },
			disableAfterMs: 172_800_000,
			retries: { maxRetries: 2, scheduleMs: [1_000, 2_000] },
			secret: expect.stringMatching(/^whsec_/),
		});
		const cleared = ["--event-types", "all", "--description", "none", "--rate-limit", "none", "--schedule", "none"];
		const [updated] = await world.json("webhooks", "update", "every setting", ...cleared, "--remove-metadata");
		expect(updated).toMatchObject({
			eventTypes: null,
			description: null,
			rateLimit: null,
			metadata: {},
			timeoutMs: 10_000,
		});
		expect(await world.json("webhooks", "pause", "k1")).toMatchObject([{ status: "Paused" }]);
		expect(await world.json("webhooks", "list", "--status", "Paused", "--health", "Healthy")).toHaveLength(1);
		await world.json("webhooks", "create", "https://example.com/hooks", "--customer", "acme");
		expect(await world.json("webhooks", "list", "--customer", "acme")).toMatchObject([{ name: "example.com" }]);
		expect(await world.json("webhooks", "delete", "example.com", "--yes")).toMatchObject([{ deleted: true }]);
		expect(await world.json("webhooks", "list", "--status", "Enabled", "--q", "every")).toEqual([]);
		expect(await world.json("webhooks", "resume", "k1")).toMatchObject([{ status: "Enabled" }]);
		expect(await world.json("webhooks", "test", "k1")).toMatchObject([{ status: "Ok" }]);
		const data = '{"n":12345678901234567890}';
		const [tested] = await world.json("webhooks", "test", "k1", "--event-type", "a.b", "--data", data, "--exchange");
		expect(tested?.["exchange"]).toMatchObject({
			request: { url: receiver.url, body: expect.stringMatching(`"type":"a.b".*"data":${data}}`) },
			response: { responseCode: expect.any(Number) },
		});
		const shown = await world.run(["webhooks", "test", "k1", "--exchange"]);
		expect([shown.code, shown.stdout]).toEqual([
			0,
			expect.stringMatching(/webhook-signature: v1,\S+\n[^]*\n\s*{"type"/),
		]);
		const stats = await world.json("webhooks", "stats", "k1", "--width", "minute");
		expect(stats).toMatchObject([{ object: "stats", width: "minute" }]);
		expect(await world.json("webhooks", "delete", "k1", "--yes")).toEqual([{ id: created?.["id"], deleted: true }]);
		expect((await world.run(["webhooks", "get", "k1"])).code).toBe(3);
	});

	it("have stats that say why attempts fail and since when deliveries wait", async () => {
		await world.json("webhooks", "create", "http://127.0.0.1:9/", "--name", "down", "--event-types", "cause.shown");
		await world.json("events", "send", "cause.shown", "--data", "1");
		const stderr = () => world.run(["webhooks", "stats", "down"]).then((result) => result.stderr);
		await expect.poll(stderr).toContain("Failed attempts by cause: refused ");
		expect(await stderr()).toMatch(/\nOldest Pending: created \d{4}-/);
		await world.json("webhooks", "delete", "down", "--yes");
	});

	it("say how many deliveries that match were not retried, because the webhook is paused", async () => {
		const args = ["--name", "stopped", "--max-retries", "0", "--event-types", "stopped.one"];
		await world.json("webhooks", "create", "http://127.0.0.1:9/", ...args);
		await world.json("events", "send", "stopped.one", "--data", "1");
		const filter = ["--webhook", "stopped", "--status", "Failed"];
		await expect.poll(() => world.json("deliveries", "list", ...filter), { timeout: 60_000 }).toHaveLength(1);
		await world.json("webhooks", "pause", "stopped");
		const { code, stdout, stderr } = await world.run(["deliveries", "retry", ...filter, "--yes"]);
		expect([code, stdout]).toEqual([0, "Retry  0 deliveries retried\n"]);
		expect(stderr).toBe("Not retried: 1 delivery that matches. For the reason: fanfare deliveries retry <delivery>\n");
		await world.json("webhooks", "delete", "stopped", "--yes");
	});

	it("keep their secret in a file if asked, which is never replaced, and lose none with --quiet", async () => {
		const args = ["webhooks", "create", "http://127.0.0.1:9/", "--name", "kept", "--quiet"];
		expect((await world.run(args)).code).toBe(2);
		const { code, stdout, stderr } = await world.run([...args, "--save-secret", "secret"]);
		expect([code, stderr]).toEqual([0, ""]);
		expect(ids(stdout)).toEqual([expect.stringMatching(/^webhook_/)]);
		const secret = readFileSync(world.dir.join("secret"), "utf8");
		expect(secret).toMatch(/^whsec_\S+\n$/);
		expect(statSync(world.dir.join("secret")).mode & 0o777).toBe(0o600);
		const again = await world.run(["webhooks", "rotate-secret", "kept", "--save-secret", "secret"]);
		expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("secret exists: name another one")]);
		expect(readFileSync(world.dir.join("secret"), "utf8")).toBe(secret);
		for (const file of ["secret", "none/secret", "secret/below", ""]) {
			const refused = await world.run([...args, "--save-secret", file]);
			expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("Nothing was changed, since --save")]);
			expect(refused.stderr).not.toContain("whsec_");
		}
		expect(ids((await world.run(["webhooks", "list", "--q", "kept", "--quiet"])).stdout)).toHaveLength(1);
		expect((await world.run(["webhooks", "delete", "kept", "--yes"])).code).toBe(0);
	});

	it("with the same name are not confused", async () => {
		for (const path of ["a", "b"])
			await world.json("webhooks", "create", `http://127.0.0.1:9/${path}`, "--name", "twin");
		const { code, stderr } = await world.run(["webhooks", "pause", "twin"]);
		expect([code, stderr]).toEqual([2, expect.stringContaining("Several webhooks")]);
		for (const id of ids((await world.run(["webhooks", "list", "--quiet"])).stdout)) {
			expect((await world.run(["webhooks", "delete", id, "--yes"])).code).toBe(0);
		}
	});
});

describe("events and deliveries", () => {
	it("cannot move the cursor by what they contain", async () => {
		const [sent] = await world.json("events", "send", "evil", "--data", '"\\u009b2J\\u202e"');
		const { stdout } = await world.run(["events", "get", sent?.["id"] as string]);
		expect(stdout).toContain(String.raw`\x9b2J\u202e`);
	});

	it("keep every digit of a number", async () => {
		const data = '{"amount":12345678901234567890.10,"nested":[1e400]}';
		writeFileSync(world.dir.join("data.json"), data);
		const [sent] = await world.json("events", "send", "order.paid", "--data", "@data.json", "--tag", "order:1");
		const id = sent?.["id"] as string;
		expect((await world.run(["events", "data", id])).stdout).toBe(`${data}\n`);
		expect((await world.run(["events", "get", id, "--json"])).stdout).toContain(`"data":${data}`);
		expect(await world.json("events", "list", "--tag", "order:1")).toMatchObject([{ id }]);
		expect(await world.json("events", "list", "--type", "other")).toEqual([]);
		expect((await world.run(["events", "erase", id])).code).toBe(2);
		expect(await world.json("events", "erase", id, "--yes")).toMatchObject([{ dataErased: true }]);
	});

	it("are shown, retried and cancelled, one or many, with the count first", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await world.json("webhooks", "create", receiver.url, "--name", "failing", "--max-retries", "0");
		for (let count = 0; count < 3; count++) await world.json("events", "send", "job.done", "--webhook", "failing");
		const failed = async () => world.json("deliveries", "list", "--webhook", "failing", "--status", "Failed");
		await eventually("three failures", async () => (await failed()).length === 3);
		const filter = ["--webhook", "failing", "--status", "Failed"];
		const refused = await world.run(["deliveries", "retry", ...filter]);
		expect([refused.code, refused.stdout]).toEqual([2, ""]);
		expect(refused.stderr).toContain("Retry 3 deliveries?");
		expect(await world.json("deliveries", "retry", ...filter, "--dry-run")).toMatchObject([
			{ count: 3, complete: true },
		]);
		expect(
			await world.json("deliveries", "list", ...filter, "--response-code", "5xx", "--order", "updated"),
		).toHaveLength(3);
		expect(await world.json("deliveries", "list", ...filter, "--response-code", "4xx,0")).toEqual([]);
		const before = receiver.requests.length;
		const retried = await world.json("deliveries", "retry", ...filter, "--yes");
		expect(retried).toEqual([{ matched: 3, changed: 3 }]);
		await eventually("three more requests", () => receiver.requests.length >= before + 3);
		const [delivery] = await eventually("three failures again", async () => {
			const all = await failed();
			return all.length === 3 && all;
		});
		const id = delivery?.["id"] as string;
		const { stdout } = await world.run(["deliveries", "get", id]);
		expect(stdout).toMatch(/State +✗ Failed\n[^]*Webhook +failing \(webhook_/);
		expect((await world.json("deliveries", "attempts", id)).length).toBeGreaterThan(1);
		expect(await world.json("webhooks", "pause", "failing")).toMatchObject([{ status: "Paused" }]);
		await world.json("events", "send", "job.done", "--webhook", "failing");
		const cancelled = await world.json("deliveries", "cancel", "--webhook", "failing", "--status", "Held", "--yes");
		expect(cancelled).toEqual([{ matched: 1, changed: 1 }]);
		expect((await world.run(["deliveries", "cancel"])).code).toBe(2);
		// The server may still have to tell its other processes.
		await using proxy = await startProxy(world.server.url, (url) => (url.endsWith("deliveries:cancel") ? 503 : null));
		const again = ["deliveries", "cancel", "--webhook", "failing", "--updated-after", "1h"];
		expect((await world.run(again, { FANFARE_URL: proxy.url })).code).toBe(5);
		expect(await world.json(...again)).toEqual([{ matched: 0, changed: 0 }]);
	});
});

describe("event types", () => {
	it("are created, replaced, changed, listed and deleted", async () => {
		writeFileSync(world.dir.join("schema.json"), '{"type":"object"}');
		const settings = ["--schema", "@schema.json", "--example", '{"n":1}', "--visibility", "internal"];
		const [made] = await world.json("event-types", "create", "order.paid", ...settings);
		expect(made).toMatchObject({ schema: { type: "object" }, example: { n: 1 }, visibility: "internal" });
		const [updated] = await world.json("event-types", "update", "order.paid", "--archived", "true");
		expect(updated).toMatchObject({ archived: true, example: { n: 1 } });
		expect(await world.json("event-types", "list", "--archived", "false")).toEqual([]);
		expect(await world.json("event-types", "put", "order.paid")).toMatchObject([{ example: null, archived: false }]);
		expect((await world.run(["event-types", "update", "order.paid", "--schema", "{"])).code).toBe(2);
		expect((await world.run(["event-types", "delete", "order.paid", "--yes"])).code).toBe(0);
	});

	it("are printed with all digits of the numbers in their schemas and examples", async () => {
		const schema = '{"properties":{"id":{"maximum":12345678901234567890}}}';
		const example = '{"id":12345678901234567890,"price":1.10}';
		const settings = ["--schema", schema, "--example", example];
		for (const args of [
			["create", "exact.one", ...settings],
			["update", "exact.one", "--description", "Exact"],
			["put", "exact.one", ...settings],
			["get", "exact.one"],
			["list"],
		]) {
			const { code, stdout } = await world.run(["event-types", ...args, "--json"]);
			expect([args[0], code, stdout.includes(`"schema":${schema},"example":${example}`)]).toEqual([args[0], 0, true]);
		}
		const people = await world.run(["event-types", "update", "exact.one", "--description", "Exact for people"]);
		expect(people.stdout).toContain('"price": 1.10');
	});
});

describe("failures", () => {
	it.each([
		[["webhooks", "get"], 2, /argument <webhook> is missing[^]*next {5}fanfare webhooks list/],
		[["webhooks", "update", "x"], 2, /Nothing to change/],
		[
			["webhooks", "get", "webhook_00000000-0000-4000-8000-000000000000"],
			3,
			/request {2}req_[^]*next {5}fanfare webhooks list/,
		],
		[["webhooks", "list", "--limit", "0"], 2, /--limit/],
		[["webhooks", "list", "--project", "nope"], 3, /There is no project "nope"/],
		[["events", "list", "--after", "yesterday"], 2, /a duration before now/],
		[["events", "send", "x", "--data", "@missing.json"], 2, /could not be read/],
		[["webhooks", "create", "ftp://x", "--name", "x"], 2, /endpoint must be an absolute https URL[^]*request {2}req_/],
		[["whoami", "--url", "http://127.0.0.1:1"], 5, /no response/],
		[["whoami", "--url", "http://user:secret@127.0.0.1"], 2, /without user name/],
	])("%j exits with %i", async (args, code, message) => {
		const result = await world.run(args);
		expect([result.code, result.stdout]).toEqual([code, ""]);
		expect(result.stderr).toMatch(message);
		expect(result.stderr).not.toMatch(/^ {4}at |secret/m);
	});

	it("are one JSON object on standard error with --json", async () => {
		const { stdout, stderr } = await world.run(["events", "get", "evt_00000000-0000-4000-8000-000000000000", "--json"]);
		expect(stdout).toBe("");
		expect(JSON.parse(stderr)).toEqual({
			error: {
				message: expect.any(String),
				code: "event_not_found",
				status: 404,
				requestId: expect.stringMatching(/^req_/),
				issues: [],
				exitCode: 3,
				next: "fanfare events list",
			},
		});
		const usage = await world.run(["events", "list", "--unknown", "--json"]);
		expect(JSON.parse(usage.stderr)).toMatchObject({ error: { exitCode: 2, message: "unknown option '--unknown'" } });
	});
});

describe("lists", () => {
	it.each([
		["webhooks", ["--customer", "nobody"]],
		["events", ["--type", "no.such"]],
		["deliveries", ["--tag", "no-such"]],
		["customers", ["--q", "nobody"]],
	])("of %s without a row say that the filter matches none, and nothing of how to begin", async (nouns, filter) => {
		const { code, stdout, stderr } = await world.run([nouns, "list", ...filter]);
		// On a slow machine, the command may have said before that it waits.
		expect([code, stdout, stderr.split("\n").slice(-2)]).toEqual([0, "", [`No ${nouns} match.`, ""]]);
	});

	it("show as many rows as asked, and say that there are more", async () => {
		for (let count = 0; count < 3; count++) await world.json("events", "send", "many", "--tag", "many");
		const few = await world.run(["events", "list", "--tag", "many", "--limit", "2"]);
		expect(ids(few.stdout)).toHaveLength(3);
		expect(few.stderr).toMatch(/first 2; there are more/);
		const all = await world.run(["events", "list", "--tag", "many", "--all", "--quiet"]);
		expect([ids(all.stdout).length, all.stderr]).toEqual([3, ""]);
	});
});

describe.skipIf(typeof pty === "string")("on a terminal", () => {
	it("asks for what is missing, with choices to pick from", async () => {
		await world.json("webhooks", "create", "http://127.0.0.1:9/", "--name", "first choice");
		await world.json("webhooks", "create", "http://127.0.0.1:9/", "--name", "second choice");
		await using terminal = new Terminal(["webhooks", "pause"], world.scriptEnv);
		await terminal.shows(/Which webhook\?[^]*second choice[^]*first choice/);
		terminal.type(`${KEYS.down}${KEYS.enter}`);
		expect(await terminal.ended()).toBe(0);
		expect(await world.json("webhooks", "list", "--q", "first choice")).toMatchObject([{ status: "Paused" }]);
		expect(await world.json("webhooks", "list", "--q", "second choice")).toMatchObject([{ status: "Enabled" }]);
	});

	it("asks before it deletes, and does nothing at a no", async () => {
		await using terminal = new Terminal(["webhooks", "delete", "second choice"], world.scriptEnv);
		await terminal.shows(/Delete the webhook second choice/);
		terminal.type("n");
		expect(await terminal.ended()).toBe(130);
		expect(await world.json("webhooks", "list", "--q", "second choice")).toHaveLength(1);
	});

	it("never asks with --json", async () => {
		await using terminal = new Terminal(["webhooks", "pause", "--json"], world.scriptEnv);
		expect(await terminal.ended()).toBe(2);
		expect(terminal.text).toContain('"exitCode":2');
	});

	it.each([40, 80, 120])("has tables that fit %i columns", async (columns) => {
		const name = "a very long name of a webhook that fits no terminal at all, however wide it may be";
		if (columns === 40) await world.json("webhooks", "create", "http://127.0.0.1:9/", "--name", name);
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
});
