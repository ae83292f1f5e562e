// Sessions over HTTP: signing in and out, the cookie, and what others can't do with it.
import { describe, expect, it } from "vitest";

import { problem, refused } from "../../test/answers.ts";
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

	it("is refused without the header of the page, so that no form of another site signs anybody in", async () => {
		const api = await caller();
		for (const headers of [{}, { "fanfare-page": "true" }, { "secret-key": UNKNOWN_KEY }]) {
			const answer = await signIn(api, { key: api.keys.admin }, headers);
			expect(answer).toMatchObject(refused("Fanfare-Page"));
			expect(answer.headers.get("set-cookie")).toBeNull();
		}
	});

	it("is a 400 for a body with anything but a key or a link", async () => {
		const api = await caller();
		for (const [body, path] of [
			[{}, "key"],
			[{ key: "sk_x", link: "sl_x" }, "link"],
			[{ key: 7 }, "key"],
			[{ key: "" }, "key"],
			[{ key: "x".repeat(257) }, "key"],
			[{ key: "sk_x", expiresInMs: 1 }, "expiresInMs"],
		] as const) {
			expect(await signIn(api, body)).toMatchObject(refused(path));
		}
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

	it("is no key, and a key is no cookie", async () => {
		const api = await caller();
		const { cookie } = await openSession(api);
		const [name = "", token = ""] = cookie.split("=");
		const asKey = await api.call("GET", "/workspace", undefined, { "secret-key": token });
		expect(asKey).toMatchObject(problem(401, "unknown_key"));
		const asCookie = await api.call("GET", "/workspace", undefined, page(`${name}=${api.keys.admin}`));
		expect(asCookie).toMatchObject(problem(401, "missing_key"));
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
		for (const call of ["GET /workspace", "DELETE /sessions", "POST /sign-in-links"]) {
			const [method = "", path = ""] = call.split(" ");
			expect(await ask(method, path)).toMatchObject(problem(401, "unknown_session"));
		}
		expect(await other.ask("GET", "/workspace")).toMatchObject({ status: 200 });
	});

	it("with a key ends all of its sessions and nobody else's, and takes nothing else", async () => {
		const api = await caller();
		const [{ ask }, again] = [
			await openSession(api, api.keys.projectRead),
			await openSession(api, api.keys.projectRead),
		];
		const other = await openSession(api, api.keys.write);
		const headers = { "secret-key": api.keys.projectRead };
		for (const query of ["", "?everywhere=false"]) {
			const answer = await api.call("DELETE", `/sessions${query}`, undefined, headers);
			expect(answer).toMatchObject(refused("everywhere"));
		}
		expect(await ask("GET", "/workspace")).toMatchObject({ status: 200 });
		const out = await api.call("DELETE", "/sessions?everywhere=true", undefined, headers);
		expect(out).toMatchObject({ status: 200, json: { object: "sessionsEnded", ended: 2 } });
		expect(out.headers.get("set-cookie")).toBeNull();
		for (const ended of [ask, again.ask]) expect(await ended("GET", "/workspace")).toMatchObject({ status: 401 });
		expect(await other.ask("GET", "/workspace")).toMatchObject({ status: 200 });
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
		expect(await signIn(api, { link })).toMatchObject(problem(401, "unknown_sign_in_link"));
		expect(JSON.stringify(api.lines)).not.toContain(link);
	});

	it("has the public address, whatever was asked, and the cookie is marked Secure where people use https", async () => {
		const api = await caller({}, "https://fanfare.example.com");
		const { json } = await api.call("POST", "/sign-in-links", undefined, { host: "evil.example" });
		expect(json["url"]).toMatch(/^https:\/\/fanfare\.example\.com\/ui\/#link=sl_/);
		const answer = await signIn(api, { key: api.keys.read });
		expect(answer.headers.get("set-cookie")).toMatch(/^__Host-fanfare-ws_.*; Secure$/);
		const who = await api.call("GET", "/workspace/key", undefined, page(cookieOf(answer)));
		expect(who.json).toMatchObject({ kind: "session" });
	});

	it("is not for customers", async () => {
		const api = await caller();
		const token = await api.tokenOf("acme");
		const headers = { "secret-key": token };
		expect(await api.call("POST", "/sign-in-links", undefined, headers)).toMatchObject({ status: 403 });
		expect(await api.call("DELETE", "/sessions?everywhere=true", undefined, headers)).toMatchObject({ status: 403 });
		expect(await signIn(api, { key: token })).toMatchObject({ status: 401 });
	});
});

describe("attempts to sign in that fail", () => {
	it("are ten a minute for an address: then 429, also with the right key, and other addresses go on", async () => {
		let address = "192.0.2.1";
		const api = await caller({}, null, { clientAddress: () => address });
		for (let n = 0; n < 10; n++) expect((await signIn(api, { key: UNKNOWN_KEY })).status).toBe(401);
		const full = await signIn(api, { key: api.keys.admin });
		expect(full).toMatchObject(problem(429, "too_many_sign_ins"));
		expect(Number(full.headers.get("retry-after"))).toBeGreaterThan(50);
		// Calls with a key or a cookie are no attempts to sign in.
		expect(await api.call("GET", "/workspace")).toMatchObject({ status: 200 });
		address = "192.0.2.2";
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
