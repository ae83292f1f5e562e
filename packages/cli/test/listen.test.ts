// `fanfare listen` against a real server: exact requests, and clients, servers and programs that go away and come back.
import { execFile as execFileCallback } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { verifySignature } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess } from "@fanfare/testkit/fanfare-process";
import { freePort } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { headerOf, LocalProgram, type RawRequest } from "./support/local-program.ts";
import { KEYS, pty, Terminal } from "./support/terminal.ts";
import { World } from "./support/world.ts";

const execFile = promisify(execFileCallback);
const DEVICES = new URL("../src/commands/listen/devices.ts", import.meta.url).href;
const FLAGS = ["--conditions=@fanfare/source"];

type Line = Readonly<Record<string, unknown>>;

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

/** A listener that prints JSON. */
class Listener implements AsyncDisposable {
	readonly process: FanfareProcess;

	private constructor(args: readonly string[]) {
		this.process = new FanfareProcess(["listen", ...args, "--json"], { env: world.scriptEnv });
	}

	static async start(...args: string[]): Promise<Listener> {
		const listener = new Listener(args);
		await listener.until("to be ready", ({ kind }) => kind === "ready");
		return listener;
	}

	/** Every line of standard output, each of which must be an object. */
	get lines(): Line[] {
		return this.process.stdout
			.split("\n")
			.slice(0, -1)
			.map((line) => JSON.parse(line) as Line);
	}

	get deliveries(): Line[] {
		return this.lines.filter(({ kind }) => kind === "delivery");
	}

	async until(what: string, isSo: (line: Line) => boolean, count = 1): Promise<Line> {
		return eventually(`the listener ${what}`, () => {
			if (this.process.exit !== null) throw new Error(`it has ended: ${this.process.stderr}${this.process.stdout}`);
			return this.lines.filter(isSo)[count - 1];
		});
	}

	async end(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
		this.process.kill(signal);
		return (await this.process.exited).code;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.process[Symbol.asyncDispose]();
	}
}

const send = async (data: unknown = {}, type = "order.paid") =>
	(await world.server.project.events.send({ type, data })).id;
const deliveryOf = async (eventId: string) => (await world.server.project.deliveries.list({ eventId })).data[0];
const isDone = (eventId: string) =>
	eventually(`the delivery of ${eventId}`, async () => {
		const delivery = await deliveryOf(eventId);
		return delivery?.status === "Succeeded" ? delivery : null;
	});
const relaysOf = async (device: string) =>
	(await world.server.project.relays.list()).filter((relay) => relay.device === device);
const secretFrom = async (...args: string[]) => (await world.run(["listen", "--print-secret", ...args])).stdout.trim();
const verified = ({ rawHeaders, body }: RawRequest, secret: string) => {
	const headers = Object.fromEntries(rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]]] : [])));
	return verifySignature(body, headers, secret);
};

describe("fanfare listen", () => {
	it("forwards each request byte for byte, and answers with the response as it is", async () => {
		const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
		await using program = await LocalProgram.start((_, response) => {
			response.writeHead(207, ["X-Twice", "1", "x-a", "\u00e9 ~", "X-Twice", "2"]);
			response.end(everyByte);
		});
		await using listener = await Listener.start(`localhost:${program.port}/hooks?a=%20b`, "--device", "exact");
		expect(listener.lines[0]).toEqual({
			kind: "ready",
			relayId: expect.stringMatching(/^relay_/),
			webhookId: expect.stringMatching(/^webhook_/),
			projectId: world.server.project.id,
			device: "exact",
			eventTypes: null,
			target: `http://localhost:${program.port}/hooks?a=%20b`,
			secretHint: expect.stringMatching(/^.{4}$/),
		});
		const secret = await secretFrom("--device", "exact");
		const bodies = [
			{ text: "\u0000\u001f \u2028 ünï 😀 \\u0041", n: 0.1 },
			{},
			"x".repeat(250_000),
			[...everyByte].map((byte) => String.fromCodePoint(byte)).join(""),
		];
		for (const [index, data] of bodies.entries()) {
			const id = await send(data);
			await isDone(id);
			const request = program.requests[index];
			if (request === undefined) throw new Error("no request");
			expect([request.method, request.path]).toEqual(["POST", "/hooks?a=%20b"]);
			await verified(request, secret);
			expect(request.body.toString("utf8")).toBe(await world.server.project.events.getData(id, { as: "body" }));
		}
		const names = program.requests[0]?.rawHeaders.filter((_, index) => index % 2 === 0);
		expect(names?.[0]).toBe("host");
		expect(names?.map((name) => name.toLowerCase())).not.toContain("transfer-encoding");
		expect(names).toEqual(expect.arrayContaining(["webhook-id", "webhook-timestamp", "webhook-signature"]));
		await listener.until("to have said so of each", ({ kind }) => kind === "delivery", bodies.length);
		expect(listener.deliveries).toMatchObject(
			bodies.map(() => ({ status: 207, error: null, eventType: "order.paid", attemptNumber: 1, accepted: true })),
		);
		const { attempts } = await world.server.project.deliveries.get(String(listener.deliveries[0]?.["deliveryId"]));
		expect(attempts[0]?.response).toMatchObject({ headers: { "x-twice": "1, 2" }, body: "[binary, 256 bytes]" });
		expect([await listener.end(), listener.process.stderr]).toEqual([130, ""]);
		expect(listener.lines.at(-1)).toEqual({ kind: "end", forwarded: 4, failed: 0, relay: "removed", waiting: 0 });
		expect(await relaysOf("exact")).toEqual([]);
	});

	it("waits while nothing listens at the target, and says so once; a restart of the program loses and doubles nothing", async () => {
		await using program = await LocalProgram.start();
		await program.stop();
		await using listener = await Listener.start(`${program.port}/hooks`, "--device", "waits");
		await listener.until("to wait", ({ kind }) => kind === "waiting");
		const before = [await send(1), await send(2)];
		await program.listen();
		for (const id of before) expect(await isDone(id)).toMatchObject({ attemptCount: 1 });
		await program.stop();
		const during = await send(3);
		await listener.until("to wait again", ({ kind }) => kind === "waiting", 2);
		await program.listen();
		expect(await isDone(during)).toMatchObject({ attemptCount: 1 });
		expect(program.ids.toSorted()).toEqual([...before, during].toSorted());
		expect(listener.lines.filter(({ kind }) => kind === "waiting")).toHaveLength(2);
		expect(await listener.end()).toBe(130);
	});

	it("answers what was under way when the program stopped to listen, and asks for it only once", async () => {
		const open: (() => void)[] = [];
		await using program = await LocalProgram.start((_, response) => open.push(() => response.end()));
		await using listener = await Listener.start(`${program.port}`, "--device", "drains");
		const underWay = await send(1);
		await program.waitFor(1);
		const drained = program.drain();
		const waiting = await send(2);
		await listener.until("to wait", ({ kind }) => kind === "waiting");
		for (const respond of open) respond();
		await drained;
		expect(await isDone(underWay)).toMatchObject({ attemptCount: 1 });
		program.respond = (_, response) => response.end();
		await program.listen();
		expect(await isDone(waiting)).toMatchObject({ attemptCount: 1 });
		expect(program.ids).toEqual([underWay, waiting]);
		expect(await listener.end()).toBe(130);
	});

	it("answers what is under way at SIGINT, forwards nothing more, and keeps the relay if deliveries wait", async () => {
		const open: (() => void)[] = [];
		await using program = await LocalProgram.start((_, response) => open.push(() => response.end("late")));
		await using listener = await Listener.start(`${program.port}`, "--device", "ends");
		const underWay = await send();
		await program.waitFor(1);
		listener.process.kill("SIGINT");
		await listener.until("to be stopping", ({ kind, underWay: count }) => kind === "stopping" && count === 1);
		const after = await send();
		for (const respond of open) respond();
		expect(await listener.process.exited).toEqual({ code: 130, signal: null });
		expect(await isDone(underWay)).toMatchObject({ attemptCount: 1 });
		expect(listener.lines.at(-1)).toMatchObject({ kind: "end", forwarded: 1, relay: "kept", waiting: 1 });
		expect(await relaysOf("ends")).toHaveLength(1);
		program.respond = (_, response) => response.end();
		await using again = await Listener.start(`${program.port}`, "--device", "ends");
		await isDone(after);
		expect(program.ids.filter((id) => id === after)).toHaveLength(1);
		expect(await again.end("SIGTERM")).toBe(143);
		expect(await relaysOf("ends")).toEqual([]);
	});

	it("survives a kill of the server: what the program has answered meanwhile is not asked again", async () => {
		const open: (() => void)[] = [];
		await using program = await LocalProgram.start((_, response) => open.push(() => response.end()));
		await using listener = await Listener.start(`${program.port}`, "--device", "restart");
		const id = await send();
		await program.waitFor(1);
		world.server.kill("SIGKILL");
		await world.server.exited;
		for (const respond of open) respond();
		await listener.until("to have forwarded it", ({ kind }) => kind === "delivery");
		await world.server.restart();
		expect(await isDone(id)).toMatchObject({ attemptCount: 1 });
		program.respond = (_, response) => response.end();
		const later = await send();
		await isDone(later);
		expect(program.ids).toEqual([id, later]);
		await listener.until("to have forwarded both", ({ kind }) => kind === "delivery", 2);
		expect(listener.deliveries.map(({ eventId }) => eventId)).toEqual([id, later]);
		expect(listener.lines.filter(({ kind }) => kind === "away")).toHaveLength(1);
		expect(await listener.end()).toBe(130);
	});

	it("misses and doubles nothing if its machine sleeps", async () => {
		await using program = await LocalProgram.start();
		await using listener = await Listener.start(`${program.port}`, "--device", "sleeps");
		const awake = await send();
		await isDone(awake);
		// The server misses the listener after this time. When it wakes up, the program has as long to answer what came while it slept.
		const { relays } = world.server.project;
		const [{ id, timeoutMs } = { id: "", timeoutMs: 0 }] = await relaysOf("sleeps");
		await relays.update(id, { timeoutMs: 10_000 });
		listener.process.kill("SIGSTOP");
		const asleep = [await send(), await send()];
		for (const missed of asleep)
			await eventually("it to be Held", async () => (await deliveryOf(missed))?.status === "Held");
		expect(await relaysOf("sleeps")).toMatchObject([{ connected: false }]);
		await relays.update(id, { timeoutMs });
		listener.process.kill("SIGCONT");
		for (const id of asleep) expect(await isDone(id)).toMatchObject({ attemptCount: 1 });
		expect(program.ids.toSorted()).toEqual([awake, ...asleep].toSorted());
		expect(await listener.end()).toBe(130);
	});

	it("gives two devices each their own copy, and ends the older one of the same device", async () => {
		await using one = await LocalProgram.start();
		await using two = await LocalProgram.start();
		await using ada = await Listener.start(`${one.port}`, "--device", "ada");
		await using ben = await Listener.start(`${two.port}`, "--device", "ben", "--events", "user.*");
		const [order, user] = [await send({}, "order.paid"), await send({}, "user.made")];
		await one.waitFor(2);
		await two.waitFor(1);
		expect([one.ids.toSorted(), two.ids]).toEqual([[order, user].toSorted(), [user]]);
		await using newer = await Listener.start(`${one.port}`, "--device", "ada");
		expect((await ada.process.exited).code).toBe(1);
		expect(JSON.parse(ada.process.stderr)).toMatchObject({
			error: {
				exitCode: 1,
				message: expect.stringContaining("runs as ada"),
				next: expect.stringContaining("--device"),
			},
		});
		expect([await newer.end(), await ben.end()]).toEqual([130, 130]);
	});

	it("says that another one has taken over for a moment, and not that the server is away", async () => {
		await using program = await LocalProgram.start();
		const args = ["listen", `${program.port}`, "--device", "taken"];
		await using first = new FanfareProcess(args, { env: world.scriptEnv });
		const says = (text: string) => eventually(`the words ${text}`, () => first.stderr.includes(text));
		await says("Ready.");
		// Nothing listens at the target of the other one, so it gives the relay back at once.
		await using other = await Listener.start(`${await freePort()}`, "--device", "taken");
		await other.until("to wait", ({ kind }) => kind === "waiting");
		await says("connected again");
		expect(first.stderr).toContain("another `fanfare listen` took over as taken, and left");
		expect(first.stderr).not.toContain("the server is away");
	});

	it("mirrors the event types of a webhook, and sends what was missed", async () => {
		await world.server.createWebhook("http://127.0.0.1:9/", { eventTypes: ["billing.*"] });
		await using program = await LocalProgram.start();
		const missed = await send({}, "billing.due");
		await using listener = await Listener.start(`${program.port}`, "--mirror", "test", "--since", "1h");
		expect(listener.lines[0]).toMatchObject({ eventTypes: ["billing.*"] });
		await program.waitFor(1);
		expect(program.ids).toEqual([missed]);
		await listener.end();
	});

	it("signs with a secret of its own, and never prints it", async () => {
		await using program = await LocalProgram.start();
		const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
		writeFileSync(world.dir.join("own"), `${secret}\n`);
		await using listener = await Listener.start(`${program.port}`, "--secret-file", world.dir.join("own"));
		await isDone(await send());
		const [request] = await program.waitFor(1);
		if (request === undefined) throw new Error("no request");
		await verified(request, secret);
		await listener.end();
		expect(listener.process.stdout + listener.process.stderr).not.toContain(secret.slice(6, 30));
	});

	it("keeps the secret of a device in a file that only its owner can read", async () => {
		const secret = await secretFrom("--device", "kept");
		expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
		expect(await secretFrom("--device", "kept")).toBe(secret);
		expect(await secretFrom("--device", "other")).not.toBe(secret);
		const folder = world.dir.join("config/listeners");
		const [file = ""] = readdirSync(folder).map((name) => join(folder, name));
		expect([statSync(folder).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600]);
		const env = { FANFARE_CONFIG_DIR: world.dir.join("damaged") };
		await world.run(["listen", "--print-secret"], env);
		const [damagedFile = ""] = readdirSync(world.dir.join("damaged/listeners"));
		writeFileSync(world.dir.join("damaged/listeners", damagedFile), '{"secret":1}');
		const damaged = await world.run(["listen", "--print-secret"], env);
		expect([damaged.code, damaged.stderr]).toEqual([1, expect.stringContaining("is damaged")]);
		expect(readFileSync(world.dir.join("damaged/listeners", damagedFile), "utf8")).toBe('{"secret":1}');
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

	it("refuses targets that are not this machine, and options that do not fit, with their exit codes", async () => {
		const cases = [
			[["example.com/hooks"], 2, /is not this machine.*--allow-remote/],
			[["ftp://localhost"], 2, /The target must be a port and a path/],
			[["127.0.0.1.example.com"], 2, /is not this machine/],
			[["3000", "--events", "a", "--mirror", "b"], 2, /--events or --mirror/],
			[["3000", "--mirror", "nobody"], 3, /no webhook with the id, key or name "nobody"/],
			[[], 2, /The argument <target> is missing/],
		] as const;
		const results = await Promise.all(cases.map(([args]) => world.run(["listen", ...args])));
		for (const [index, { code, stdout, stderr }] of results.entries()) {
			const [, expected, message] = cases[index] ?? cases[0];
			expect([code, stdout, stderr]).toEqual([expected, "", expect.stringMatching(message)]);
		}
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
		const secret = await secretFrom("--device", "keys");
		await world.server.project.batch.webhooks.test((await relaysOf("keys"))[0]?.webhookId ?? "");
		await terminal.shows(/\d\d:\d\d:\d\d {2}\S+ .* 500 +\d+ ms {2}test {2}TypeError: total is undefined/);
		const id = await send({ total: 4242 });
		await terminal.shows(new RegExp(`order\\.paid +${id} +500 +\\d+ ms {2}TypeError`));
		terminal.type(KEYS.enter);
		await terminal.shows(/x-note: hello\n[^]*at handler/);
		program.respond = (_, response) => response.end();
		// By the server's retry, so that none comes between what follows.
		await isDone(id);
		const count = program.requests.length;
		terminal.type("r");
		await terminal.shows(new RegExp(`${id} +200 +\\d+ ms {2}sent again`));
		terminal.type("e");
		await terminal.shows(/order\.paid +evt_\S+ +200 +\d+ ms {2}edited/);
		const [again, edited] = program.requests.slice(count).filter(({ rawHeaders }) => rawHeaders.length > 0);
		if (again === undefined || edited === undefined) throw new Error("no request");
		await verified(again, secret);
		await verified(edited, secret);
		expect(headerOf(again, "webhook-id")).toBe(id);
		expect(headerOf(edited, "webhook-id")).not.toBe(id);
		expect(JSON.parse(edited.body.toString())).toMatchObject({ type: "order.paid", data: { total: 4343 } });
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
