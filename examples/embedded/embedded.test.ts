// The example as a user runs it: a process of its own, an order, and the delivery at a receiver.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { Client, verifySignature } from "@fanfare/sdk";
import { startReceiver } from "@fanfare/testkit/receiver";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

it("serves Fanfare on the shop's own port, and delivers its orders", async () => {
	using dir = new TemporaryDir();
	await using receiver = await startReceiver();
	const shop = spawn(process.execPath, ["--conditions=@fanfare/source", MAIN], {
		env: { ...process.env, PORT: "0", DATA_DIR: dir.join("data"), ALLOW_HTTP: "true" },
		stdio: ["ignore", "pipe", "pipe"],
	});
	try {
		const output = { stdout: "", stderr: "" };
		shop.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
		shop.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
		const ended = once(shop, "exit");
		await expect.poll(() => output.stdout + output.stderr).toMatch(/admin key: sk_\S+/);
		const [, url = ""] = /Fanfare at (\S+)\.$/m.exec(output.stdout) ?? [];
		const [, key = ""] = /admin key: (\S+)/.exec(output.stdout) ?? [];
		expect(url).toMatch(/^http:\/\/localhost:\d+\/fanfare$/);

		const client = new Client(key, { endpoint: url });
		const [project] = await client.listProjects();
		const secret = Buffer.alloc(32, 7).toString("base64");
		await project!.batch.webhooks.create({ name: "Books", spec: { endpoint: `${receiver.url}/orders`, secret } });

		const order = () =>
			fetch(new URL("/orders", url), {
				method: "POST",
				headers: { "content-type": "application/json" },
				body: JSON.stringify({ id: 4_711, total: 12.5 }),
			});
		const first = await order();
		expect(first.status).toBe(201);
		// The same order again is the same event.
		expect(await (await order()).json()).toEqual(await first.json());

		await expect.poll(() => receiver.requests.length).toBe(1);
		const { headers, rawBody: body } = receiver.requests[0]!;
		expect(JSON.parse(body.toString())).toMatchObject({ type: "order.paid", data: { id: 4_711, total: 12.5 } });
		expect(() => verifySignature(body, headers, secret)).not.toThrow();

		shop.kill("SIGTERM");
		expect([await ended, output.stderr]).toEqual([[0, null], ""]);
	} finally {
		shop.kill("SIGKILL");
	}
});
