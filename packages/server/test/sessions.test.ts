// Sessions of a real server process: over kills and restarts, behind a proxy, and beside a second server on the same host.
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

const PAGE = { "secret-key": "", "fanfare-page": "1" };
const UNKNOWN_KEY = `sk_${"A".repeat(43)}`;

async function signIn(server: ServerProcess, body: unknown, headers: Record<string, string> = {}) {
	const answer = await server.call("POST", "/sessions", body, { ...PAGE, ...headers });
	const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
	const ask = async (method: string, path: string) => server.call(method, path, undefined, { ...PAGE, cookie });
	return { status: answer.status, headers: answer.headers, cookie, ask };
}

const makeLink = async (server: ServerProcess) => (await server.client.sessions.createLink()).url.split("#link=")[1];

it("survive a kill, and so do sign-outs, used links and the ends of keys", async () => {
	await using server = await startServerProcess();
	const { id, secretKey } = await server.client.keys.create({ name: "k", scope: "read" });
	const [stays, out] = [await signIn(server, { key: server.key }), await signIn(server, { key: server.key })];
	const ofKey = await signIn(server, { key: secretKey });
	const [used, unused] = [await makeLink(server), await makeLink(server)];
	const byLink = await signIn(server, { link: used });
	expect([stays, out, ofKey, byLink].map(({ status }) => status)).toEqual([200, 200, 200, 200]);
	expect((await out.ask("DELETE", "/sessions")).status).toBe(200);
	await server.client.keys.delete(id);
	server.kill("SIGKILL");
	await server.restart();
	const states = [stays, out, ofKey, byLink].map(async ({ ask }) => (await ask("GET", "/workspace")).status);
	expect(await Promise.all(states)).toEqual([200, 401, 401, 200]);
	expect((await signIn(server, { link: used })).status).toBe(401);
	expect((await signIn(server, { link: unused })).status).toBe(200);
});

it("are begun exactly once by a link that many use at once, and by nobody after a kill in the middle", async () => {
	await using server = await startServerProcess();
	const links = await Promise.all(Array.from({ length: 3 }, () => makeLink(server)));
	const attempts = links.flatMap((link) => Array.from({ length: 3 }, () => ({ link })));
	// Of each link two fail: six in all, which is below the limit.
	const results = await Promise.all(attempts.map(async (body) => (await signIn(server, body)).status));
	for (const [index] of links.entries()) {
		expect(results.slice(index * 3, index * 3 + 3).toSorted((a, b) => a - b)).toEqual([200, 401, 401]);
	}
	const link = await makeLink(server);
	const racing = Array.from({ length: 3 }, () =>
		signIn(server, { link }).then(
			({ status }) => status,
			() => null,
		),
	);
	server.kill("SIGKILL");
	const answered = (await Promise.all(racing)).filter((status) => status === 200).length;
	await server.restart();
	const later = (await signIn(server, { link })).status === 200 ? 1 : 0;
	expect(answered + later).toBeLessThanOrEqual(1);
});

it("of two servers on one host have cookies of their own, which a browser sends to both", async () => {
	await using one = await startServerProcess();
	await using other = await startServerProcess();
	const [ofOne, ofOther] = [await signIn(one, { key: one.key }), await signIn(other, { key: other.key })];
	const cookie = `${ofOne.cookie}; ${ofOther.cookie}`;
	for (const [server, own] of [
		[one, ofOther],
		[other, ofOne],
	] as const) {
		expect((await server.call("GET", "/workspace", undefined, { ...PAGE, cookie })).status).toBe(200);
		expect((await server.call("GET", "/workspace", undefined, { ...PAGE, cookie: own.cookie })).status).toBe(401);
	}
});

it("can't be begun any more by who has failed ten times, as a trusted proxy tells the addresses, and by others can", async () => {
	const env = { FANFARE_TRUSTED_PROXIES: "127.0.0.1", FANFARE_PUBLIC_URL: "https://example.com/fanfare" };
	await using server = await startServerProcess({ env });
	const from = (address: string) => ({ "x-forwarded-for": address });
	for (let n = 0; n < 10; n++) {
		// What a client puts in front of its own address is not believed.
		const headers = from(`198.51.100.${n}, 2001:db8:1:2::${n}`);
		expect((await signIn(server, { key: UNKNOWN_KEY }, headers)).status).toBe(401);
	}
	const refused = await signIn(server, { key: server.key }, from("2001:db8:1:2:ffff::1"));
	expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([429, true]);
	const other = await signIn(server, { key: server.key }, from("2001:db8:1:3::1"));
	expect(other.status).toBe(200);
	expect(other.headers.get("set-cookie")).toMatch(
		/^__Secure-fanfare-ws_.*; Path=\/fanfare; HttpOnly; SameSite=Strict; Secure$/,
	);
	expect((await other.ask("GET", "/workspace/key")).json).toMatchObject({ kind: "session" });
	expect((await server.client.sessions.createLink()).url).toMatch(/^https:\/\/example\.com\/fanfare\/ui\/#link=sl_/);
});

it("have live streams that end with them", async () => {
	await using server = await startServerProcess();
	const { cookie, ask } = await signIn(server, { key: server.key });
	const stream = await fetch(`${server.url}/projects/${server.projectId}/stream`, { headers: { ...PAGE, cookie } });
	expect(stream.status).toBe(200);
	expect((await ask("DELETE", "/sessions")).status).toBe(200);
	expect(await stream.text()).toContain("the session was ended");
});
