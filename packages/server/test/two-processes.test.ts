// Two server processes on one PostgreSQL, as behind a load balancer that leads each request to another one: nobody notices.
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const SETTINGS = { FANFARE_MASTER_KEY: "0123456789abcdef".repeat(4), FANFARE_ADMIN_KEY: `sk_${"a".repeat(43)}` };
const PAGE = { "secret-key": "", "fanfare-page": "1" };

describe.skipIf(postgresIssue() !== null)("two processes on one database", () => {
	let postgres: PostgresServer;
	let a: ServerProcess;
	let b: ServerProcess;
	beforeAll(async () => {
		postgres = await startPostgres();
		const env = { ...SETTINGS, FANFARE_DATABASE_URL: await postgres.createDatabase() };
		a = await startServerProcess({ env });
		b = await startServerProcess({ env });
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
});
