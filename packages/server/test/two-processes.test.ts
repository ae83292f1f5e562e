// Two server processes on one PostgreSQL, as behind a load balancer that leads each request to another one: nobody notices, also if one of
// them is killed.
import { eventually } from "@fanfare/testkit/eventually";
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ADMIN_KEY, databaseSettings } from "./database-settings.ts";

const PAGE = { "secret-key": "", "fanfare-page": "1" };

describe.skipIf(postgresIssue() !== null)("two processes on one database", () => {
	let postgres: PostgresServer;
	let a: ServerProcess;
	let b: ServerProcess;
	beforeAll(async () => {
		postgres = await startPostgres();
		const env = databaseSettings(await postgres.createDatabase());
		const expecting = { ...env, FANFARE_EXPECT_STANDBY: "true" };
		[a, b] = await Promise.all([startServerProcess({ env }), startServerProcess({ env: expecting })]);
	});
	afterAll(async () => {
		await Promise.all([a, b].map((each) => each[Symbol.asyncDispose]()));
		await postgres[Symbol.asyncDispose]();
	});

	const signIn = async (server: ServerProcess, body: unknown) => {
		const answer = await server.call("POST", "/sessions", body, PAGE);
		const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
		return { status: answer.status, headers: { ...PAGE, cookie } };
	};
	const statusOf = async (server: ServerProcess, headers: Record<string, string>, path = "/workspace") =>
		(await server.call("GET", path, undefined, headers)).status;

	it("know who has signed in at the other, with a key or a link, until they sign out anywhere", async () => {
		const [, link] = (await a.client.sessions.createLink()).url.split("#link=");
		for (const [one, other, proof] of [
			[a, b, { key: a.key }],
			[b, a, { link }],
		] as const) {
			const { headers, status } = await signIn(one, proof);
			expect(status).toBe(200);
			expect(await statusOf(other, headers)).toBe(200);
			expect((await other.call("DELETE", "/sessions", undefined, headers)).status).toBe(200);
			expect(await statusOf(one, headers)).toBe(401);
		}
		expect((await signIn(a, { link })).status).toBe(401);
	});

	it("know the portal sessions that the other has made, until they are revoked anywhere", async () => {
		const path = `/projects/${a.projectId}`;
		const made = await a.call("POST", `${path}/portal-sessions`, { customerId: "acme" });
		expect(made.status).toBe(200);
		const { id, token } = made.json as { id: string; token: string };
		const headers = { "secret-key": token };
		expect(await statusOf(b, headers, `${path}/stream/items`)).toBe(200);
		expect((await b.call("DELETE", `${path}/portal-sessions/${id}`)).status).toBeLessThan(300);
		expect(await statusOf(a, headers, `${path}/stream/items`)).toBe(401);
		expect(await statusOf(b, { "secret-key": `ps_${"A".repeat(43)}` }, `${path}/stream/items`)).toBe(401);
	});

	it("show in the stream of the one what happens at the other", async () => {
		const stream = await fetch(`${b.url}/projects/${a.projectId}/stream`, { headers: { "secret-key": a.key } });
		const event = await a.project.events.send({ type: "order.paid", data: 1 });
		let text = "";
		for await (const chunk of stream.body ?? []) {
			text += Buffer.from(chunk).toString();
			if (text.includes(event.id)) break;
		}
		expect(text).toContain("event: event.accepted");
		expect(text).not.toContain("event: gap");
		const items = `/projects/${a.projectId}/stream/items`;
		const { lastEventId } = (await b.call("GET", items)).json as { lastEventId: string };
		const other = (await a.call("GET", `${items}?lastEventId=${lastEventId}`)).json as { data: { kind: string }[] };
		expect(other.data[0]?.kind).toBe("gap");
	});

	it("show the database in the status and in metrics, and warn that an accepted event has one place only", async () => {
		expect(a.stderr).toMatch(/data in the database/);
		const { warnings } = await a.client.getStatus();
		expect(warnings.filter(({ code }) => code === "standby_missing")).toEqual([
			expect.objectContaining({ message: expect.stringMatching(/^No standby of the database is synchronous/) }),
		]);
		expect(a.stdout).toContain("No standby of the database is synchronous");
		const { database, store } = await b.client.getStatus();
		expect(database).toEqual({
			reachable: true,
			version: expect.stringMatching(/^\d+[.\w]*$/),
			address: expect.any(String),
			port: expect.any(Number),
			commitsWaitFor: "disk",
			standbys: expect.any(Array),
			connections: { used: expect.any(Number), allowed: expect.any(Number) },
		});
		expect(store.fileBytes).toBeGreaterThan(0);
		// Members say it with their beat, and have their duties from the first one on.
		const messages = async () => (await b.client.getStatus()).members?.map(({ messages }) => messages);
		await expect.poll(messages).toEqual(Array.from({ length: 2 }, () => ({ pollMs: 400, nats: null })));
		const metrics = async () => (await fetch(`${b.url}/metrics`, { headers: { "secret-key": ADMIN_KEY } })).text();
		await expect.poll(metrics).toMatch(/^fanfare_duty_free\{duty="retention"\} 0$/m);
		const text = await metrics();
		expect(text).toMatch(/^fanfare_standby_expected 1$/m);
		expect(text).toMatch(/^fanfare_database_connections\{kind="allowed"\} \d+$/m);
	});

	it("share the work: changes count at once, and a killed one is replaced, and has everything when it is back", async () => {
		await using receiver = await startReceiver();
		const ids: string[] = [];
		const send = async (server: ServerProcess, count: number) => {
			for (let n = 0; n < count; n++) ids.push((await server.project.events.send({ type: "order.paid", data: n })).id);
		};
		// With many webhooks, each of the two owns some of them.
		for (let n = 0; n < 6; n++) await a.createWebhook(`${receiver.url}/${n}`);
		await send(b, 5);
		await b.createWebhook(`${receiver.url}/late`);
		await send(a, 5);
		await receiver.waitFor(5 * 6 + 5 * 7);
		a.kill("SIGKILL");
		await a.exited;
		await send(b, 5);
		// Attempts of the killed one whose outcome it had not stored yet are repeated, so the number of requests does not tell.
		const got = () => new Set(receiver.requests.map(({ path, headers }) => `${path} ${String(headers["webhook-id"])}`));
		await eventually("each event at each webhook", () => got().size >= 5 * 6 + 10 * 7);
		expect(got().size).toBe(5 * 6 + 10 * 7);
		await eventually("all deliveries have ended", async () => {
			const { data } = await b.project.deliveries.list({ status: "Pending", limit: 1 });
			return data.length === 0;
		});
		expect(ids).toHaveLength(15);
		await a.restart();
		expect((await a.project.batch.webhooks.list({ limit: 100 })).data).toHaveLength(7);
		await a.waitForDelivery(ids[0] ?? "", ({ status }) => status === "Succeeded");
	});
});
