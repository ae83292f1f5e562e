// `fanfare rotate-master-key`: secrets stay valid, the old key becomes useless, and after a crash exactly one key is in
// force.
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

import { utils, verify } from "@fanfare/sdk";
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const HEADER_VALUE = "a value of the customer";
const ONE_WEBHOOK = "The secrets of 1 webhook are encrypted under the new key.";

function rotate(server: ServerProcess, env: Record<string, string> = {}) {
	return runFanfare(["rotate-master-key", "--data-dir", server.dataDir], { env });
}

/** A stopped server that has a webhook, and the webhook's secret. */
async function stoppedServer(receiver: Receiver, env: Record<string, string> = {}) {
	const secret = utils.generateWebhookSecret();
	const server = await startServerProcess({ env });
	await server.createWebhook(receiver.url, { secret, headers: { "x-customer": HEADER_VALUE } });
	await server.stop();
	return { server, secret };
}

/** Sends an event, and checks that the webhook still signs with its secret and sends its header. */
async function expectSigns(server: ServerProcess, receiver: Receiver, secret: string): Promise<void> {
	const count = receiver.requests.length;
	await server.project.events.send({ type: "a.b", data: 1 });
	const request = (await receiver.waitFor(count + 1)).at(-1)!;
	await expect(verify(request.rawBody, request.headers, secret)).resolves.toMatchObject({ type: "a.b" });
	expect(request.headers["x-customer"]).toBe(HEADER_VALUE);
}

async function expectRefusedStart(server: ServerProcess, env: Record<string, string> = {}): Promise<void> {
	const settings = { FANFARE_DATA_DIR: server.dataDir, FANFARE_PORT: "0", ...env };
	const { code, stderr } = await runFanfare(["serve"], { env: settings });
	expect([code, stderr]).toEqual([1, expect.stringMatching(/^fanfare: the master key .* is not the one .*\n$/)]);
}

describe("with the key in the data directory", () => {
	it("generates a new key, and webhooks still work", async () => {
		await using receiver = await startReceiver();
		const { server: stopped, secret } = await stoppedServer(receiver);
		await using server = stopped;
		const file = `${server.dataDir}/master.key`;
		const oldKey = readFileSync(file, "utf8");

		const rotated = await rotate(server);
		expect(rotated).toMatchObject({ code: 0, stdout: "" });
		expect(rotated.stderr).toContain(ONE_WEBHOOK);
		const newKey = readFileSync(file, "utf8");
		expect(newKey).not.toBe(oldKey);
		expect(rotated.stderr).not.toContain(newKey.trim());
		expect(existsSync(`${file}.next`)).toBe(false);

		writeFileSync(file, oldKey);
		await expectRefusedStart(server);
		writeFileSync(file, newKey);
		await server.restart();
		await expectSigns(server, receiver, secret);
	});

	it("takes the new key from FANFARE_NEW_MASTER_KEY if that is set", async () => {
		await using receiver = await startReceiver();
		const { server: stopped, secret } = await stoppedServer(receiver);
		await using server = stopped;
		const newKey = randomBytes(32);
		expect(await rotate(server, { FANFARE_NEW_MASTER_KEY: newKey.toString("hex") })).toMatchObject({ code: 0 });
		expect(readFileSync(`${server.dataDir}/master.key`, "utf8").trim()).toBe(newKey.toString("base64"));
		await server.restart();
		await expectSigns(server, receiver, secret);
	});

	it("refuses while the server runs, and changes nothing", async () => {
		await using receiver = await startReceiver();
		const { server: stopped, secret } = await stoppedServer(receiver);
		await using server = stopped;
		await server.restart();
		const key = readFileSync(`${server.dataDir}/master.key`, "utf8");
		const refused = await rotate(server);
		expect(refused.code).toBe(1);
		expect(refused.stderr).toMatch(new RegExp(`^fanfare: .*process ${server.pid}.*\n$`));
		expect(readFileSync(`${server.dataDir}/master.key`, "utf8")).toBe(key);
		await server.stop();
		await server.restart();
		await expectSigns(server, receiver, secret);
	});
});

describe("with the key in the environment", () => {
	const [oldKey, newKey] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];

	it("encrypts under FANFARE_NEW_MASTER_KEY, and writes no key file", async () => {
		await using receiver = await startReceiver();
		const { server: stopped, secret } = await stoppedServer(receiver, { FANFARE_MASTER_KEY: oldKey });
		await using server = stopped;
		const rotated = await rotate(server, { FANFARE_MASTER_KEY: oldKey, FANFARE_NEW_MASTER_KEY: newKey });
		expect(rotated).toMatchObject({ code: 0, stdout: "" });
		expect(rotated.stderr).toContain(ONE_WEBHOOK);
		expect(rotated.stderr).not.toContain(newKey);
		expect(existsSync(`${server.dataDir}/master.key`)).toBe(false);

		await expectRefusedStart(server, { FANFARE_MASTER_KEY: oldKey });
		await server.restart({ FANFARE_MASTER_KEY: newKey });
		await expectSigns(server, receiver, secret);
	});

	it.each([
		["without a new key", { FANFARE_MASTER_KEY: oldKey }, /FANFARE_NEW_MASTER_KEY/],
		[
			"with an invalid new key",
			{ FANFARE_MASTER_KEY: oldKey, FANFARE_NEW_MASTER_KEY: "tell-nobody" },
			/FANFARE_NEW_MASTER_KEY/,
		],
		[
			"with an old key that does not fit the data",
			{ FANFARE_MASTER_KEY: newKey, FANFARE_NEW_MASTER_KEY: newKey },
			/is not the one/,
		],
	])("refuses %s, and changes nothing", async (_how, env, expected) => {
		await using receiver = await startReceiver();
		const { server: stopped, secret } = await stoppedServer(receiver, { FANFARE_MASTER_KEY: oldKey });
		await using server = stopped;
		const refused = await rotate(server, env);
		expect(refused).toMatchObject({ code: 1, stdout: "" });
		expect(refused.stderr).toMatch(/^fanfare: .{20,}\n$/);
		expect(refused.stderr).toMatch(expected);
		expect(refused.stderr).not.toContain("tell-nobody");
		await server.restart();
		await expectSigns(server, receiver, secret);
	});
});

describe("a crash during the rotation", () => {
	it("before the secrets are encrypted leaves the old key in force", async () => {
		await using receiver = await startReceiver();
		const { server: stopped, secret } = await stoppedServer(receiver);
		await using server = stopped;
		writeFileSync(`${server.dataDir}/master.key.next`, `${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
		await server.restart();
		await expectSigns(server, receiver, secret);
		await server.stop();
		// The file that it left does not prevent another rotation.
		expect(await rotate(server)).toMatchObject({ code: 0 });
		await server.restart();
		await expectSigns(server, receiver, secret);
	});

	it("after the secrets are encrypted puts the new key in force at the next start", async () => {
		await using receiver = await startReceiver();
		const { server: stopped, secret } = await stoppedServer(receiver);
		await using server = stopped;
		const file = `${server.dataDir}/master.key`;
		copyFileSync(file, `${file}.old`);
		await rotate(server);
		copyFileSync(file, `${file}.next`);
		copyFileSync(`${file}.old`, file);
		rmSync(`${file}.old`);
		const newKey = readFileSync(`${file}.next`, "utf8");

		await server.restart();
		await expectSigns(server, receiver, secret);
		expect(readFileSync(file, "utf8")).toBe(newKey);
		expect(existsSync(`${file}.next`)).toBe(false);
	});
});

it("refuses a directory without data, and creates nothing", async () => {
	using dir = new TemporaryDir();
	const refused = await runFanfare(["rotate-master-key", "--data-dir", dir.join("mistyped")]);
	expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^fanfare: .*mistyped.*\n$/) });
	expect(existsSync(dir.join("mistyped"))).toBe(false);
});
