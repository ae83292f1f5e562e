// `fanfare trigger` and `fanfare tail` against a real server.
import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess } from "@fanfare/testkit/fanfare-process";
import { startReceiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, expect, it } from "vitest";

import { collectAssignment, withAssignments } from "../src/commands/trigger/assignments.ts";
import { exactNumber } from "../src/frame/values.ts";
import { LocalProgram } from "./support/local-program.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Starts a command, and waits for this on its standard output. */
async function start(args: readonly string[], pattern: RegExp): Promise<FanfareProcess> {
	const command = new FanfareProcess(args, { env: world.scriptEnv });
	await eventually(`${pattern.source} of ${args.join(" ")}`, () => {
		if (command.exit !== null) throw new Error(command.stderr);
		return pattern.test(command.stdout);
	});
	return command;
}

it("trigger sends the example only to the own listener, with values changed, and shows the result", async () => {
	await using receiver = await startReceiver();
	await world.server.createWebhook(receiver.url);
	// A parser would round the id.
	const example = { total: 1, items: [{ name: "cup" }], id: exactNumber("9007199254740993") };
	await world.server.project.eventTypes.create({ name: "order.paid", example });
	const missing = await world.run(["trigger", "order.paid"]);
	expect([missing.code, missing.stderr]).toEqual([
		3,
		expect.stringMatching(/no listener .*\n {2}next {5}fanfare listen/),
	]);

	await using program = await LocalProgram.start();
	await using _listener = await start(["listen", String(program.port), "--json"], /"ready"/);
	const { code, stdout, stderr } = await world.sh`trigger order.paid --set data.total=99 --set data.items.0.name=mug`;
	expect([code, stdout, stderr]).toEqual([
		0,
		expect.stringMatching(/^evt_\S+ {2}order\.paid\n {2}→ \S+: 200 in \d+ ms\n$/),
		expect.stringContaining("→ only to your listener"),
	]);
	const [request] = await program.waitFor(1);
	expect(request?.body.toString()).toContain('"id":9007199254740993');
	expect(JSON.parse(request?.body.toString() ?? "")).toMatchObject({ data: { total: 99, items: [{ name: "mug" }] } });
	expect(receiver.requests).toEqual([]);

	program.respond = (_, response) => response.writeHead(500).end();
	const failed = await world.run(["trigger", "order.paid", "--data", "{}", "--json"]);
	expect([failed.code, JSON.parse(failed.stdout)]).toEqual([
		1,
		{ object: "triggered", event: expect.anything(), deliveries: [expect.objectContaining({ responseCode: 500 })] },
	]);
	program.respond = (_, response) => response.end();
	expect((await world.run(["trigger", "order.paid", "--everyone"])).stderr).toContain("Send order.paid to 2 webhooks?");
	expect((await world.run(["trigger", "order.paid", "--everyone", "--yes"])).code).toBe(0);
	await receiver.waitFor(1);
	expect((await world.run(["trigger", "unknown"])).code).toBe(3);
	await world.server.project.eventTypes.create({ name: "bare" });
	expect((await world.run(["trigger", "bare"])).stderr).toContain("has no example");
});

it("values are set at any depth, and no name means anything else", () => {
	const set = (data: unknown, ...texts: string[]) =>
		withAssignments(
			data,
			texts.reduce<ReturnType<typeof collectAssignment>>((all, text) => collectAssignment(text, all), []),
		);
	expect(set({ a: 1 }, "data.a=2", 'data.b.c={"d":[]}', "data.b.c.d.0=x=y")).toEqual({
		a: 2,
		b: { c: { d: ["x=y"] } },
	});
	expect(JSON.stringify(set({}, "data.n=12345678901234567890"))).toBe('{"n":12345678901234567890}');
	expect(JSON.stringify(set({}, "data.__proto__.x=1"))).toBe('{"__proto__":{"x":1}}');
	expect(({} as { x?: unknown }).x).toBeUndefined();
	expect(set(1, "data=[]")).toEqual([]);
	expect(() => set([1], "data.2=1")).toThrow("data has 1 items");
	expect(() => set({ a: "b" }, "data.a.b=1")).toThrow("data.a is no object");
	for (const text of ["total=1", "data.=1", "data", "=1"])
		expect(() => collectAssignment(text)).toThrow("such as data.total=99");
});

it("tail shows what happens, filters it, and begins its JSON with ready", async () => {
	await using receiver = await startReceiver();
	const { id: webhookId } = await world.server.createWebhook(receiver.url, {
		eventTypes: ["tail.*"],
		retries: { maxRetries: 0 },
	});
	await using people = new FanfareProcess(["tail", "--event-types", "tail.*"], { env: world.scriptEnv });
	await people.waitForStderr(/Live/);
	const args = ["tail", "--failed", "--webhook", webhookId, "--limit", "2", "--json"];
	await using failures = await start(args, /^{"kind":"ready"}\n/);
	const good = await world.server.project.events.send({ type: "tail.good", data: 1 });
	await receiver.waitFor(1);
	receiver.script(() => ({ status: 503 }));
	const bad = await world.server.project.events.send({ type: "tail.bad", data: 1 });
	expect((await failures.exited).code).toBe(0);
	const items = failures.stdout
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line) as { kind: string; eventId?: string });
	expect(items[0]).toEqual({ kind: "ready" });
	expect(
		items
			.slice(1)
			.map(({ kind, eventId }) => `${kind} ${eventId}`)
			.toSorted(),
	).toEqual([`attempt.finished ${bad.id}`, `delivery.updated ${bad.id}`]);
	await eventually("the lines", () => /✓ tail\.good /.test(people.stdout) && /✗ tail\.bad /.test(people.stdout));
	expect(people.stdout).toMatch(new RegExp(`· tail\\.good +to \\d webhooks? +accepted {2}${good.id}\n`));
	expect(people.stdout).toMatch(/✓ tail\.good +test +200 +\d+ ms {2}attempt 1 {2}dlv_/);
	expect(people.stdout).toMatch(/✗ tail\.bad +test +503 +\d+ ms {2}attempt 1 {2}dlv_/);
	people.kill("SIGINT");
	expect((await people.exited).code).toBe(130);
	expect((await world.run(["tail", "--kinds", "attempts"])).code).toBe(2);
});
