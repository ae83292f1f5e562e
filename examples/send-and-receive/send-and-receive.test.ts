// The two programs, run as the README says.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { Client, utils } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { expect, it } from "vitest";

import { freePort, ServerProcess } from "../demo/server-process.ts";

it("sends the receiver each event once, with a new secret at each run", async () => {
	const home = await mkdtemp(join(tmpdir(), "fanfare-example-test-"));
	await using cleanUp = new AsyncDisposableStack();
	cleanUp.defer(() => rm(home, { recursive: true }));
	const adminKey = `sk_${randomBytes(32).toString("base64url")}`;
	const server = new ServerProcess({
		port: await freePort(),
		dataDir: join(home, "data"),
		adminKey,
		logFile: join(home, "server.log"),
		detached: false,
		onUnexpectedExit: (error) => expect.unreachable(error.message),
	});
	cleanUp.defer(() => server.kill());
	await server.start();
	const common = { FANFARE_URL: server.url, FANFARE_KEY: adminKey, PORT: String(await freePort()) };
	const [project] = await new Client(adminKey, { endpoint: server.url }).listProjects();
	const sent: string[] = [];
	for (let time = 1; time <= 2; time++) {
		const env = { ...common, WEBHOOK_SECRET: utils.generateWebhookSecret() };
		const receiver = run("receive.ts", env);
		cleanUp.defer(() => void receiver.kill());
		const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
		expect((await lines.next()).value).toBe(`receiving on http://127.0.0.1:${env.PORT}/hooks`);
		const sender = run("send.ts", env);
		const [output] = await Promise.all([text(sender.stdout), once(sender, "exit")]);
		const [, eventId = ""] = /^accepted (evt_\S+), deliveries: 1$/m.exec(output) ?? [];
		expect((await lines.next()).value).toBe(`received ${eventId}: order.paid, order 42`);
		sent.push(eventId);
		await eventually("the receiver's answer to be noted", async () => {
			const [delivery] = (await project!.deliveries.list({ eventId })).data;
			return delivery?.status === "Succeeded";
		});
		receiver.kill();
		await once(receiver, "exit");
	}

	// The receiver prints an event once however often it comes, so the log tells how often it came.
	const { data: deliveries } = await project!.deliveries.list();
	expect(deliveries.map(({ eventId, attemptCount }) => ({ eventId, attemptCount }))).toEqual(
		sent.toReversed().map((eventId) => ({ eventId, attemptCount: 1 })),
	);
	expect((await project!.batch.webhooks.list()).data).toHaveLength(1);
});

function run(file: string, env: Record<string, string>) {
	const path = fileURLToPath(new URL(file, import.meta.url));
	return spawn(process.execPath, ["--conditions=@fanfare/source", path], {
		env: { ...process.env, ...env },
		stdio: ["ignore", "pipe", "inherit"],
	});
}
