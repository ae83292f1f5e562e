// Sessions over HTTP: signing in and out, the cookie, and what others can't do with it.
import { describe, expect, it } from "vitest";

import { caller, callerAlone, type Answer, type Caller } from "../../test/caller.ts";

const PAGE = { "fanfare-page": "1" };
const NO_KEY = { "secret-key": "" };
const HOUR_MS = 3_600_000;
const UNKNOWN_KEY = `sk_${"A".repeat(43)}`;
const UNKNOWN_LINK = `sl_${"A".repeat(43)}`;
const UNKNOWN_TOKEN = `ss_${"A".repeat(43)}`;

const signIn = ({ call }: Caller, body: unknown, headers: Record<string, string> = PAGE) =>
	call("POST", "/sessions", body, { ...NO_KEY, ...headers });

/** What a browser sends back of a response. */
function cookieOf(answer: Answer): string {
	return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** The headers of a page with this cookie. */
const page = (cookie: string) => ({ ...NO_KEY, ...PAGE, cookie });

async function openSession(api: Caller, key = api.keys.admin) {
	const answer = await signIn(api, { key });
	expect(answer.status).toBe(200);
	const cookie = cookieOf(answer);
	const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
		api.call(method, path, body, { ...page(cookie), ...headers });
	return { answer, cookie, ask };
}

describe("POST /sessions", () => {
	it("sets a cookie that scripts can't read, and shows its token nowhere else", async () => {
		const api = await callerAlone();
		const { keys, engine, lines, test } = api;
		const { answer } = await openSession(api, keys.project);
		const keyId = engine.keys.authenticate(keys.project)?.key.id;
		const [id, now] = [expect.stringMatching(/^session_/) as string, test.clock.now()];
		expect(answer.json).toEqual({ id, object: "session", keyId, createDate: now, expireDate: now + 12 * HOUR_MS });
		const [, token = ""] = /=(ss_[\w-]{43});/.exec(answer.headers.get("set-cookie") ?? "") ?? [];
		expect(answer.headers.get("set-cookie")).toBe(
			`fanfare-${engine.workspace.id}=${token}; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict`,
		);
		expect(answer.text).not.toContain(token);
		expect(JSON.stringify(lines)).not.toMatch(new RegExp(`${token}|${keys.project}`));
	});

	it("marks the cookie Secure where people use https", async () => {
		const api = await caller({}, "https://fanfare.example.com");
		const answer = await signIn(api, { key: api.keys.read });
		expect(answer.headers.get("set-cookie")).toMatch(/^__Host-fanfare-ws_.*; Secure$/);
		const { json } = await api.call("GET", "/workspace/key", undefined, page(cookieOf(answer)));
		expect(json).toMatchObject({ kind: "session" });
	});

	it.each([
		["without the header of the page", {}],
		["with another value of it", { "fanfare-page": "true" }],
		["with a key instead of it", { "secret-key": UNKNOWN_KEY }],
	])("is refused %s, so that no form of another site signs anybody in", async (_, headers) => {
		const api = await caller();
		const answer = await signIn(api, { key: api.keys.admin }, headers);
		expect(answer).toMatchObject({ status: 400, json: { issues: [{ path: "Fanfare-Page" }] } });
		expect(answer.headers.get("set-cookie")).toBeNull();
	});

	it.each([
		["nothing", {}, "key"],
		["both", { key: "sk_x", link: "sl_x" }, "link"],
		["a number", { key: 7 }, "key"],
		["an empty key", { key: "" }, "key"],
		["a long text", { key: "x".repeat(257) }, "key"],
		["another field", { key: "sk_x", expiresInMs: 1 }, "expiresInMs"],
	])("is a 400 for %s", async (_, body, path) => {
		const api = await caller();
		expect(await signIn(api, body)).toMatchObject({ status: 400, json: { issues: [{ path }] } });
	});

	it("reads no large body of somebody who is not known", async () => {
		const api = await caller();
		expect(await signIn(api, { key: "x".repeat(5_000) })).toMatchObject({ status: 413 });
	});

	it("tells an unknown key or link with a 401, and repeats nothing of it", async () => {
		const api = await caller();
		const answers = [
			[await signIn(api, { key: UNKNOWN_KEY }), "unknown_key"],
			[await signIn(api, { link: UNKNOWN_LINK }), "unknown_sign_in_link"],
			[await signIn(api, { key: UNKNOWN_TOKEN }), "unknown_key"],
			[await signIn(api, { link: UNKNOWN_KEY }), "unknown_sign_in_link"],
		] as const;
		for (const [answer, code] of answers) {
			expect(answer).toMatchObject({ status: 401, json: { code } });
			expect(answer.text + JSON.stringify(api.lines)).not.toContain("A".repeat(20));
		}
	});
});

describe("a session's cookie", () => {
	it("stands for the key in every call, and /workspace/key tells so", async () => {
		const api = await callerAlone();
		const { ask, answer } = await openSession(api, api.keys.project);
		const { json } = await ask("GET", "/workspace/key");
		expect(json).toMatchObject({
			kind: "session",
			id: answer.json["keyId"],
			scope: "admin",
			projectId: api.project.id,
			sessionId: answer.json["id"],
			expireDate: answer.json["expireDate"],
		});
		expect(await ask("POST", "./events", { type: "a", data: 1 })).toMatchObject({ status: 202 });
		expect(await ask("GET", `/projects/${api.other.id}`)).toMatchObject({ status: 404 });
		expect(await ask("GET", "/workspace/keys")).toMatchObject({ status: 403 });
	});

	it("is nothing without the header of the page", async () => {
		const api = await caller();
		const { cookie } = await openSession(api);
		for (const header of [{}, { "fanfare-page": "" }, { "fanfare-page": "2" }, { "fanfare-page": "1, 1" }]) {
			for (const method of ["GET", "POST", "DELETE"]) {
				const path = method === "POST" ? "./events" : method === "GET" ? "/workspace" : "/sessions";
				const answer = await api.call(method, path, undefined, { ...NO_KEY, ...header, cookie });
				expect(answer).toMatchObject({ status: 401, json: { code: "missing_key" } });
			}
		}
	});

	it("does not count beside a key, which decides alone", async () => {
		const api = await caller();
		const { cookie } = await openSession(api, api.keys.admin);
		const ask = (key: string) => api.call("GET", "/workspace/key", undefined, { ...page(cookie), "secret-key": key });
		expect((await ask(api.keys.read)).json).toMatchObject({ kind: "key", scope: "read" });
		expect(await ask(UNKNOWN_KEY)).toMatchObject({ status: 401, json: { code: "unknown_key" } });
		const bearer = { ...page(cookie), authorization: `Bearer ${api.keys.read}` };
		expect((await api.call("GET", "/workspace/key", undefined, bearer)).json).toMatchObject({ scope: "read" });
	});

	it("is no key, and a key is no cookie", async () => {
		const api = await caller();
		const { cookie } = await openSession(api);
		const [name = "", token = ""] = cookie.split("=");
		const asKey = await api.call("GET", "/workspace", undefined, { "secret-key": token });
		expect(asKey).toMatchObject({ status: 401, json: { code: "unknown_key" } });
		const asCookie = await api.call("GET", "/workspace", undefined, page(`${name}=${api.keys.admin}`));
		expect(asCookie).toMatchObject({ status: 401, json: { code: "missing_key" } });
	});

	it("of another workspace opens nothing, under its own name and under ours", async () => {
		const [ours, theirs] = [await callerAlone(), await callerAlone()];
		const { cookie } = await openSession(theirs);
		const ask = (value: string) => ours.call("GET", "/workspace", undefined, page(value));
		expect(await ask(cookie)).toMatchObject({ status: 401, json: { code: "missing_key" } });
		const renamed = cookie.replace(theirs.engine.workspace.id, ours.engine.workspace.id);
		expect(await ask(renamed)).toMatchObject({ status: 401, json: { code: "unknown_session" } });
		// A browser sends both to two servers on one host: each finds its own.
		const own = (await openSession(ours)).cookie;
		expect(await ask(`${cookie}; ${own}`)).toMatchObject({ status: 200 });
	});

	it("is refused beside a second one with another value", async () => {
		const api = await caller();
		const [one, two] = [await openSession(api, api.keys.admin), await openSession(api, api.keys.read)];
		for (const both of [`${one.cookie}; ${two.cookie}`, `${two.cookie}; ${one.cookie}`]) {
			const answer = await api.call("GET", "/workspace", undefined, page(both));
			expect(answer).toMatchObject({ status: 401, json: { code: "unknown_session" } });
			expect(answer.text).not.toMatch(/ss_/);
		}
	});

	it("is a 401 from the moment at which its key is deleted, and no other call is under way with it", async () => {
		const api = await callerAlone();
		const made = await api.call("POST", "/workspace/keys", { name: "k", scope: "write" });
		const { ask } = await openSession(api, String(made.json["secretKey"]));
		expect(await ask("GET", "/workspace")).toMatchObject({ status: 200 });
		await api.call("DELETE", `/workspace/keys/${String(made.json["id"])}`);
		expect(await ask("GET", "/workspace")).toMatchObject({ status: 401, json: { code: "unknown_session" } });
		expect(await ask("POST", "./events", { type: "a", data: 1 })).toMatchObject({ status: 401 });
		expect(await ask("DELETE", "/sessions")).toMatchObject({ status: 401 });
	});
});

describe("DELETE /sessions", () => {
	it("signs out, takes the cookie away, and ends the stream that was opened in it", async () => {
		const api = await callerAlone();
		const { keys, app, project } = api;
		const { ask, cookie } = await openSession(api, keys.read);
		const other = await openSession(api, keys.read);
		const stream = await app.request(`/projects/${project.id}/stream`, { headers: page(cookie) });
		const out = await ask("DELETE", "/sessions");
		expect(out.json).toEqual({ object: "sessionsEnded", ended: 1 });
		expect(out.headers.get("set-cookie")).toBe(
			`${cookie.split("=")[0]}=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict`,
		);
		// It would not end by itself.
		expect(await stream.text()).toContain("the session was ended");
		for (const [method, path] of [
			["GET", "/workspace"],
			["DELETE", "/sessions"],
			["POST", "/sign-in-links"],
		] as const) {
			expect(await ask(method, path)).toMatchObject({ status: 401, json: { code: "unknown_session" } });
		}
		expect(await other.ask("GET", "/workspace")).toMatchObject({ status: 200 });
	});

	it("signs out everywhere if asked, but nobody with another key", async () => {
		const api = await caller();
		const mine = [await openSession(api, api.keys.read), await openSession(api, api.keys.read)];
		const other = await openSession(api, api.keys.write);
		const out = await mine[0]!.ask("DELETE", "/sessions?everywhere=true");
		expect(out.json).toEqual({ object: "sessionsEnded", ended: 2 });
		for (const { ask } of mine) expect(await ask("GET", "/workspace")).toMatchObject({ status: 401 });
		expect(await other.ask("GET", "/workspace")).toMatchObject({ status: 200 });
	});

	it("with a key ends only all of its sessions, and says so otherwise", async () => {
		const api = await caller();
		const { ask } = await openSession(api, api.keys.projectRead);
		const headers = { "secret-key": api.keys.projectRead };
		for (const query of ["", "?everywhere=false"]) {
			const refused = await api.call("DELETE", `/sessions${query}`, undefined, headers);
			expect(refused).toMatchObject({ status: 400, json: { issues: [{ path: "everywhere" }] } });
		}
		expect(await ask("GET", "/workspace")).toMatchObject({ status: 200 });
		const out = await api.call("DELETE", "/sessions?everywhere=true", undefined, headers);
		expect(out).toMatchObject({ status: 200, json: { ended: 1 } });
		expect(out.headers.get("set-cookie")).toBeNull();
		expect(await ask("GET", "/workspace")).toMatchObject({ status: 401 });
		expect(await api.call("DELETE", "/sessions?everywhere=yes", undefined, headers)).toMatchObject({ status: 400 });
	});
});

describe("POST /sign-in-links", () => {
	it("makes an address with the token in its fragment, which signs in once with the key that made it", async () => {
		const api = await callerAlone();
		const { json } = await api.call("POST", "/sign-in-links", undefined, { "secret-key": api.keys.projectRead });
		const keyId = api.engine.keys.authenticate(api.keys.projectRead)?.key.id;
		const now = api.test.clock.now();
		expect(json).toMatchObject({ object: "signInLink", keyId, createDate: now, expireDate: now + 600_000 });
		const url = new URL(String(json["url"]));
		expect(url.href).toMatch(/^http:\/\/localhost\/ui\/#link=sl_[\w-]{43}$/);
		const link = url.hash.slice("#link=".length);
		const answer = await signIn(api, { link });
		expect(answer).toMatchObject({ status: 200, json: { keyId } });
		const who = await api.call("GET", "/workspace/key", undefined, page(cookieOf(answer)));
		expect(who.json).toMatchObject({ kind: "session", scope: "read", projectId: api.project.id });
		expect(await signIn(api, { link })).toMatchObject({ status: 401, json: { code: "unknown_sign_in_link" } });
		expect(JSON.stringify(api.lines)).not.toContain(link);
	});

	it("uses the public address if it is known, whatever address was asked", async () => {
		const api = await caller({}, "https://example.com/fanfare");
		const { json } = await api.call("POST", "/sign-in-links", undefined, { host: "evil.example" });
		expect(json["url"]).toMatch(/^https:\/\/example\.com\/fanfare\/ui\/#link=sl_/);
	});

	it("lets exactly one of many who use the link at once sign in", async () => {
		const api = await callerAlone();
		const { json } = await api.call("POST", "/sign-in-links");
		const link = String(json["url"]).split("#link=")[1];
		const answers = await Promise.all(Array.from({ length: 8 }, () => signIn(api, { link })));
		expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
			200, 401, 401, 401, 401, 401, 401, 401,
		]);
		expect(await api.test.store.sessions(null, 10)).toHaveLength(1);
	});

	it("is not for customers", async () => {
		const api = await caller();
		const token = await api.tokenOf("acme");
		const headers = { "secret-key": token };
		for (const [method, path] of [
			["POST", "/sign-in-links"],
			["DELETE", "/sessions?everywhere=true"],
		] as const) {
			expect(await api.call(method, path, undefined, headers)).toMatchObject({ status: 403 });
		}
		expect(await signIn(api, { key: token })).toMatchObject({ status: 401 });
	});
});

describe("attempts to sign in that fail", () => {
	it("are ten a minute for an address: then 429, also with the right key, and other addresses go on", async () => {
		let address = "192.0.2.1";
		const api = await caller({}, null, { clientAddress: () => address });
		for (let n = 0; n < 10; n++) expect((await signIn(api, { key: UNKNOWN_KEY })).status).toBe(401);
		const refused = await signIn(api, { key: api.keys.admin });
		expect(refused).toMatchObject({ status: 429, json: { code: "too_many_sign_ins" } });
		expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
		// Calls with a key or a cookie are no attempts to sign in.
		expect(await api.call("GET", "/workspace")).toMatchObject({ status: 200 });
		address = "192.0.2.2";
		expect(await signIn(api, { key: api.keys.admin })).toMatchObject({ status: 200 });
	});

	it("keep nobody out who has the right key, and whose own address is not at the limit, however many come", async () => {
		let address = "";
		const api = await caller({}, null, { clientAddress: () => address });
		for (let n = 0; n < 300; n++) {
			address = `10.0.${n >> 8}.${n & 255}`;
			expect((await signIn(api, { link: UNKNOWN_LINK })).status).toBe(401);
		}
		address = "192.0.2.1";
		expect(await signIn(api, { key: api.keys.admin })).toMatchObject({ status: 200 });
	});
});

describe("the audit log", () => {
	it("has who signed in and out, and who made a link, with the actor that a proxy names, and no token", async () => {
		const actor = { proxyActorHeader: () => "x-forwarded-email" };
		const api = await caller({}, null, actor);
		const headers = { "x-forwarded-email": "ada@example.com" };
		const keyId = api.engine.keys.authenticate(api.keys.read)?.key.id;
		const byLink = await api.call("POST", "/sign-in-links", undefined, { ...headers, "secret-key": api.keys.read });
		const link = String(byLink.json["url"]).split("#link=")[1] ?? "";
		const signedIn = await signIn(api, { link }, { ...PAGE, ...headers });
		const mine = await openSession(api, api.keys.read);
		const { cookie } = mine;
		await api.call("DELETE", "/sessions", undefined, { ...page(cookieOf(signedIn)), ...headers });
		await api.call("DELETE", "/sessions?everywhere=true", undefined, page(cookie));
		const { json, text } = await api.call("GET", `/workspace/audit?keyId=${keyId}`);
		const ada = { keyId, actor: "ada@example.com" };
		const ofAda = { action: "session.create", objectId: signedIn.json["id"], fields: ["link"], ...ada };
		expect(json["data"]).toMatchObject([
			{ action: "session.delete", objectId: keyId, sessionId: mine.answer.json["id"], actor: null },
			{ action: "session.delete", objectId: signedIn.json["id"], sessionId: signedIn.json["id"], ...ada },
			{ action: "session.create", fields: ["key"], keyId, actor: null },
			ofAda,
			{ action: "sign_in_link.create", objectId: byLink.json["id"], ...ada },
		]);
		const [created] = (json["data"] as object[]).slice(2);
		expect(created).not.toHaveProperty("sessionId");
		const line = api.lines.findLast(({ method, path }) => method === "DELETE" && path === "/sessions");
		expect(line).toMatchObject({ keyId, sessionId: mine.answer.json["id"] });
		for (const secret of [link, cookie.split("=")[1] ?? "", api.keys.read]) expect(text).not.toContain(secret);
	});

	it("has no entry for an attempt that failed, and none for a sign-out of nobody", async () => {
		const api = await callerAlone();
		await signIn(api, { key: UNKNOWN_KEY });
		await api.call("DELETE", "/sessions?everywhere=true");
		const { json } = await api.call("GET", "/workspace/audit");
		expect(json["data"]).toEqual([]);
	});
});
