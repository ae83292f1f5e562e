// The bytes of an event's data.
import { startReceiver } from "@fanfare/testkit/receiver";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { eventually } from "../../../engine/test/test-engine.ts";
import { caller, callerAlone } from "../../test/caller.ts";

/** Data that no parser keeps as it is. */
const EXACT = String.raw`{"z":1.0, "b":"\u00e9\/€","a":1E5,"big":12345678901234567890,"nested" : [ ],"z":2 }`;

async function withEvent(data = EXACT) {
	const api = await caller();
	const { json } = await api.call("POST", "./events", `{ "type":"a.b","timestamp":0,\n "data":\t${data} }`);
	const id = json["id"] as string;
	return { ...api, id, path: `./events/${id}/data` };
}

describe("an event's data", () => {
	it("has the bytes that were sent, and none around them", async () => {
		const { call, path, id } = await withEvent();
		const { status, text, headers } = await call("GET", path);
		expect([status, text]).toEqual([200, EXACT]);
		expect(headers.get("content-type")).toBe("application/json");
		expect(await call("GET", `${path}?as=data`)).toMatchObject({ status: 200, text: EXACT });
		expect(headers.get("content-disposition")).toBe(`attachment; filename="${id}.json"`);
	});

	it("keeps any text, as any sender writes it", async () => {
		const { call } = await caller();
		const type = fc.stringMatching(/^[a-z]{1,20}$/);
		await fc.assert(
			fc.asyncProperty(fc.json({ maxDepth: 3 }), type, fc.nat(253_402_300_799_999), async (data, name, timestamp) => {
				const { json } = await call("POST", "./events", `{"data":${data},"type":"${name}","timestamp":${timestamp}}`);
				expect((await call("GET", `./events/${String(json["id"])}/data`)).text).toBe(data);
			}),
			{ numRuns: 100 },
		);
	});

	it("is with as=body what a receiver gets", async () => {
		await using receiver = await startReceiver();
		const { call, makeWebhook } = await caller();
		await makeWebhook(receiver.url);
		const { json } = await call("POST", "./events", `{"type":"a.b","data":${EXACT}}`);
		await receiver.waitFor(1);
		const { text, headers } = await call("GET", `./events/${String(json["id"])}/data?as=body`);
		expect(text).toBe(receiver.requests[0]?.rawBody.toString());
		expect(headers.get("content-type")).toBe("application/json");
	});

	it("is never run by a browser that is sent to it", async () => {
		const { call, path } = await withEvent('"<script>alert(1)</script>"');
		const { headers, text } = await call("GET", path, undefined, { accept: "text/html" });
		expect(text).toBe('"<script>alert(1)</script>"');
		expect(headers.get("content-type")).toBe("application/json");
		expect(headers.get("x-content-type-options")).toBe("nosniff");
		expect(headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
		expect(headers.get("content-disposition")).toMatch(/^attachment; /);
		expect(headers.get("cache-control")).toBe("no-store");
	});

	it("responds to HEAD without it", async () => {
		const { call, path } = await withEvent();
		const { status, text, headers } = await call("HEAD", path);
		expect([status, text, headers.get("content-type")]).toEqual([200, "", "application/json"]);
	});

	it("is gone once it was erased, and the event is not", async () => {
		const { call, path, id } = await withEvent();
		expect((await call("DELETE", path)).status).toBe(200);
		for (const query of ["", "?as=body"]) {
			const { status, json } = await call("GET", path + query);
			expect([status, json["code"]]).toEqual([410, "data_erased"]);
		}
		expect(await call("GET", `./events/${id}`)).toMatchObject({ status: 200, json: { dataErased: true } });
	});

	it.each(["?as=html", "?as=", "?as=body&as=data", "?raw=1"])("refuses %s", async (query) => {
		const { call, path } = await withEvent();
		expect(await call("GET", path + query)).toMatchObject({ status: 400, json: { code: "invalid_request" } });
	});

	it("is not found in another project, nor for an id of another kind", async () => {
		const { call, id, other, keys } = await withEvent();
		const foreign = await call("GET", `/projects/${other.id}/events/${id}/data`, undefined, {
			"secret-key": keys.other,
		});
		const unknown = await call("GET", "./events/evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77/data");
		expect([foreign.status, foreign.json["message"]]).toEqual([404, unknown.json["message"]]);
		expect(await call("GET", "./events/webhook_1/data")).toMatchObject({
			status: 404,
			json: { code: "event_not_found" },
		});
	});
});

describe("a customer's token", () => {
	it("gets the data of what was for its webhooks alone, and only with the capability for payloads", async () => {
		const { call, test, tokenOf } = await callerAlone();
		for (const customerId of ["acme", "globex"]) await test.createWebhook("http://127.0.0.1:1/", { customerId });
		const send = async (customerId: string) =>
			(await call("POST", "./events", { type: "a", data: customerId, customerId })).json["id"] as string;
		const [mine, others] = [await send("acme"), await send("globex")];
		await eventually("the deliveries are there", async () => (await test.deliveries()).length === 2);
		const as = (token: string, id: string) => call("GET", `./events/${id}/data`, undefined, { "secret-key": token });
		expect(await as(await tokenOf("acme"), mine)).toMatchObject({ status: 200, text: '"acme"' });
		expect(await as(await tokenOf("acme"), others)).toMatchObject({ status: 404, json: { code: "event_not_found" } });
		expect(await as(await tokenOf("acme", ["replay"]), mine)).toMatchObject({
			status: 403,
			json: { code: "insufficient_scope" },
		});
	});
});
