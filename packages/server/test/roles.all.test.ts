// Processes of one database with roles: some answer calls, others deliver.
import { eventually } from "@fanfare/testkit/eventually";
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ADMIN_KEY, databaseSettings } from "./database-settings.ts";

it("a role is refused where the data belongs to one process", async () => {
	const { code, stderr } = await runFanfare(["serve", "--role", "worker"], { env: { FANFARE_PORT: "0" } });
	expect(code).toBe(1);
	expect(stderr).toMatch(/^fanfare: --role is worker, but FANFARE_DATABASE_URL is not set: a data directory belongs/);
});

describe.skipIf(postgresIssue() !== null)("on a database", () => {
	let postgres: PostgresServer;
	beforeAll(async () => {
		postgres = await startPostgres();
	});
	afterAll(() => postgres[Symbol.asyncDispose]());

	const startWorker = async (env: Record<string, string>) => {
		const worker = await startServerProcess({ env: { ...env, FANFARE_ROLE: "worker" } });
		expect(worker.stderr).toMatch(/data in the database; it only delivers: FANFARE_ROLE is worker\)/);
		return worker;
	};
	const readiness = async (url: string) => {
		const response = await fetch(`${url}/readyz`);
		const { ready, checks } = (await response.json()) as {
			ready: boolean;
			checks: Record<string, { ok: boolean; message: string }>;
		};
		const results = Object.entries(checks).map(([name, { ok }]) => [name, ok]);
		return { status: response.status, ready, checks: Object.fromEntries(results) as unknown };
	};
	const warnings = async ({ client }: ServerProcess) =>
		(await client.getStatus()).warnings.map(({ code }) => code).filter((code) => code === "nobody_delivers");

	it("api processes accept while nobody delivers, and say so; a worker then delivers what they have accepted", async () => {
		await using receiver = await startReceiver();
		const env = databaseSettings(await postgres.createDatabase());
		await using api = await startServerProcess({ env: { ...env, FANFARE_ROLE: "api" } });
		expect(api.stderr).toMatch(/it delivers nothing: FANFARE_ROLE is api/);
		const webhook = await api.createWebhook(receiver.url);
		const first = await api.project.events.send({ type: "order.paid", data: 1 });
		const alone = { store: true, membership: true, delivery: false };
		expect(await readiness(api.url)).toEqual({ status: 200, ready: true, checks: alone });
		expect(await warnings(api)).toEqual(["nobody_delivers"]);
		const [member] = (await api.client.getStatus()).members ?? [];
		expect(member).toMatchObject({ role: "api", state: "live", self: true, port: api.port, shards: 0, duties: [] });
		// Work that the process does itself.
		expect(await api.project.batch.webhooks.test(webhook.id)).toMatchObject({ status: "Ok" });
		expect(receiver.requests).toHaveLength(1);

		await using worker = await startWorker(env);
		await api.waitForDelivery(first.id, ({ status }) => status === "Succeeded");
		await eventually("the api process has heard of the worker", async () => (await warnings(api)).length === 0);
		expect(await readiness(api.url)).toMatchObject({ ready: true, checks: { delivery: true } });
		const working = { store: true, membership: true, dispatcher: true };
		const ready = { status: 200, ready: true, checks: working };
		await expect.poll(() => readiness(worker.url)).toEqual(ready);
		const members = async () =>
			(await api.client.getStatus()).members?.map(({ role, shards, duties }) => [role, shards, duties.length]);
		await expect.poll(members).toEqual([
			["api", 0, 0],
			["worker", 256, 7],
		]);
	});

	it("a worker answers only what operators ask, and what is done at an api process counts for it", async () => {
		await using receiver = await startReceiver();
		const env = databaseSettings(await postgres.createDatabase());
		await using api = await startServerProcess({ env: { ...env, FANFARE_ROLE: "api" } });
		await using worker = await startWorker(env);
		for (const path of ["/healthz", "/readyz", "/metrics"]) {
			expect((await fetch(`${worker.url}${path}`)).status).toBe(200);
		}
		for (const path of ["/", "/ui/", "/docs", "/workspace", `/projects/${api.projectId}/events`]) {
			const response = await fetch(`${worker.url}${path}`, { headers: { "secret-key": ADMIN_KEY } });
			const { code, message } = (await response.json()) as Record<string, string>;
			expect([response.status, code]).toEqual([421, "worker_process"]);
			expect(message).toMatch(/Ask a process of the same database whose role is api or all/);
		}
		const { id } = await api.createWebhook(receiver.url);
		const { webhooks } = api.project.batch;
		const send = async () => (await api.project.events.send({ type: "order.paid", data: 1 })).id;
		await webhooks.pause(id);
		const held = await send();
		await api.waitForDelivery(held, ({ status }) => status === "Held");
		await webhooks.resume(id);
		await api.waitForDelivery(held, ({ status }) => status === "Succeeded");
		const { id: replayId } = await webhooks.replay(id, { eventIds: [held] });
		await eventually(
			"the replay has ended",
			async () => (await api.project.replays.get(replayId)).status === "Finished",
		);
		await receiver.waitFor(2);
		// So late that only the retry by hand can be the next attempt.
		receiver.respond([{ status: 503, headers: { "retry-after": "3600" } }]);
		const failed = await send();
		const { id: deliveryId } = await api.waitForDelivery(failed, ({ attemptCount }) => attemptCount > 0);
		await api.project.deliveries.retry(deliveryId);
		await api.waitForDelivery(failed, ({ status }) => status === "Succeeded");
	});
});
