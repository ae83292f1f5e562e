// `fanfare listen` where clients, servers and programs go away and come back, and on a terminal.
import { execFile as execFileCallback } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess } from "@fanfare/testkit/fanfare-process";
import { freePort } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { isDone, Listener, relaysOf, secretFrom, send, verified } from "./support/listener.ts";
import { headerOf, LocalProgram } from "./support/local-program.ts";
import { KEYS, pty, Terminal } from "./support/terminal.ts";
import { World } from "./support/world.ts";

const execFile = promisify(execFileCallback);
const DEVICES = new URL("../src/commands/listen/devices.ts", import.meta.url).href;
const FLAGS = ["--conditions=@fanfare/source"];

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const start = (...args: string[]) => Listener.start(world, ...args);
const deliveryOf = async (eventId: string) => (await world.server.project.deliveries.list({ eventId })).data[0];

describe("fanfare listen", () => {
	it("waits while nothing listens at the target, and says so once; a restart of the program loses and doubles nothing", async () => {
		await using program = await LocalProgram.start();
		await program.stop();
		await using listener = await start(`${program.port}/hooks`, "--device", "waits");
		await listener.until("to wait", ({ kind }) => kind === "waiting");
		const before = [await send(world, 1), await send(world, 2)];
		await program.listen();
		for (const id of before) expect(await isDone(world, id)).toMatchObject({ attemptCount: 1 });
		await program.stop();
		const during = await send(world, 3);
		await listener.until("to wait again", ({ kind }) => kind === "waiting", 2);
		await program.listen();
		expect(await isDone(world, during)).toMatchObject({ attemptCount: 1 });
		expect(program.ids.toSorted()).toEqual([...before, during].toSorted());
		expect(listener.lines.filter(({ kind }) => kind === "waiting")).toHaveLength(2);
		expect(await listener.end()).toBe(130);
	});

	it("answers what was under way when the program stopped to listen, and asks for it only once", async () => {
		const open: (() => void)[] = [];
		await using program = await LocalProgram.start((_, response) => open.push(() => response.end()));
		await using listener = await start(`${program.port}`, "--device", "drains");
		const underWay = await send(world, 1);
		await program.waitFor(1);
		const drained = program.drain();
		const waiting = await send(world, 2);
		await listener.until("to wait", ({ kind }) => kind === "waiting");
		for (const respond of open) respond();
		await drained;
		expect(await isDone(world, underWay)).toMatchObject({ attemptCount: 1 });
		program.respond = (_, response) => response.end();
		await program.listen();
		expect(await isDone(world, waiting)).toMatchObject({ attemptCount: 1 });
		expect(program.ids).toEqual([underWay, waiting]);
		expect(await listener.end()).toBe(130);
	});

	it("survives a kill of the server: what the program has answered meanwhile is not asked again", async () => {
		const open: (() => void)[] = [];
		await using program = await LocalProgram.start((_, response) => open.push(() => response.end()));
		await using listener = await start(`${program.port}`, "--device", "restart");
		const id = await send(world);
		await program.waitFor(1);
		world.server.kill("SIGKILL");
		await world.server.exited;
		for (const respond of open) respond();
		await listener.until("to have forwarded it", ({ kind }) => kind === "delivery");
		await world.server.restart();
		expect(await isDone(world, id)).toMatchObject({ attemptCount: 1 });
		program.respond = (_, response) => response.end();
		const later = await send(world);
		await isDone(world, later);
		expect(program.ids).toEqual([id, later]);
		await listener.until("to have forwarded both", ({ kind }) => kind === "delivery", 2);
		expect(listener.deliveries.map(({ eventId }) => eventId)).toEqual([id, later]);
		expect(listener.lines.filter(({ kind }) => kind === "away")).toHaveLength(1);
		expect(await listener.end()).toBe(130);
	});

	it("misses and doubles nothing if its machine sleeps", async () => {
		await using program = await LocalProgram.start();
		await using listener = await start(`${program.port}`, "--device", "sleeps");
		const awake = await send(world);
		await isDone(world, awake);
		// The server misses the listener after this time. When it wakes up, the program has as long to answer what came while it slept.
		const { relays } = world.server.project;
		const [{ id, timeoutMs } = { id: "", timeoutMs: 0 }] = await relaysOf(world, "sleeps");
		await relays.update(id, { timeoutMs: 10_000 });
		listener.process.kill("SIGSTOP");
		const asleep = [await send(world), await send(world)];
		for (const missed of asleep)
			await eventually("it to be Held", async () => (await deliveryOf(missed))?.status === "Held");
		expect(await relaysOf(world, "sleeps")).toMatchObject([{ connected: false }]);
		await relays.update(id, { timeoutMs });
		listener.process.kill("SIGCONT");
		for (const id of asleep) expect(await isDone(world, id)).toMatchObject({ attemptCount: 1 });
		expect(program.ids.toSorted()).toEqual([awake, ...asleep].toSorted());
		expect(await listener.end()).toBe(130);
	});

	it("says that another one has taken over for a moment, and not that the server is away", async () => {
		await using program = await LocalProgram.start();
		const args = ["listen", `${program.port}`, "--device", "taken"];
		await using first = new FanfareProcess(args, { env: world.scriptEnv });
		const says = (text: string) => eventually(`the words ${text}`, () => first.stderr.includes(text));
		await says("Ready.");
		// Nothing listens at the target of the other one, so it gives the relay back at once.
		await using other = await start(`${await freePort()}`, "--device", "taken");
		await other.until("to wait", ({ kind }) => kind === "waiting");
		await says("connected again");
		expect(first.stderr).toContain("another `fanfare listen` took over as taken, and left");
		expect(first.stderr).not.toContain("the server is away");
	});

	it("signs with a secret of its own, and never prints it", async () => {
		await using program = await LocalProgram.start();
		const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
		writeFileSync(world.dir.join("own"), `${secret}\n`);
		await using listener = await start(`${program.port}`, "--secret-file", world.dir.join("own"));
		await isDone(world, await send(world));
		const [request] = await program.waitFor(1);
		await verified(request, secret);
		await listener.end();
		expect(listener.process.stdout + listener.process.stderr).not.toContain(secret.slice(6, 30));
	});

	it("loses no secret if listeners start at the same instant, and forgets the oldest", async () => {
		const source = `import { keptListener, noteSeen } from ${JSON.stringify(DEVICES)};
			const name = (device) => ({ url: "http://x", projectId: "p", customerId: null, device });
			process.stderr.write("ready");
			for await (const _ of process.stdin);
			for (let i = 0; i < 40; i++) {
				const own = await keptListener(name("own" + (process.argv[1] + i)));
				const shared = await keptListener(name("shared" + i));
				console.log(i, own.secret, shared.secret);
				noteSeen(name("own" + process.argv[1] + i), i);
			}`;
		const env = { ...process.env, FANFARE_CONFIG_DIR: world.dir.join("race") };
		/** Runs some at once: they begin when all of them are ready. */
		const run = async (...ids: string[]) => {
			const args = [...FLAGS, "--input-type=module", "-e", source];
			const running = ids.map((id) => execFile(process.execPath, [...args, id], { env }));
			await Promise.all(running.map((each) => Promise.race([once(each.child.stderr!, "data"), each])));
			for (const { child } of running) child.stdin!.end();
			return (await Promise.all(running)).map(({ stdout }) => stdout);
		};
		const texts = await run("a", "b");
		const again = await run("a", "b");
		expect(again).toEqual(texts);
		for (const text of texts) expect(text).toMatch(/^(\d+ whsec_\S+ whsec_\S+\n){40}$/);
		const shared = texts.map((text) => text.split("\n").map((line) => line.split(" ")[2]));
		expect(shared[0]).toEqual(shared[1]);
		for (const id of ["c", "d", "e"]) await run(id);
		expect(readdirSync(world.dir.join("race/listeners"))).toHaveLength(200);
	});

	it("ends with exit code 5 if there is no server", async () => {
		const { code, stderr } = await world.run(["listen", "3000", "--json"], { FANFARE_URL: "http://127.0.0.1:9" });
		expect([code, JSON.parse(stderr)]).toEqual([5, { error: expect.objectContaining({ exitCode: 5 }) }]);
	});
});

describe.skipIf(typeof pty === "string")("fanfare listen on a terminal", () => {
	it("has a line for each request, shows details, sends again, edits and sends, and ends with q", async () => {
		await using program = await LocalProgram.start(({ path }, response) => {
			response.writeHead(path === "/hooks" ? 500 : 200, { "x-note": "hello" });
			response.end("TypeError: total is undefined\n  at handler");
		});
		writeFileSync(world.dir.join("editor.sh"), '#!/bin/sh\nsed -i "s/4242/4343/" "$1"\n', { mode: 0o700 });
		const env = { ...world.scriptEnv, EDITOR: world.dir.join("editor.sh") };
		await using terminal = new Terminal(["listen", `${program.port}/hooks`, "--device", "keys"], env, 140);
		await terminal.shows(/✓ Ready\. \? shows the keys/);
		const secret = await secretFrom(world, "--device", "keys");
		await world.server.project.batch.webhooks.test((await relaysOf(world, "keys"))[0]?.webhookId ?? "");
		await terminal.shows(/\d\d:\d\d:\d\d {2}\S+ .* 500 +\d+ ms {2}test {2}TypeError: total is undefined/);
		const id = await send(world, { total: 4242 });
		await terminal.shows(new RegExp(`order\\.paid +${id} +500 +\\d+ ms {2}TypeError`));
		terminal.type(KEYS.enter);
		await terminal.shows(/x-note: hello\n[^]*at handler/);
		program.respond = (_, response) => response.end();
		// By the server's retry, so that none comes between what follows.
		await isDone(world, id);
		const count = program.requests.length;
		terminal.type("r");
		await terminal.shows(new RegExp(`${id} +200 +\\d+ ms {2}sent again`));
		terminal.type("e");
		await terminal.shows(/order\.paid +evt_\S+ +200 +\d+ ms {2}edited/);
		const [again, edited] = program.requests.slice(count).filter(({ rawHeaders }) => rawHeaders.length > 0);
		await verified(again, secret);
		await verified(edited, secret);
		expect(headerOf(again!, "webhook-id")).toBe(id);
		expect(headerOf(edited!, "webhook-id")).not.toBe(id);
		expect(JSON.parse(edited!.body.toString())).toMatchObject({ type: "order.paid", data: { total: 4343 } });
		terminal.type("q");
		await terminal.shows(/requests? forwarded \(\d failed\) · relay (kept|removed)/);
		expect(await terminal.ended()).toBe(0);
	});

	it("ends with Ctrl-C and exit code 130", async () => {
		await using program = await LocalProgram.start();
		await using terminal = new Terminal(["listen", `${program.port}`, "--device", "ctrl-c"], world.scriptEnv);
		await terminal.shows(/Ready/);
		terminal.type(KEYS.controlC);
		await terminal.shows(/0 requests forwarded · relay removed/);
		expect(await terminal.ended()).toBe(130);
	});
});
