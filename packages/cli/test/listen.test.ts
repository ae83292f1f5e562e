// `fanfare listen` against a real server: exact requests, its end, its options and its secrets. What goes away and comes back: listen.all.test.ts.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { isDone, Listener, relaysOf, secretFrom, send, verified } from "./support/listener.ts";
import { LocalProgram } from "./support/local-program.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const start = (...args: string[]) => Listener.start(world, ...args);

describe("fanfare listen", () => {
	it("forwards each request byte for byte, and answers with the response as it is", async () => {
		const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
		await using program = await LocalProgram.start((_, response) => {
			response.writeHead(207, ["X-Twice", "1", "x-a", "\u00e9 ~", "X-Twice", "2"]);
			response.end(everyByte);
		});
		await using listener = await start(`localhost:${program.port}/hooks?a=%20b`, "--device", "exact");
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
		const secret = await secretFrom(world, "--device", "exact");
		const bodies = [
			{ text: "\u0000\u001f \u2028 ünï 😀 \\u0041", n: 0.1 },
			{},
			"x".repeat(250_000),
			[...everyByte].map((byte) => String.fromCodePoint(byte)).join(""),
		];
		for (const [index, data] of bodies.entries()) {
			const id = await send(world, data);
			await isDone(world, id);
			const request = program.requests[index]!;
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
		expect(await relaysOf(world, "exact")).toEqual([]);
	});

	it("answers what is under way at SIGINT, forwards nothing more, and keeps the relay if deliveries wait", async () => {
		const open: (() => void)[] = [];
		await using program = await LocalProgram.start((_, response) => open.push(() => response.end("late")));
		await using listener = await start(`${program.port}`, "--device", "ends");
		const underWay = await send(world);
		await program.waitFor(1);
		listener.process.kill("SIGINT");
		await listener.until("to be stopping", ({ kind, underWay: count }) => kind === "stopping" && count === 1);
		const after = await send(world);
		for (const respond of open) respond();
		expect(await listener.process.exited).toEqual({ code: 130, signal: null });
		expect(await isDone(world, underWay)).toMatchObject({ attemptCount: 1 });
		expect(listener.lines.at(-1)).toMatchObject({ kind: "end", forwarded: 1, relay: "kept", waiting: 1 });
		expect(await relaysOf(world, "ends")).toHaveLength(1);
		program.respond = (_, response) => response.end();
		await using again = await start(`${program.port}`, "--device", "ends");
		await isDone(world, after);
		expect(program.ids.filter((id) => id === after)).toHaveLength(1);
		expect(await again.end("SIGTERM")).toBe(143);
		expect(await relaysOf(world, "ends")).toEqual([]);
	});

	it("gives two devices each their own copy, and ends the older one of the same device", async () => {
		await using one = await LocalProgram.start();
		await using two = await LocalProgram.start();
		await using ada = await start(`${one.port}`, "--device", "ada");
		await using ben = await start(`${two.port}`, "--device", "ben", "--events", "user.*");
		const [order, user] = [await send(world, {}, "order.paid"), await send(world, {}, "user.made")];
		await one.waitFor(2);
		await two.waitFor(1);
		expect([one.ids.toSorted(), two.ids]).toEqual([[order, user].toSorted(), [user]]);
		await using newer = await start(`${one.port}`, "--device", "ada");
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

	it("mirrors the event types of a webhook, and sends what was missed", async () => {
		await world.server.createWebhook("http://127.0.0.1:9/", { eventTypes: ["billing.*"] });
		await using program = await LocalProgram.start();
		const missed = await send(world, {}, "billing.due");
		await using listener = await start(`${program.port}`, "--mirror", "test", "--since", "1h");
		expect(listener.lines[0]).toMatchObject({ eventTypes: ["billing.*"] });
		await program.waitFor(1);
		expect(program.ids).toEqual([missed]);
		await listener.end();
	});

	it("keeps the secret of a device in a file that only its owner can read", async () => {
		const secret = await secretFrom(world, "--device", "kept");
		expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
		expect(await secretFrom(world, "--device", "kept")).toBe(secret);
		expect(await secretFrom(world, "--device", "other")).not.toBe(secret);
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
});
