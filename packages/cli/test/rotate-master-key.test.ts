// `fanfare rotate-master-key`: secrets stay valid, the old key becomes useless, and after a crash exactly one key is in force.
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

import { utils, verify } from "@fanfare/sdk";
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, expect, it } from "vitest";

import { runInProcess } from "./support/in-process.ts";

const HEADER_VALUE = "a value of the customer";
const ONE_WEBHOOK = "The secrets of 1 webhook are encrypted under the new key.";
const newKey = () => randomBytes(32).toString("base64");

let receiver: Receiver;
beforeAll(async () => {
	receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

const rotate = (server: ServerProcess, env: Record<string, string> = {}) =>
	runInProcess(["rotate-master-key", "--data-dir", server.dataDir], { env });
const keyOf = (server: ServerProcess) => readFileSync(`${server.dataDir}/master.key`, "utf8");

/** A server that has a webhook, and the webhook's secret. */
async function serverWithWebhook(env: Record<string, string> = {}) {
	const secret = utils.generateWebhookSecret();
	const server = await startServerProcess({ env });
	await server.createWebhook(receiver.url, { secret, headers: { "x-customer": HEADER_VALUE } });
	return { server, secret };
}

/** Starts the server, checks that the webhook still signs with its secret and sends its header, and stops it. */
async function expectSigns(server: ServerProcess, secret: string, env: Record<string, string> = {}): Promise<void> {
	await server.restart(env);
	const count = receiver.requests.length;
	await server.project.events.send({ type: "a.b", data: 1 });
	const request = (await receiver.waitFor(count + 1)).at(-1)!;
	await expect(verify(request.rawBody, request.headers, secret)).resolves.toMatchObject({ type: "a.b" });
	expect(request.headers["x-customer"]).toBe(HEADER_VALUE);
	await server.stop();
}

async function expectRefusedStart(server: ServerProcess, env: Record<string, string> = {}): Promise<void> {
	const settings = { FANFARE_DATA_DIR: server.dataDir, FANFARE_PORT: "0", ...env };
	const { code, stderr } = await runFanfare(["serve"], { env: settings });
	expect([code, stderr]).toEqual([1, expect.stringMatching(/^fanfare: the master key .* is not the one .*\n$/)]);
}

it("with the key in the data directory, replaces it while no server runs, and webhooks still work", async () => {
	const { server: running, secret } = await serverWithWebhook();
	await using server = running;
	const oldKey = keyOf(server);
	const refused = await rotate(server);
	expect(refused.code).toBe(1);
	expect(refused.stderr).toMatch(new RegExp(`^fanfare: .*process ${server.pid}.*\n$`));
	expect(keyOf(server)).toBe(oldKey);
	await server.stop();

	const rotated = await rotate(server);
	expect(rotated).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining(ONE_WEBHOOK) });
	const generated = keyOf(server);
	expect(generated).not.toBe(oldKey);
	expect(rotated.stderr).not.toContain(generated.trim());
	expect(existsSync(`${server.dataDir}/master.key.next`)).toBe(false);
	writeFileSync(`${server.dataDir}/master.key`, oldKey);
	await expectRefusedStart(server);
	writeFileSync(`${server.dataDir}/master.key`, generated);

	const given = randomBytes(32);
	expect(await rotate(server, { FANFARE_NEW_MASTER_KEY: given.toString("hex") })).toMatchObject({ code: 0 });
	expect(keyOf(server).trim()).toBe(given.toString("base64"));
	await expectSigns(server, secret);
});

it("with the key in the environment, encrypts under FANFARE_NEW_MASTER_KEY, writes no key file, and changes nothing if it refuses", async () => {
	const [oldKey, next] = [newKey(), newKey()];
	const { server: running, secret } = await serverWithWebhook({ FANFARE_MASTER_KEY: oldKey });
	await using server = running;
	await server.stop();
	for (const [env, expected] of [
		[{ FANFARE_MASTER_KEY: oldKey }, /FANFARE_NEW_MASTER_KEY/],
		[{ FANFARE_MASTER_KEY: oldKey, FANFARE_NEW_MASTER_KEY: "tell-nobody" }, /FANFARE_NEW_MASTER_KEY/],
		[{ FANFARE_MASTER_KEY: next, FANFARE_NEW_MASTER_KEY: next }, /is not the one/],
	] as const) {
		const refused = await rotate(server, env);
		expect([refused.code, refused.stdout]).toEqual([1, ""]);
		expect(refused.stderr).toMatch(/^fanfare: .{20,}\n$/);
		expect(refused.stderr).toMatch(expected);
		expect(refused.stderr).not.toContain("tell-nobody");
	}
	await expectSigns(server, secret);
	const rotated = await rotate(server, { FANFARE_MASTER_KEY: oldKey, FANFARE_NEW_MASTER_KEY: next });
	expect(rotated).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining(ONE_WEBHOOK) });
	expect(rotated.stderr).not.toContain(next);
	expect(existsSync(`${server.dataDir}/master.key`)).toBe(false);
	await expectRefusedStart(server, { FANFARE_MASTER_KEY: oldKey });
	await expectSigns(server, secret, { FANFARE_MASTER_KEY: next });
});

it("leaves the old key in force by a crash before the secrets are encrypted, and by one after that the new key", async () => {
	const { server: running, secret } = await serverWithWebhook();
	await using server = running;
	await server.stop();
	const file = `${server.dataDir}/master.key`;
	const oldKey = keyOf(server);
	writeFileSync(`${file}.next`, `${newKey()}\n`, { mode: 0o600 });
	await expectSigns(server, secret);
	expect(keyOf(server)).toBe(oldKey);
	// The file that it left does not prevent another rotation.
	copyFileSync(file, `${file}.old`);
	expect(await rotate(server)).toMatchObject({ code: 0 });
	copyFileSync(file, `${file}.next`);
	copyFileSync(`${file}.old`, file);
	rmSync(`${file}.old`);
	const next = readFileSync(`${file}.next`, "utf8");
	await expectSigns(server, secret);
	expect([keyOf(server), existsSync(`${file}.next`)]).toEqual([next, false]);
});

it("refuses a directory without data, and creates nothing", async () => {
	using dir = new TemporaryDir();
	const refused = await runInProcess(["rotate-master-key", "--data-dir", dir.join("mistyped")]);
	expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^fanfare: .*mistyped.*\n$/) });
	expect(existsSync(dir.join("mistyped"))).toBe(false);
});
