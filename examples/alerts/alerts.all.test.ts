// The alerts as they are: a webhook that fails is told to a chat and by e-mail, through a real server and a real SMTP server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { utils } from "@fanfare/sdk";
import { startReceiver } from "@fanfare/testkit/receiver";
import { freePort, startServerProcess } from "@fanfare/testkit/server-process";
import { SMTPServer } from "smtp-server";
import { expect, it } from "vitest";

import { sentenceOf } from "./sentence.ts";

async function startAlerts(name: string, env: Readonly<Record<string, string>>): Promise<AsyncDisposable> {
	const path = fileURLToPath(new URL(name, import.meta.url));
	const child = spawn(process.execPath, ["--conditions=@fanfare/source", path], {
		env: { ...process.env, ...env },
		stdio: ["ignore", "pipe", "inherit"],
	});
	const exited = once(child, "exit");
	const [line] = (await once(createInterface(child.stdout), "line")) as [string];
	expect(line).toBe(`alerting on http://127.0.0.1:${env["PORT"]}/`);
	return {
		[Symbol.asyncDispose]: async () => {
			child.kill();
			await exited;
		},
	};
}

it("tells a chat and sends an e-mail, again if they were not there at first", async () => {
	await using opened = new AsyncDisposableStack();
	const chat = opened.use(await startReceiver());
	let isChatUp = false;
	chat.script(() => ({ status: isChatUp ? 200 : 503 }));
	const mails: string[] = [];
	const smtp = new SMTPServer({
		authOptional: true,
		disabledCommands: ["STARTTLS"],
		onData: (stream, _session, done) => {
			let mail = "";
			stream.setEncoding("utf8").on("data", (part: string) => (mail += part));
			stream.once("end", () => {
				mails.push(mail);
				done();
			});
		},
	});
	smtp.listen(0, "127.0.0.1");
	await once(smtp.server, "listening");
	opened.defer(() => new Promise<void>((resolve) => smtp.close(() => resolve())));
	const smtpPort = (smtp.server.address() as AddressInfo).port;

	const server = opened.use(await startServerProcess());
	const secrets = { chat: utils.generateWebhookSecret(), email: utils.generateWebhookSecret() };
	const ports = { chat: await freePort(), email: await freePort() };
	const mailing = { SMTP_URL: `smtp://127.0.0.1:${smtpPort}`, FROM: "fanfare@example.com", TO: "ops@example.com" };
	opened.use(
		await startAlerts("chat.ts", { PORT: String(ports.chat), WEBHOOK_SECRET: secrets.chat, CHAT_URL: chat.url }),
	);
	opened.use(await startAlerts("email.ts", { PORT: String(ports.email), WEBHOOK_SECRET: secrets.email, ...mailing }));
	const retries = { scheduleMs: [50, 50, 50, 50, 50] };
	for (const kind of ["chat", "email"] as const) {
		const endpoint = `http://127.0.0.1:${ports[kind]}/`;
		const spec = { endpoint, secret: secrets[kind], eventTypes: ["fanfare.delivery.exhausted"], retries };
		await server.project.batch.webhooks.create({ name: kind, spec });
	}
	const broken = opened.use(await startReceiver());
	broken.script(() => ({ status: 500 }));
	const { id } = await server.createWebhook(broken.url, { retries: { maxRetries: 0 } });
	await server.project.events.send({ type: "order.paid", data: 1 });

	const expected = `Webhook ${id} did not get an event order.paid after one attempt: `;
	await expect.poll(() => chat.requests.length).toBeGreaterThan(0);
	isChatUp = true;
	await expect.poll(() => chat.requests.length).toBeGreaterThan(1);
	for (const { rawBody } of chat.requests)
		expect((JSON.parse(String(rawBody)) as { text: string }).text).toContain(expected);
	await expect.poll(() => mails.length).toBe(1);
	expect(mails[0]?.replaceAll(/\r\n /g, " ")).toContain(`Subject: ${expected}`);
	expect(mails[0]).toMatch(/^Message-ID: <evt_[^@]+@fanfare>/m);
});

it.each([
	["fanfare.webhook.failing", "Webhook “orders” of acme has been failing since 1970-01-01T00:00:00.001Z: 503."],
	[
		"fanfare.webhook.disabling",
		"Webhook “orders” of acme will be disabled at 1970-01-01T00:00:00.002Z, unless its receiver recovers.",
	],
	["fanfare.webhook.disabled", "Webhook “orders” of acme is disabled: 503. Fix the receiver, then resume the webhook."],
	["fanfare.webhook.recovered", "Webhook “orders” of acme works again."],
])("says what %s is about", (type, sentence) => {
	const data = { webhookId: "w", name: "orders", customerId: "acme", reason: "503", failingSince: 1, disableDate: 2 };
	expect(sentenceOf({ type, data })).toBe(sentence);
});
