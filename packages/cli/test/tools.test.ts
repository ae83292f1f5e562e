// `api`, `open`, `doctor`, `types` and completion, against a real server.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startReceiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { SCRIPTS, SHELLS } from "../src/commands/tools/completion/scripts.ts";
import { runInProcess } from "./support/in-process.ts";
import { linesIn, World } from "./support/world.ts";

const execute = promisify(execFile);
let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("api", () => {
	it("makes a call with the profile's key, and prints the body byte for byte", async () => {
		const body = '{"type":"order.paid","data":{"amount":12345678901234567890}}';
		writeFileSync(world.dir.join("event.json"), body);
		const sent = await world.run(["api", "post", "/projects/{project}/events", "--data", "@event.json"]);
		expect([sent.code, sent.stderr]).toEqual([0, ""]);
		const { id } = JSON.parse(sent.stdout) as { id: string };
		const { stdout } = await world.run(["api", "GET", `/projects/{project}/events/${id}/data`]);
		expect(stdout).toBe('{"amount":12345678901234567890}');
	});

	it.each([
		[["GET", "/nowhere"], 3],
		[["GET", "//evil.example/x"], 2],
		[["GET", "http://evil.example/"], 2],
		[["FETCH", "/workspace"], 2],
	])("%j exits with %d", async (args, code) => {
		const result = await world.run(["api", ...args]);
		expect(result.code).toBe(code);
		expect(result.stdout + result.stderr).not.toContain(world.server.key);
	});
});

it("open prints the address of a resource where there is no terminal", async () => {
	const { id } = await world.server.project.batch.webhooks.create({
		name: "shown",
		spec: { endpoint: "https://example.com/" },
	});
	const ui = `${world.server.url}/ui/${world.server.project.id}`;
	expect((await world.run(["open", "shown"])).stdout).toBe(`${ui}/webhooks/${id}\n`);
	expect(await world.json`open evt_01a218ee-9ce7-7517-b2a1-e70296bb4e89`).toEqual([
		{ url: `${ui}/events/evt_01a218ee-9ce7-7517-b2a1-e70296bb4e89` },
	]);
	expect((await world.run(["open", "settings"])).stdout).toBe(`${ui}/settings\n`);
	expect((await world.run(["open", "nobody"])).code).toBe(3);
});

describe("doctor", () => {
	it("finds a server with its risky settings well enough, in lines and as JSON", async () => {
		const findings = await world.json`doctor`;
		expect(findings.filter(({ status }) => status === "fail")).toEqual([]);
		const checks = ["server", "version", "clock", "page", "encryption", "key", "project", "disk", "http_allowed"];
		expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(checks));
		for (const { status, message } of findings)
			expect([status, message]).toEqual([expect.stringMatching(/ok|warn/), expect.any(String)]);
	});

	it("names what is wrong, with the next command, and exits with 1", async () => {
		const failing = [
			[{ ...world.scriptEnv, FANFARE_KEY: "sk_wrong" }, /✗ The server does not know the key[^]*next {2}fanfare login/],
			[{ ...world.scriptEnv, FANFARE_URL: "http://127.0.0.1:1" }, /✗ .* does not answer: [^]*next {2}fanfare serve/],
			[world.profileEnv, /✗ You are not logged in[^]*fanfare login/],
		] as const;
		for (const [env, message] of failing) {
			const { code, stdout } = await runInProcess(["doctor"], { env });
			expect([code, stdout]).toEqual([1, expect.stringMatching(message)]);
		}
	});
});

describe("types", () => {
	it("writes types that compile, and that refuse what the schemas refuse", async () => {
		const { eventTypes } = world.server.project;
		const money = {
			type: "object",
			properties: { amount: { type: "integer" }, currency: { enum: ["EUR", "USD"] } },
			required: ["amount", "currency"],
			additionalProperties: false,
		};
		const node = {
			type: "object",
			properties: { value: { type: ["string", "null"] }, children: { type: "array", items: { $ref: "#/$defs/node" } } },
			required: ["value"],
		};
		await eventTypes.put("order.paid", {
			description: "Paid. */ process.exit(1); /*",
			schema: {
				$defs: { money, node },
				type: "object",
				required: ["orderId", "total", "odd name"],
				properties: {
					orderId: { type: "integer", description: "Of the shop." },
					total: { $ref: "#/$defs/money" },
					tree: { $ref: "#/$defs/node" },
					pair: { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], items: false },
					either: { oneOf: [{ type: "object", required: ["a"], properties: { a: { const: 1 } } }, { type: "string" }] },
					"odd name": { type: "boolean" },
					labels: { type: "object", additionalProperties: { type: "string" } },
				},
			},
		});
		await eventTypes.put("order-paid", { schema: { anyOf: [{ type: "string" }, { type: "null" }] } });
		await eventTypes.put("user.made", {});
		mkdirSync(world.dir.join("types"));
		const { code, stderr } = await world.run(["types", "--output", "types/events.ts"]);
		expect([code, stderr]).toEqual([0, "✓ 3 event types in types/events.ts\n"]);
		expect(readFileSync(world.dir.join("types/events.ts"), "utf8")).toContain('readonly "order.paid": OrderPaid2;');
		writeFileSync(
			world.dir.join("types/use.ts"),
			`import type { Events } from "./events.ts";
const good: Events["order.paid"] = {
	orderId: 1, total: { amount: 1, currency: "EUR" }, tree: { value: null, children: [{ value: "x" }] },
	pair: ["a", 1], either: { a: 1 }, "odd name": true, labels: { a: "b" },
};
const text: Events["order-paid"] = Math.random() > 0.5 ? "x" : null;
const any: Events["user.made"] = good;
// @ts-expect-error
const noTotal: Events["order.paid"] = { orderId: 1, "odd name": true };
// @ts-expect-error
const wrongCurrency: Events["order.paid"]["total"] = { amount: 1, currency: "GBP" };
// @ts-expect-error
const wrongChild: Events["order.paid"]["tree"] = { value: "x", children: [{ value: 1 }] };
// @ts-expect-error
const wrongPair: Events["order.paid"]["pair"] = [1, "a"];
// @ts-expect-error
const wrongEither: Events["order.paid"]["either"] = { a: 2 };
console.log(good, text, any, noTotal, wrongCurrency, wrongChild, wrongPair, wrongEither);
`,
		);
		const tsc = fileURLToPath(new URL("../../../node_modules/.bin/tsc", import.meta.url));
		const flags = "--noEmit --ignoreConfig --strict --module nodenext --target es2024 --allowImportingTsExtensions";
		const options = [...flags.split(" "), "--skipLibCheck", "--types", ""];
		const compiled = await execute(tsc, [...options, world.dir.join("types/use.ts")]).catch(
			(error: { stdout: string }) => error,
		);
		expect(compiled.stdout).toBe("");
	});
});

describe("completion", () => {
	// CI runs on slow and loaded machines.
	const patience = { FANFARE_COMPLETION_TIMEOUT: "5m" };
	const complete = async (...words: string[]) => {
		const { code, stdout, stderr } = await world.run(["complete", "--", ...words], patience);
		expect([code, stderr]).toEqual([0, ""]);
		return linesIn(stdout).map((line) => line.split("\t")[0]);
	};

	it("knows commands, options, values and names, in bounded time", async () => {
		const { webhooks } = world.server.project.batch;
		await webhooks.create({ name: "billing", spec: { endpoint: "https://example.com/b" } });
		await webhooks.create({ name: "bill board", spec: { endpoint: "https://example.com/c" } });
		expect(await complete("webh")).toEqual(["webhooks"]);
		expect(await complete("webhooks", "pau")).toEqual(["pause"]);
		expect(await complete("webhooks", "pause", "bil")).toEqual(["billing"]);
		expect(await complete("webhooks", "pause", "")).toContain("shown");
		expect(await complete("deliveries", "list", "--status", "Failed,S")).toEqual(["Failed,Succeeded"]);
		expect(await complete("deliveries", "list", "--webhook=bil")).toEqual(["--webhook=billing"]);
		expect(await complete("deliveries", "list", "--webhook", "=", "bil")).toEqual(["billing"]);
		expect(await complete("apply", "")).toEqual([":files"]);
		expect(await complete("webhooks", "list", "--hea")).toEqual(["--health"]);
		expect(await complete("completion", "z")).toEqual(["zsh"]);
	});

	it("says nothing where the server is away, the key is wrong, or there is no such command", async () => {
		for (const env of [
			{ FANFARE_URL: "http://127.0.0.1:1" },
			{ FANFARE_KEY: "sk_wrong" },
			{ FANFARE_KEY: "", FANFARE_PROFILE: "none" },
		]) {
			expect(await world.run(["complete", "--", "webhooks", "pause", ""], env)).toMatchObject({
				code: 0,
				stdout: "",
				stderr: "",
			});
		}
		expect(await complete("nothing", "")).toEqual([]);
	});

	it("does not wait for a server that hangs", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ kind: "hang" }));
		// With another exit code, the test would have ended it.
		expect(await world.run(["complete", "--", "webhooks", "pause", ""], { FANFARE_URL: receiver.url })).toMatchObject({
			code: 0,
			stdout: "",
		});
	});

	it.each(SHELLS)("the script for %s is printed, and is correct where the shell is there", async (shell) => {
		expect((await world.run(["completion", shell])).stdout).toBe(SCRIPTS[shell]);
		const file = world.dir.join(`script.${shell}`);
		writeFileSync(file, SCRIPTS[shell]);
		const checked = await execute(shell, ["-n", file]).catch((error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT") return { stderr: "" };
			throw error;
		});
		expect(checked.stderr).toBe("");
	});
});
