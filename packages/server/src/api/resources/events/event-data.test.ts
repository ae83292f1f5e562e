// The bytes of an event's data.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { expectRefusals } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

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
		const head = await call("HEAD", path);
		expect([head.status, head.text, head.headers.get("content-type")]).toEqual([200, "", "application/json"]);
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

	it("is gone once it was erased, and the event is not", async () => {
		const { call, path, id } = await withEvent();
		expect((await call("DELETE", path)).status).toBe(200);
		for (const query of ["", "?as=body"]) {
			const { status, json } = await call("GET", path + query);
			expect([status, json["code"]]).toEqual([410, "data_erased"]);
		}
		expect(await call("GET", `./events/${id}`)).toMatchObject({ status: 200, json: { dataErased: true } });
	});

	it("refuses other forms", async () => {
		const { path, ...api } = await withEvent();
		await expectRefusals(api, [
			[`GET ${path}?as=html`, "as"],
			[`GET ${path}?as=`, "as"],
			[`GET ${path}?as=body&as=data`, "as"],
			[`GET ${path}?raw=1`, "raw"],
		]);
	});
});
