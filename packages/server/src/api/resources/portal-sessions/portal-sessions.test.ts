// Portal sessions over HTTP: made by a product with its key, used by its customer with the token.
import { describe, expect, it } from "vitest";

import { CAPABILITIES } from "../../../core/access/principal.ts";
import { as, comparable, expectRefusals, NO_UUID, problem, refused, rowsOf, type Refusal } from "../../test/answers.ts";
import { caller, type Answer, type Caller } from "../../test/caller.ts";

const HOUR_MS = 3_600_000;
const ENDPOINT = "https://example.com/hook";

function make({ call }: Caller, body: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
	return call("POST", "./portal-sessions", { customerId: "acme", ...body }, headers);
}

async function tokenOf(api: Caller, body: object = {}): Promise<Record<string, string>> {
	return { "secret-key": String((await make(api, body)).json["token"]) };
}

describe("a portal session", () => {
	it("is made with all that the product says, and shown without its token from then on", async () => {
		const api = await caller();
		const { call, keys, engine, project, test } = api;
		const body = {
			capabilities: ["webhooks.write", "replay"],
			expiresInMs: 7 * 24 * HOUR_MS,
			returnUrl: "HTTPS://Example.com/account",
			theme: { accent: "#0b7285", radius: 0, font: "IBM Plex Sans", scheme: "dark", background: null },
			locale: "pt-br",
			actor: "bo@acme.example",
		};
		const { status, json } = await make(api, body, { "secret-key": keys.write });
		const now = test.clock.now();
		const shown = {
			id: expect.stringMatching(/^portal_/),
			object: "portalSession",
			projectId: project.id,
			customerId: "acme",
			keyId: engine.keys.authenticate(keys.write)?.key.id,
			capabilities: body.capabilities,
			actor: "bo@acme.example",
			returnUrl: "https://example.com/account",
			theme: body.theme,
			locale: "pt-BR",
			createDate: now,
			expireDate: now + body.expiresInMs,
		};
		const token = json["token"];
		expect(status).toBe(200);
		expect(token).toMatch(/^ps_[\w-]{43}$/);
		expect(json).toEqual({ ...shown, token, url: `http://localhost/portal/#t=${String(token)}` });
		const list = await call("GET", "./portal-sessions");
		expect(list.json["data"]).toEqual([shown]);
		const one = await call("GET", `./portal-sessions/${String(json["id"])}`);
		expect(one.json).toEqual(shown);
		expect(list.text + one.text).not.toContain(String(token).slice(3));
	});

	it("reads only, for an hour, unless the product says otherwise", async () => {
		const api = await caller();
		const { json } = await make(api);
		const none = { capabilities: [], actor: null, returnUrl: null, theme: null, locale: null };
		expect(json).toMatchObject({ ...none, expireDate: api.test.clock.now() + HOUR_MS });
		const nulls = { capabilities: null, expiresInMs: null, returnUrl: null, theme: {}, locale: null, actor: null };
		expect((await make(api, nulls)).json).toMatchObject({ ...none, expireDate: api.test.clock.now() + HOUR_MS });
	});

	it("has the public URL in its own, or else the address that was asked for", async () => {
		const behind = await caller({}, "https://hooks.example.com/fanfare");
		expect((await make(behind)).json["url"]).toMatch(/^https:\/\/hooks\.example\.com\/fanfare\/portal\/#t=ps_/);
		const { app, keys, project } = await caller();
		const response = await app.request(`http://10.1.2.3:8787/projects/${project.id}/portal-sessions`, {
			method: "POST",
			headers: { "secret-key": keys.write, "content-type": "application/json" },
			body: JSON.stringify({ customerId: "acme" }),
		});
		expect(await response.json()).toMatchObject({
			url: expect.stringMatching(/^http:\/\/10\.1\.2\.3:8787\/portal\/#t=/),
		});
	});

	it("is refused with values that can't be, and with CSS and script in what a page shows", async () => {
		const api = await caller();
		const rows: readonly [body: object, path: string, message: RegExp][] = [
			[{ customerId: undefined }, "customerId", /is required/],
			[{ customerId: "*" }, "customerId", /must have 1–128/],
			[{ capabilities: ["payloads.write"] }, "capabilities.0", /must be "webhooks.write" or/],
			[{ capabilities: ["replay", "replay"] }, "capabilities.1", /is the same as entry 0/],
			[{ capabilities: Array(6).fill("replay") }, "capabilities", /must have at most 5/],
			[{ expiresInMs: 59_999 }, "expiresInMs", /60000/],
			[{ expiresInMs: 7 * 24 * HOUR_MS + 1 }, "expiresInMs", /604800000/],
			[{ expiresInMs: 60_000.5 }, "expiresInMs", /whole|int/],
			[{ returnUrl: "javascript:alert(1)" }, "returnUrl", /absolute http or https URL/],
			[{ returnUrl: "https://a:b@example.com/" }, "returnUrl", /absolute http/],
			[{ returnUrl: `https://a.example/${"a".repeat(2_048)}` }, "returnUrl", /at most 2048/],
			[{ locale: "de_CH" }, "locale", /BCP 47/],
			[{ actor: "Bo A" }, "actor", /visible ASCII/],
			[{ actor: `ps_${"A".repeat(43)}` }, "actor", /no key or secret/],
			[{ theme: { accent: "#fff;}</style>" } }, "theme.accent", /at most 7|#rrggbb/],
			[{ theme: { background: "red" } }, "theme.background", /#rrggbb/],
			[{ theme: { font: "a;}</style><script>" } }, "theme.font", /one font family/],
			[{ theme: { font: 'a"' } }, "theme.font", /one font family/],
			[{ theme: { radius: -1 } }, "theme.radius", /0/],
			[{ theme: { radius: "4px" } }, "theme.radius", /number/],
			[{ theme: { scheme: "sepia" } }, "theme.scheme", /must be "light" or/],
			[{ theme: { css: "body{}" } }, "theme.css", /not a known field/],
			[{ token: "ps_mine" }, "token", /not a known field/],
		];
		const refusals = rows.map(([body, ...said]): Refusal => {
			return ["POST ./portal-sessions", ...said, { customerId: "acme", ...body }];
		});
		await expectRefusals(api, refusals);
		expect(rowsOf(await api.get("./portal-sessions"))).toEqual([]);
	});

	it("is listed by customer, newest first, page by page", async () => {
		const api = await caller();
		const ids: unknown[] = [];
		for (const customerId of ["a:b", "acme", "acme", "acme"]) {
			ids.unshift((await make(api, { customerId })).json["id"]);
		}
		const list = async (query: string) => {
			const { json } = await api.call("GET", `./portal-sessions?${query}`);
			const data = json["data"] as { id: string }[];
			return { ids: data.map(({ id }) => id), next: json["nextPage"] };
		};
		expect((await list("")).ids).toEqual(ids);
		expect((await list("customerId=a:b")).ids).toEqual(ids.slice(3));
		const first = await list("customerId=acme&limit=2");
		expect(first.ids).toEqual(ids.slice(0, 2));
		expect((await list(`customerId=acme&limit=2&page=${String(first.next)}`)).ids).toEqual([ids[2]]);
		expect((await api.call("GET", "./portal-sessions?page=x")).json["code"]).toBe("invalid_cursor");
	});

	it("is revoked one by one, by customer, by key, and by both", async () => {
		const api = await caller();
		const { call, keys, engine } = api;
		const one = await make(api);
		const path = `./portal-sessions/${String(one.json["id"])}`;
		expect((await call("DELETE", path)).json).toEqual({ id: one.json["id"], deleted: true });
		for (const method of ["GET", "DELETE"]) {
			expect(await call(method, path)).toMatchObject(problem(404, "portal_session_not_found"));
		}
		const keyId = engine.keys.authenticate(keys.project)?.key.id ?? "";
		for (const customerId of ["acme", "acme", "globex"]) {
			for (const key of [keys.admin, keys.project]) await make(api, { customerId }, { "secret-key": key });
		}
		const revoke = async (query: string) => (await call("DELETE", `./portal-sessions?${query}`)).json;
		expect(await revoke(`customerId=acme&keyId=${keyId}`)).toEqual({ object: "portalSessionsRevoked", count: 2 });
		expect(await revoke("customerId=acme")).toMatchObject({ count: 2 });
		expect(await revoke(`keyId=${keyId}`)).toMatchObject({ count: 1 });
		expect(await revoke("customerId=globex")).toMatchObject({ count: 1 });
		for (const [query, issue] of [
			["", "customerId"],
			["customerId=*", "customerId"],
			["keyId=all", "keyId"],
			["keyId=key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77&id=portal_1", "id"],
		]) {
			expect(await revoke(query ?? "")).toMatchObject({ issues: [{ path: issue }] });
		}
	});

	it("of another project is a 404 in the same words as one that does not exist", async () => {
		const api = await caller();
		const { call, keys, other } = api;
		const { json } = await make(api);
		for (const method of ["GET", "DELETE"]) {
			const ask = async (id: string) =>
				comparable(await call(method, `/projects/${other.id}/portal-sessions/${id}`, undefined, as(keys.other)));
			const answer = await ask(String(json["id"]));
			expect(answer).toMatchObject(problem(404, "portal_session_not_found"));
			expect(answer).toEqual(await ask(`portal_${NO_UUID}`));
		}
		expect((await call("GET", `./portal-sessions/${String(json["id"])}`)).status).toBe(200);
	});
});

describe("the token of a portal session", () => {
	it("ends when it expires or is revoked, for the very next call, and says so", async () => {
		const api = await caller();
		const { call, test } = api;
		const { json } = await make(api, { expiresInMs: 60_000 });
		const revoked = { "secret-key": String(json["token"]) };
		const expired = await tokenOf(api, { expiresInMs: 60_000 });
		await call("DELETE", `./portal-sessions/${String(json["id"])}`);
		test.clock.advance(59_999);
		expect((await call("GET", "./events", undefined, expired)).status).toBe(200);
		test.clock.advance(1);
		for (const headers of [revoked, expired, { "secret-key": `ps_${"A".repeat(43)}` }, { "secret-key": "ps_" }]) {
			for (const path of ["./events", "./stream", "./stream/items", "/workspace/key"]) {
				const answer = await call("GET", path, undefined, headers);
				expect(answer).toMatchObject(problem(401, "unknown_portal_session"));
				expect(answer.headers.get("www-authenticate")).toMatch(/invalid_token/);
			}
		}
	});

	it("is accepted in headers only: in a query, a path or a cookie it opens nothing, and no log line has it", async () => {
		const api = await caller();
		const { "secret-key": token = "" } = await tokenOf(api);
		const { app, project, lines } = api;
		const base = `/projects/${project.id}/events`;
		for (const query of [`?token=${token}`, `?t=${token}`, `?secret-key=${token}`, `?access_token=${token}`]) {
			const response = await app.request(base + query);
			expect([response.status, await response.json()]).toMatchObject([401, { code: "missing_key" }]);
		}
		const withCookie = await app.request(base, { headers: { cookie: `secret-key=${token}; token=${token}` } });
		expect(withCookie.status).toBe(401);
		const inPath = await app.request(`/portal/${token}`);
		expect(inPath.status).toBe(404);
		const text = (await inPath.text()) + JSON.stringify(lines);
		expect(text).toContain("ps_***");
		expect(text).not.toContain(token.slice(3));
	});

	it("tells the portal whose it is and how it looks", async () => {
		const api = await caller();
		const { call, project, test } = api;
		const theme = { accent: "#fff", background: null, radius: null, font: null, scheme: null };
		const body = { capabilities: ["replay"], returnUrl: "https://a.example/", locale: "de", actor: "bo", theme };
		const { json } = await make(api, body);
		const headers = { "secret-key": String(json["token"]) };
		const ask = async () => (await call("GET", "/workspace/key", undefined, headers)).json;
		const looks = { returnUrl: "https://a.example/", theme, locale: "de" };
		const session = { id: json["id"], customerName: null, actor: "bo", ...looks };
		const whose = { kind: "customer", projectId: project.id, customerId: "acme" };
		const expected = { ...whose, expireDate: test.clock.now() + HOUR_MS, capabilities: ["replay"] };
		expect(await ask()).toMatchObject({ ...expected, portalSession: session });
		await call("PATCH", "./customers/acme", { name: "Acme Inc." });
		expect(await ask()).toMatchObject({ portalSession: { ...session, customerName: "Acme Inc." } });
	});

	it("leaves audit entries with its session and actor, and log lines with its session", async () => {
		const api = await caller();
		const { call, lines } = api;
		const { json } = await make(api, { capabilities: ["webhooks.write"], actor: "bo@acme.example" });
		const headers = { "secret-key": String(json["token"]) };
		const made = await call("POST", "./batch/webhooks", { name: "a", spec: { endpoint: ENDPOINT } }, headers);
		expect(made.json).toMatchObject({ customerId: "acme" });
		const { json: log } = await call("GET", `/workspace/audit?objectId=${String(made.json["id"])}`);
		expect(log["data"]).toMatchObject([
			{
				action: "webhook.create",
				keyId: null,
				customerId: "acme",
				portalSessionId: json["id"],
				actor: "bo@acme.example",
			},
		]);
		expect(lines.find(({ requestId }) => requestId === made.headers.get("x-request-id"))).toMatchObject({
			portalSessionId: json["id"],
			keyId: null,
		});
		const { json: ofSession } = await call("GET", `/workspace/audit?objectId=${String(json["id"])}`);
		expect(ofSession["data"]).toMatchObject([
			{ action: "portal_session.create", fields: ["customerId", "capabilities", "actor"] },
		]);
	});

	it("can't name an actor of its own", async () => {
		const api = await caller();
		const token = await tokenOf(api, { capabilities: CAPABILITIES, actor: "bo" });
		const headers = { ...token, "fanfare-actor": "ada@example.com" };
		expect(await api.call("GET", "./events", undefined, headers)).toMatchObject(refused("Fanfare-Actor"));
		expect(await api.call("POST", "./batch/webhooks", {}, headers)).toMatchObject(refused("Fanfare-Actor"));
	});
});
