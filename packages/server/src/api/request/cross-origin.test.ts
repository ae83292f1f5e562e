// What pages of other origins may do: call with the token of a portal session from the origins that the operator has named, and
// nothing else.
import { describe, expect, it } from "vitest";

import { caller } from "../test/caller.ts";
import { frameAncestors } from "./cross-origin.ts";

const APP = "https://app.example.com";
const LOCAL = "http://localhost:5173";
const FOREIGN = [
	"https://evil.example",
	"null",
	"",
	"*",
	`${APP}:8443`,
	`${APP}:443`,
	`${APP}.`,
	"https://user:password@app.example.com",
	"https://app.example.com@evil.example",
	"https://App.example.com",
	"http://app.example.com",
	"https://app.example.com.evil.example",
	"https://evil-app.example.com",
	"https://sub.app.example.com",
	"HTTPS://APP.EXAMPLE.COM",
	`${APP}/`,
	`${APP}, https://evil.example`,
	`${APP} `.repeat(2).trim(),
];

const open = () => caller({}, null, { portalOrigins: [APP, LOCAL] });

/** The headers of a response that are about other origins. */
function crossOrigin({ headers }: { readonly headers: Headers }): Record<string, string> {
	const found = [...headers].filter(([name]) => name.startsWith("access-control-") || name === "vary");
	return Object.fromEntries(found);
}

const ALLOWED = {
	"access-control-allow-origin": APP,
	"access-control-expose-headers": "fanfare-warning, retry-after, x-request-id",
	vary: "Origin",
};

describe("a call with the token of a portal session", () => {
	it("can be read by pages of the named origins, with either header", async () => {
		const api = await open();
		const token = await api.tokenOf("acme");
		for (const headers of [
			{ "secret-key": token, origin: APP },
			{ "secret-key": "", authorization: `Bearer ${token}`, origin: APP },
		]) {
			const answer = await api.call("GET", "./batch/webhooks", undefined, headers);
			expect([answer.status, crossOrigin(answer)]).toEqual([200, ALLOWED]);
		}
		const local = await api.call("GET", "/workspace/key", undefined, { "secret-key": token, origin: LOCAL });
		expect(crossOrigin(local)).toEqual({ ...ALLOWED, "access-control-allow-origin": LOCAL });
	});

	it("can be read if it is refused, too, so that a page learns why: the session has ended, a 403, a 404, a 400", async () => {
		const api = await open();
		const token = await api.tokenOf("acme", []);
		const ask = async (method: string, path: string, key = token) =>
			api.call(method, path, method === "GET" ? undefined : {}, { "secret-key": key, origin: APP });
		for (const [answer, status] of [
			[await ask("GET", "./batch/webhooks", `ps_${"A".repeat(43)}`), 401],
			[await ask("POST", "./batch/webhooks"), 403],
			[await ask("POST", "./events"), 403],
			[await ask("GET", "./deliveries/dlv_1"), 404],
			[await ask("GET", "./nothing"), 404],
			[await ask("GET", "./events?limit=0"), 400],
			[await ask("PUT", "./events"), 405],
		] as const) {
			expect([answer.status, crossOrigin(answer)]).toEqual([status, ALLOWED]);
		}
	});

	it("can be read as a stream", async () => {
		const { app, project, tokenOf } = await open();
		const response = await app.request(`/projects/${project.id}/stream`, {
			headers: { "secret-key": await tokenOf("acme"), origin: APP },
		});
		expect([response.status, crossOrigin(response)]).toEqual([200, ALLOWED]);
		await response.body?.cancel();
	});

	it("can't be read by a page of another origin, and has none of these headers if no origins are set", async () => {
		const { get, call, tokenOf } = await open();
		const token = await tokenOf("acme");
		for (const origin of FOREIGN) {
			const answer = await call("GET", "./batch/webhooks", undefined, { "secret-key": token, origin });
			// The request itself is answered as ever; the browser keeps the response from the page.
			expect([origin, answer.status, crossOrigin(answer)]).toEqual([origin, 200, { vary: "Origin" }]);
		}
		// The response depends on the origin also if none is named.
		expect(crossOrigin(await get("./events", token))).toEqual({ vary: "Origin" });
		const closed = await caller();
		const headers = { "secret-key": await closed.tokenOf("acme"), origin: APP };
		expect(crossOrigin(await closed.call("GET", "./events", undefined, headers))).toEqual({});
	});
});

describe("a call without such a token", () => {
	it("has no headers for other origins: a key does not belong into a page", async () => {
		const api = await open();
		const { keys, call, app } = api;
		for (const key of [keys.read, keys.admin, keys.project, `sk_${"A".repeat(43)}`, "nonsense"]) {
			const headers = { "secret-key": key, origin: APP };
			expect(crossOrigin(await call("GET", "./batch/webhooks", undefined, headers))).toEqual({});
			expect(crossOrigin(await call("POST", "./portal-sessions", { customerId: "acme" }, headers))).toEqual({});
		}
		for (const path of ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/workspace", "/nothing"]) {
			expect(crossOrigin(await app.request(path, { headers: { origin: APP } }))).toEqual({});
		}
		// A key that is sent beside a token counts, as ever.
		const both = { "secret-key": keys.read, authorization: `Bearer ${await api.tokenOf("acme")}`, origin: APP };
		expect(crossOrigin(await call("GET", "./events", undefined, both))).toEqual({});
	});
});

describe("a preflight", () => {
	const ask = async (path: string, headers: Record<string, string>, opening = open()) => {
		const { app, project } = await opening;
		return app.request(path.replace("./", `/projects/${project.id}/`), { method: "OPTIONS", headers });
	};
	const from = (origin: string, method: string) => ({
		origin,
		"access-control-request-method": method,
		"access-control-request-headers": "content-type,secret-key",
	});

	it("is allowed for what is for customers, without cookies, and names nothing else", async () => {
		for (const [call, methods] of [
			["GET ./batch/webhooks", "POST, GET"],
			["POST ./batch/webhooks", "POST, GET"],
			["PATCH ./batch/webhooks/webhook_1", "GET, PATCH, DELETE"],
			["POST ./batch/webhooks/webhook_1:test", "POST"],
			["PUT ./batch/webhooks/webhook_1/secret", "PUT"],
			["GET ./stream", "GET"],
			["GET /workspace/key", "GET"],
		] as const) {
			const [method = "", path = ""] = call.split(" ");
			const response = await ask(path, from(APP, method));
			expect([call, response.status, await response.text()]).toEqual([call, 204, ""]);
			expect(crossOrigin(response)).toEqual({
				"access-control-allow-origin": APP,
				"access-control-allow-methods": methods,
				"access-control-allow-headers": "authorization, content-type, last-event-id, secret-key",
				"access-control-max-age": "600",
				vary: "Origin",
			});
		}
	});

	it("is a 405 without such headers for what is not for customers, and from any other origin", async () => {
		const notForCustomers = [
			"POST ./events",
			"DELETE ./events/evt_1/data",
			"POST ./portal-sessions",
			"DELETE ./portal-sessions?customerId=acme",
			"GET /workspace/keys",
			"GET /workspace",
			"GET ./customers",
			"POST ./batch/webhooks:release",
			"GET /healthz",
			"GET /metrics",
			"PUT ./batch/webhooks",
			"get ./batch/webhooks",
			" ./batch/webhooks",
		].map((call) => [APP, ...call.split(" ")] as const);
		const fromOthers = FOREIGN.map((origin) => [origin, "GET", "./batch/webhooks"] as const);
		for (const [origin, method = "", path = ""] of [...notForCustomers, ...fromOthers]) {
			const response = await ask(path, from(origin, method));
			expect([origin, method, path, response.status]).toEqual([origin, method, path, 405]);
			expect(crossOrigin(response)).toEqual({});
			expect(response.headers.get("allow")).not.toBeNull();
		}
	});

	it("is a 405 if no origins are set, if it names no origin or no method, and a 404 for a path that does not exist", async () => {
		expect((await ask("./batch/webhooks", from(APP, "GET"), caller())).status).toBe(405);
		expect((await ask("./batch/webhooks", { "access-control-request-method": "GET" })).status).toBe(405);
		expect((await ask("./batch/webhooks", { origin: APP })).status).toBe(405);
		const unknown = await ask("./nothing", from(APP, "GET"));
		expect([unknown.status, crossOrigin(unknown)]).toEqual([404, {}]);
	});
});

describe("frameAncestors", () => {
	it("lists the origins, and allows none if there are none", () => {
		expect(frameAncestors([])).toBe("frame-ancestors 'none'");
		expect(frameAncestors([APP, LOCAL])).toBe(`frame-ancestors ${APP} ${LOCAL}`);
	});
});
