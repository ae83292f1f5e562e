// Tests of webhooks over HTTP: data of the caller's own, and the exchange, and what of both a customer's token may.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { sign, signingKey } from "../../../core/crypto/signing.ts";
import { MAX_EVENT_BYTES } from "../../../core/event.ts";
import { expectRefusals } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

const SECRET = Buffer.alloc(32, 7);

/** A webhook with a secret that the test knows and a header of its own, by default of a customer. */
async function withWebhook(url: string, customerId: string | null = "acme") {
	const api = await caller();
	const spec = { endpoint: url, secret: { contents: SECRET.toString("base64") }, headers: { "x-token": "hidden" } };
	const { json } = await api.call("POST", "./batch/webhooks", { name: "a", spec, customerId });
	const path = `./batch/webhooks/${json["id"] as string}:test`;
	/** Makes the call with the token of the customer, who has these capabilities. */
	const asCustomer = async (query: string, body: unknown, ...more: readonly ("payloads.read" | "secrets.rotate")[]) =>
		api.call("POST", path + query, body, { "secret-key": await api.tokenOf("acme", ["webhooks.write", ...more]) });
	return { ...api, path, asCustomer };
}

describe("data of the caller's own", () => {
	it("is sent byte for byte", async () => {
		await using receiver = await startReceiver();
		const { call, path } = await withWebhook(receiver.url);
		for (const [body, type, data] of [
			['{"data":{"b":1.0,"a":[1e2]}}', "fanfare.test", '{"b":1.0,"a":[1e2]}'],
			['{"eventType":"order.paid","data":false}', "order.paid", "false"],
			['{ "data" : "\\u00e9" , "eventType" : null }', "fanfare.test", '"\\u00e9"'],
		] as const) {
			expect(await call("POST", path, body)).toMatchObject({ status: 200, json: { status: "Ok" } });
			const { rawBody, headers } = receiver.requests.at(-1)!;
			const text = String(rawBody);
			expect(text.startsWith(`{"type":"${type}","timestamp":"`)).toBe(true);
			expect(text.endsWith(`,"data":${data}}`)).toBe(true);
			const [id, at] = [String(headers["webhook-id"]), Number(headers["webhook-timestamp"])];
			expect(headers["webhook-signature"]).toBe(sign([signingKey(SECRET)], id, at, Buffer.from(text)));
		}
	});

	it("is not what null means", async () => {
		await using receiver = await startReceiver();
		const { call, path } = await withWebhook(receiver.url);
		await call("POST", path, { data: null });
		expect(String(receiver.requests[0]?.rawBody)).toContain("This is a test from Fanfare");
	});

	it("is refused as in a send", async () => {
		await using receiver = await startReceiver();
		const { path, project, ...api } = await withWebhook(receiver.url);
		const { call } = api;
		const test = (eventType: string, data: unknown) => [{ eventType, data }] as const;
		await expectRefusals(api, [[`POST ${path}`, "eventType", /reserved/, ...test("fanfare.webhook.failing", 1)]]);
		await call("PUT", "./event-types/order.paid", { schema: { type: "integer" } });
		await call("PUT", "./event-types/order.old", { archived: true });
		await call("PATCH", `/projects/${project.id}`, { eventTypes: "catalogued" });
		await expectRefusals(api, [
			[`POST ${path}`, "eventType", /is not one of this project's event types/, ...test("order.lost", 1)],
			[`POST ${path}`, "eventType", /archived/, ...test("order.old", 1)],
			[`POST ${path}`, "data", /integer/, ...test("order.paid", "x")],
		]);
		expect((await call("POST", path, { eventType: "order.paid", data: 5 })).status).toBe(200);
		expect(receiver.requests).toHaveLength(1);
	});

	it("has at most the size of an event", async () => {
		const { call, path } = await withWebhook("http://127.0.0.1:1/");
		const { status, json } = await call("POST", path, { data: "x".repeat(MAX_EVENT_BYTES) });
		expect([status, json["code"]]).toEqual([413, "payload_too_large"]);
	});

	it("is for those tokens of a customer that may set the secret, since it is signed", async () => {
		await using receiver = await startReceiver();
		const { asCustomer } = await withWebhook(receiver.url);
		const refused = await asCustomer("", { data: 1 });
		expect([refused.status, refused.json["message"]]).toEqual([403, expect.stringContaining("secrets.rotate")]);
		expect(receiver.requests).toHaveLength(0);
		expect((await asCustomer("", {})).status).toBe(200);
		expect((await asCustomer("", { data: 1 }, "secrets.rotate")).status).toBe(200);
		expect(receiver.requests).toHaveLength(2);
	});

	it("looks to a customer as if internal types did not exist", async () => {
		await using receiver = await startReceiver();
		const { call, project, asCustomer } = await withWebhook(receiver.url);
		await call("PUT", "./event-types/secret.type", { visibility: "internal", schema: { type: "integer" } });
		await call("PATCH", `/projects/${project.id}`, { eventTypes: "catalogued" });
		const issuesOf = async (eventType: string) =>
			(await asCustomer("", { eventType, data: "x" }, "secrets.rotate")).json["issues"];
		expect(await issuesOf("secret.type")).toEqual(await issuesOf("no.type"));
	});
});

describe("the exchange of a test", () => {
	it("is the last request as it was sent, and the answer to it, for whom asks", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 200, headers: { "x-answer": "a", "set-cookie": "c=1" }, body: "thanks" }));
		const { call, path } = await withWebhook(receiver.url);
		const { json } = await call("POST", `${path}?exchange=true`, { eventType: "order.paid", data: { ü: 1 } });
		const { headers, rawBody } = receiver.requests[0]!;
		const { host: _, connection: __, "content-length": ___, ...sent } = headers;
		expect(json["exchange"]).toEqual({
			request: {
				method: "POST",
				url: receiver.url,
				headers: { ...sent, "x-token": "***" },
				body: String(rawBody),
			},
			response: {
				responseCode: 200,
				headers: expect.objectContaining({ "x-answer": "a", "set-cookie": "c=1" }),
				body: "thanks",
				bodyTruncated: false,
			},
		});
		for (const query of ["", "?exchange=false"])
			expect((await call("POST", path + query)).json).not.toHaveProperty("exchange");
		expect((await call("POST", `${path}?exchange=yes`)).status).toBe(400);
	});

	it("has no response if none came", async () => {
		const { call, path } = await withWebhook("http://127.0.0.1:1/");
		await call("PATCH", path.replace(":test", ""), { spec: { retries: { maxRetries: 0 } } });
		const { json } = await call("POST", `${path}?exchange=true`);
		expect(json).toMatchObject({ status: "Failed", exchange: { request: { method: "POST" }, response: null } });
	});

	it("shows a customer no signature and no cookie, and what the receiver has answered only with payloads.read", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 200, headers: { "x-answer": "a", "set-cookie": "c=1" }, body: "thanks" }));
		const { asCustomer } = await withWebhook(receiver.url);
		const blind = (await asCustomer("?exchange=true", {})).json["exchange"];
		const signature = String(receiver.requests[0]?.headers["webhook-signature"]);
		expect(blind).toMatchObject({
			request: { headers: { "webhook-signature": `${signature.slice(0, 11)}…`, "x-token": "***" } },
			response: { responseCode: 200, headers: {}, body: "", bodyTruncated: true },
		});
		const { request, response } = (await asCustomer("?exchange=true", {}, "payloads.read")).json["exchange"] as {
			request: { headers: Record<string, string> };
			response: object;
		};
		expect(request.headers["webhook-signature"]).toMatch(/^v1,.{8}…$/);
		expect(response).toMatchObject({ headers: { "x-answer": "a", "set-cookie": "***" }, body: "thanks" });
	});
});
