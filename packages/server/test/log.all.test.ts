// The destination of the log may fail. The server keeps running, and can be stopped as usual.
import { closeSync, existsSync, openSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Reply } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

const GRACEFUL = { code: 0, signal: null };
const FULL = "/dev/full";

/** Expects that the server responds to calls, each of which it logs. */
async function expectServes(server: ServerProcess, calls = 3): Promise<void> {
	for (let n = 0; n < calls; n++) expect((await server.call("GET", "/readyz")).status).toBe(200);
}

it("the readers of log and messages go away: an attempt in flight still ends, and is recorded", async () => {
	await using receiver = await startReceiver();
	await using server = await startServerProcess();
	await server.createWebhook(receiver.url);
	const answer = Promise.withResolvers<Reply>();
	receiver.script(() => answer.promise);
	const { id } = await server.project.events.send({ type: "a.b", data: 1 });
	await receiver.waitFor(1);
	server.hangUp();
	await expectServes(server);
	answer.resolve({ status: 204 });
	expect(await server.stop()).toEqual(GRACEFUL);
	await server.restart();
	expect(await server.waitForDelivery(id, () => true)).toMatchObject({ status: "Succeeded", attemptCount: 1 });
	expect(receiver.requests).toHaveLength(1);
});

it.skipIf(!existsSync(FULL))("the disk that the log is written to is full", async () => {
	const full = openSync(FULL, "w");
	try {
		await using server = await startServerProcess({ stdout: full });
		await expectServes(server);
		expect(await server.stop()).toEqual(GRACEFUL);
	} finally {
		closeSync(full);
	}
});

it("nobody reads the log", async () => {
	await using server = await startServerProcess({ env: { FANFARE_LOG_LEVEL: "trace" } });
	server.stopReading();
	// More than the pipe's buffer takes.
	for (let n = 0; n < 20; n++) {
		await Promise.all(Array.from({ length: 100 }, () => expectServes(server, 1)));
	}
	const { pid } = server;
	server.kill("SIGTERM");
	await eventually("the process to end", () => !isAlive(pid));
	expect(await server.exited).toEqual(GRACEFUL);
});

function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}
