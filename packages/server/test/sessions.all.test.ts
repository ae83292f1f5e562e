// Sessions of a server that is killed.
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

const PAGE = { "secret-key": "", "fanfare-page": "1" };

async function signIn(server: ServerProcess, body: unknown) {
	const { status, headers } = await server.call("POST", "/sessions", body, PAGE);
	const cookie = headers.get("set-cookie")?.split(";")[0] ?? "";
	const ask = async (method: string, path: string) => server.call(method, path, undefined, { ...PAGE, cookie });
	return { status, ask };
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
