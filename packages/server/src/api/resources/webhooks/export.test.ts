// Exports of webhooks: the list as a file, with its filters and without secrets.
import { describe, expect, it } from "vitest";

import { caller, type Answer, type Caller } from "../../test/caller.ts";

const endpoint = "https://hooks.example.com/in";
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const rowsIn = ({ text }: Answer) =>
	text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, unknown>);

/** A project with webhooks of two customers and of its own, newest first: `c`, `b` and `a`. */
async function withWebhooks(): Promise<Caller> {
	const api = await caller();
	const make = (name: string, more: object, settings: object) =>
		api.call("POST", "./batch/webhooks", {
			name,
			...more,
			spec: { endpoint, secret: { contents: SECRET }, ...settings },
		});
	await make("a", { key: "orders:eu" }, { headers: { "x-token": "hidden-value" }, metadata: { team: "x" } });
	const { json } = await make("b", { customerId: "acme" }, { eventTypes: ["order.*", "user.created"] });
	await make("c", { customerId: "globex" }, { retries: { scheduleMs: [1, 2] }, rateLimit: { perSecond: 5 } });
	await api.call("POST", `./batch/webhooks/${String(json["id"])}:pause`);
	await api.call("POST", "./events", { type: "order.paid", data: 1, customerId: "acme", webhookIds: [json["id"]] });
	return api;
}

describe("an export of webhooks", () => {
	it("has every webhook of the list, in its order and form, with health and activity, and no secret", async () => {
		const { call } = await withWebhooks();
		const exported = await call("GET", "./batch/webhooks:export");
		expect(exported.status).toBe(200);
		expect(exported.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
		expect(exported.headers.get("content-disposition")).toBe('attachment; filename="webhooks.ndjson"');
		expect(rowsIn(exported)).toEqual((await call("GET", "./batch/webhooks")).json["data"]);
		expect(rowsIn(exported)).toMatchObject([{ name: "c" }, { name: "b", deliveries: { Held: 1 } }, { name: "a" }]);
		const csv = await call("GET", "./batch/webhooks:export?format=csv");
		for (const { text } of [exported, csv]) {
			expect(text).not.toContain(SECRET.slice("whsec_".length, -4));
			expect(text).not.toContain("hidden-value");
		}
	});

	it.each([
		["q=ORDERS", 1],
		["status=Paused", 1],
		["health=Healthy", 3],
		["health=Failing", 0],
		["customerId=acme", 1],
		["key=orders:eu", 1],
		["eventType=order.paid", 3],
		["eventType=other.type", 2],
		["metadata.team=x", 1],
		["status=Enabled&customerId=acme", 0],
	])("has for ?%s what the list has: %i", async (query, count) => {
		const { call } = await withWebhooks();
		const { data } = (await call("GET", `./batch/webhooks?${query}`)).json as { readonly data: unknown[] };
		expect(rowsIn(await call("GET", `./batch/webhooks:export?${query}`))).toEqual(data);
		expect(data).toHaveLength(count);
	});

	it("as CSV has a line for each webhook, also with names and notes that are hostile", async () => {
		const { call } = await withWebhooks();
		const spec = { endpoint, description: '+1\n=2\r\n"@x"', metadata: { "=a": "=1,-2" } };
		await call("POST", "./batch/webhooks", { name: '=HYPERLINK("http://evil")', spec });
		const { text, headers } = await call("GET", "./batch/webhooks:export?format=csv");
		expect(headers.get("content-disposition")).toBe('attachment; filename="webhooks.csv"');
		const [head = "", ...lines] = text.split(/\r\n(?=webhook_|$)/);
		expect(head).toMatch(/^id,key,name,customerId,endpoint,description,createDate,/);
		expect(head.split(",")).toHaveLength(33);
		const [hostile, c, b, a, end] = lines;
		expect(end).toBe("");
		expect(hostile).toContain(`,,"'=HYPERLINK(""http://evil"")",,${endpoint},"'+1\n'=2\r\n""@x""",`);
		expect(hostile).toContain(`"{""=a"":""=1,'-2""}"`);
		expect(c).toMatch(/,c,globex,.*,Enabled,,,Healthy,,0,,0,0,0,,,,,,,,,2,28800000,1 2,15000,5,432000000,$/);
		expect(b).toMatch(
			/,b,acme,.*,Paused,,,Healthy,,0,,0,1,0,,,,,,order\.\* user\.created,,,17,28800000,,15000,,432000000,$/,
		);
		expect(a).toMatch(/,orders:eu,a,,.*,,x-token,"\{""team"":""x""\}",17,/);
	});

	it.each([
		"q=",
		"status=Lost",
		"health=Well",
		"customerId=a%20b",
		"key=a%20b",
		"eventType=order.*",
		"metadata.team=a&metadata.team=b",
	])("is refused with ?%s as the list is", async (query) => {
		const { call } = await caller();
		const [list, exported] = [
			await call("GET", `./batch/webhooks?${query}`),
			await call("GET", `./batch/webhooks:export?${query}`),
		];
		const { requestId: _, ...refusal } = list.json;
		expect(list.status).toBe(400);
		expect(exported).toMatchObject({ status: 400, json: refusal });
	});

	it.each([
		["format=xml", "format"],
		["limit=3", "limit"],
		["page=x", "page"],
	])("is refused with ?%s", async (query, path) => {
		const { call } = await caller();
		const refusal = { status: 400, json: { code: "invalid_request", issues: [{ path }] } };
		expect(await call("GET", `./batch/webhooks:export?${query}`)).toMatchObject(refusal);
	});

	it("holds 50 in memory, since they can be large, and reads on only when the client has taken them", async () => {
		const api = await caller();
		const spec = {
			endpoint,
			metadata: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`n${n}`, "x".repeat(512)])),
		};
		const make = (n: number) => api.call("POST", "./batch/webhooks", { name: `w${n}`, spec });
		await Promise.all(Array.from({ length: 51 }, (_, n) => make(n)));
		const read = api.store.webhooks.bind(api.store);
		const limits: number[] = [];
		api.store.webhooks = (scope, filter, request) => {
			limits.push(request.limit);
			return read(scope, filter, request);
		};
		const headers = { "secret-key": api.keys.admin };
		const response = await api.app.request(`/projects/${api.project.id}/batch/webhooks:export`, { headers });
		const reader = response.body!.getReader();
		expect(limits).toEqual([50]);
		await reader.read();
		expect(limits).toEqual([50]);
		await reader.read();
		expect(limits).toEqual([50, 50]);
		expect((await reader.read()).done).toBe(true);
	});

	it("with a customer's token has only the webhooks of that customer", async () => {
		const api = await withWebhooks();
		const asAcme = { "secret-key": await api.tokenOf("acme", []) };
		const get = (path: string) => api.call("GET", path, undefined, asAcme);
		const own = await get("./batch/webhooks:export");
		expect(rowsIn(own)).toMatchObject([{ name: "b", customerId: "acme" }]);
		expect(rowsIn(own)).toEqual((await get("./batch/webhooks")).json["data"]);
		expect((await get("./batch/webhooks:export?format=csv")).text.split("\r\n")).toHaveLength(3);
		for (const query of ["customerId=globex", "q=c&status=Enabled"]) {
			const [list, exported] = [await get(`./batch/webhooks?${query}`), await get(`./batch/webhooks:export?${query}`)];
			expect(exported.status).toBe(list.status);
			if (list.status === 200) expect(exported.text).toBe("");
			else expect({ ...exported.json, requestId: "" }).toEqual({ ...list.json, requestId: "" });
		}
	});
});
