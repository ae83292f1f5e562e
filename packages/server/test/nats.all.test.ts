// Servers on a database that tell each other by NATS: what an operator sees while it works, dies and comes back.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { NATS_PERMISSIONS, natsIssue, startNats, type NatsServer } from "@fanfare/testkit/programs/nats";
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ADMIN_KEY, databaseSettings } from "./database-settings.ts";

const DOCUMENT = new URL("../../../docs/nats.md", import.meta.url);
const issue = natsIssue() ?? postgresIssue();

describe.skipIf(issue !== null)(`servers with NATS${issue === null ? "" : ` (${issue})`}`, () => {
	let nats: NatsServer;
	let postgres: PostgresServer;
	beforeAll(async () => {
		[nats, postgres] = await Promise.all([startNats(), startPostgres()]);
	});
	afterAll(async () => {
		await Promise.all([nats?.[Symbol.asyncDispose](), postgres?.[Symbol.asyncDispose]()]);
	});

	const metric = async (server: ServerProcess, name: string): Promise<number> => {
		const response = await fetch(`${server.url}/metrics`, { headers: { "secret-key": ADMIN_KEY } });
		return Number(new RegExp(`^fanfare_nats_${name} (\\S+)$`, "m").exec(await response.text())?.[1] ?? Number.NaN);
	};

	/** A process that does not hear its own messages for a moment, as on a busy machine, takes NATS for away until it does. */
	const untilUp = (server: ServerProcess) => expect.poll(() => metric(server, "up")).toBe(1);

	it("need the permissions that the documentation gives them, and no others", () => {
		const text = readFileSync(DOCUMENT, "utf8");
		for (const line of NATS_PERMISSIONS) expect(text).toContain(line);
	});

	it("hand deliveries to each other, and stay ready without NATS, which the status, the log and a metric tell", async () => {
		await using receiver = await startReceiver();
		const env = {
			...databaseSettings(await postgres.createDatabase()),
			FANFARE_NATS_URL: nats.url,
		};
		await using a = await startServerProcess({ env });
		await using b = await startServerProcess({ env });
		await Promise.all(Array.from({ length: 8 }, () => a.createWebhook(receiver.url)));
		let events = 0;
		const send = async (server = a) => {
			events++;
			await server.project.events.send({ type: "a.b", data: {} });
		};
		// One of the two may have all webhooks: it gets those that the other one accepts.
		await eventually("a hand-off", async () => {
			await Promise.all([send(a), send(b)]);
			return (await metric(a, "handed_over_total")) + (await metric(b, "handed_over_total")) > 0;
		});
		await receiver.waitFor(8 * events);
		await untilUp(a);
		expect(await metric(a, "refused_total")).toBe(0);
		const isWarned = async () => (await a.client.getStatus()).warnings.some(({ code }) => code === "nats_away");
		await eventually("no warning", async () => !(await isWarned()));
		/** What the other process says of its messages, as far as it was heard of by this one. */
		const messagesOfB = async () => (await a.client.getStatus()).members?.find(({ self }) => !self)?.messages;
		// It says so with its next beat.
		await expect
			.poll(async () => (await messagesOfB())?.nats?.received.deliveries)
			.toBe(await metric(b, "handed_over_total"));
		expect(await messagesOfB()).toMatchObject({
			pollMs: 400,
			nats: { up: true, server: new URL(nats.url).host, refused: 0 },
		});
		await nats.kill();
		await eventually("the warning", isWarned);
		expect(await metric(a, "up")).toBe(0);
		await expect.poll(messagesOfB).toMatchObject({ pollMs: 400, nats: { up: false, server: null } });
		expect((await fetch(`${a.url}/readyz`)).status).toBe(200);
		await send();
		await receiver.waitFor(8 * events);
		await nats.start();
		await eventually("the end of the warning", async () => !(await isWarned()));
		await eventually("the log to tell", () => /NATS can't be used: .*NATS carries deliveries/s.test(a.stdout));
		expect(a.stdout).not.toContain("of-tests-alone");
		expect(receiver.requests).toHaveLength(8 * events);
	});

	it("use TLS with a certificate of authorities that NODE_EXTRA_CA_CERTS names, and with no others", async () => {
		using dir = new TemporaryDir();
		const [pem, key] = [dir.join("nats.pem"), dir.join("nats.key")];
		const names = ["-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost"];
		const kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
		execFileSync("openssl", ["req", ...kind, ...names, "-keyout", key, "-out", pem], { stdio: "ignore" });
		await using withTls = await startNats({ settings: [`tls { cert_file = "${pem}", key_file = "${key}" }`] });
		const env = {
			...databaseSettings(await postgres.createDatabase()),
			FANFARE_NATS_URL: withTls.url.replace("nats://", "tls://").replace("127.0.0.1", "localhost"),
		};
		await using knowing = await startServerProcess({ env: { ...env, NODE_EXTRA_CA_CERTS: pem } });
		await eventually("it to hear itself", () => knowing.stdout.includes("NATS carries deliveries"));
		await untilUp(knowing);
		await using ignorant = await startServerProcess({ env });
		await eventually("the reason", () => /NATS can't be used/.test(ignorant.stdout));
		expect(ignorant.stdout).toMatch(/self-signed certificate/);
		expect(await metric(ignorant, "up")).toBe(0);
	});
});
