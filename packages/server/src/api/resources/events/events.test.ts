// Sends: the checks of an event and of a batch, and that data keeps its bytes.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { expectRefusals, problem, rowsOf, type Refusal } from "../../test/answers.ts";
import { caller, type Answer } from "../../test/caller.ts";

const WEBHOOK_ID = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";

describe("sending an event", () => {
	it("responds with 202 and the event", async () => {
		const { call, project, makeWebhook, accepted, test } = await caller();
		const webhookId = await makeWebhook();
		await makeWebhook();
		const body = {
			type: "batch.job.completed",
			data: { n: 1 },
			timestamp: 5,
			idempotencyKey: "k",
			webhookIds: [webhookId],
		};
		const { status, json } = await call("POST", "./events", body);
		expect(status).toBe(202);
		expect(json).toEqual({
			id: expect.stringMatching(/^evt_/),
			object: "event",
			projectId: project.id,
			type: "batch.job.completed",
			timestamp: 5,
			createDate: expect.any(Number),
			duplicate: false,
			deliveryCount: 1,
		});
		expect(await accepted()).toMatchObject([{ id: json["id"], type: body.type, timestamp: 5, dataJson: '{"n":1}' }]);
		expect(await test.deliveries()).toMatchObject([{ eventId: json["id"], webhookId }]);
		expect((await call("POST", "./events", body)).json).toMatchObject({ id: json["id"], duplicate: true });
	});

	it("treats null like an omitted field", async () => {
		const { call, makeWebhook, test } = await caller();
		await makeWebhook();
		const nulls = { type: "a", data: 1, timestamp: null, idempotencyKey: null, webhookIds: null };
		for (const body of [nulls, { type: "a", data: 1 }, nulls]) {
			const json = { timestamp: test.clock.now(), duplicate: false, deliveryCount: 1 };
			expect(await call("POST", "./events", body)).toMatchObject({ status: 202, json });
		}
	});

	it("accepts any JSON as data, also with the name __proto__ and with duplicate names", async () => {
		const { call, accepted } = await caller();
		const named = '{"__proto__":{"polluted":1},"constructor":1,"a":1,"a":2}';
		const datas = ["null", "false", "0", '""', "[]", "{}", "-1.50E+2", '"\\u0000"', named];
		for (const data of datas) expect((await call("POST", "./events", `{"type":"a","data":${data}}`)).status).toBe(202);
		expect((await accepted()).map(({ dataJson }) => dataJson)).toEqual(datas);
		expect({}).not.toHaveProperty("polluted");
	});

	it("refuses fields that can't be, and accepts nothing then", async () => {
		const api = await caller();
		const [type, key] = [/such as user.created/, /1–256 printable/];
		const rows: readonly [body: object, path: string, message: RegExp][] = [
			[{ type: undefined }, "type", /is required/],
			[{ data: undefined }, "data", /is required/],
			[{ type: "" }, "type", type],
			[{ type: "a..b" }, "type", type],
			[{ type: "a.*" }, "type", type],
			[{ type: "a\n" }, "type", type],
			[{ type: "x".repeat(257) }, "type", /at most 256 characters, got 257/],
			[{ type: 5 }, "type", /a string, got a number/],
			[{ type: "fanfare.webhook.disabled" }, "type", /^must not start with fanfare\./],
			[{ timestamp: -1 }, "timestamp", /at least 0, got -1/],
			[{ timestamp: 1.5 }, "timestamp", /whole number, got 1.5/],
			[{ timestamp: 253_402_300_800_000 }, "timestamp", /at most 253402300799999/],
			[{ timestamp: "2024" }, "timestamp", /number, got a string/],
			[{ idempotencyKey: "" }, "idempotencyKey", key],
			[{ idempotencyKey: "a\nb" }, "idempotencyKey", key],
			[{ idempotencyKey: "x".repeat(257) }, "idempotencyKey", key],
			[{ webhookIds: [] }, "webhookIds", /at least 1 entry/],
			[{ webhookIds: ["x"] }, "webhookIds.0", /must be an id such as webhook_/],
			[{ webhookIds: [WEBHOOK_ID, WEBHOOK_ID] }, "webhookIds.1", /same as entry 0/],
			[{ colour: "red" }, "colour", /not a known field here; known fields: type, data/],
		];
		await expectRefusals(api, [
			...rows.map(([body, ...said]): Refusal => ["POST ./events", ...said, { type: "a", data: 1, ...body }]),
			["POST ./events", "__proto__", undefined, '{"type":"a","data":1,"__proto__":{"x":1}}'],
		]);
		expect(await api.accepted()).toEqual([]);
	});
});

/** JSON values as text, in all notations that JSON allows. */
const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });
const numberText = fc.constantFrom(
	"0",
	"-0",
	"1.0",
	"1.50",
	"1e5",
	"1E+5",
	"-2.5e-10",
	"12345678901234567890",
	"0.1e1",
);
const stringText = fc
	.array(
		fc.oneof(
			fc.string({ maxLength: 4 }).map((text) => JSON.stringify(text).slice(1, -1)),
			fc.constantFrom("\\u00e9", "\\/", "\\ud800", '\\"', "\\\\", "é", "𝄞", "{", "]", ",", ":"),
		),
	)
	.map((parts) => `"${parts.join("")}"`);
const { value: valueText } = fc.letrec<{ value: string }>((tie) => {
	const padded = fc.tuple(space, tie("value"), space).map((parts) => parts.join(""));
	const member = fc
		.tuple(space, stringText, space, padded)
		.map(([before, name, after, value]) => `${before}${name}${after}:${value}`);
	return {
		value: fc.oneof(
			{ depthSize: "small", withCrossShrink: true },
			fc.oneof(numberText, stringText, fc.constantFrom("true", "false", "null")),
			fc.array(padded, { maxLength: 4 }).map((items) => (items.length === 0 ? "[ ]" : `[${items.join(",")}]`)),
			fc.array(member, { maxLength: 4 }).map((items) => (items.length === 0 ? "{\n}" : `{${items.join(",")}}`)),
		),
	};
});

describe("data", () => {
	it("keeps the sender's bytes, in any notation", async () => {
		const { call, dataJson } = await caller();
		const place = fc.tuple(space, space, space, fc.boolean());
		await fc.assert(
			fc.asyncProperty(valueText, place, async (data, [a, b, c, first]) => {
				const type = `${a}"type"${b}:${c}"a"`;
				const member = `${b}"data"${c}:${a}${data}${b}`;
				const body = `${a}{${first ? `${member},${type}` : `${type},${member}`}${c}}${b}`;
				const { status, json } = await call("POST", "./events", body);
				expect(status).toBe(202);
				expect(await dataJson(json)).toBe(data);
			}),
			{ numRuns: runs(150) },
		);
	});

	it("keeps them in a batch, too", async () => {
		const { call, dataJson } = await caller();
		await fc.assert(
			fc.asyncProperty(fc.array(fc.tuple(valueText, space), { minLength: 1, maxLength: 8 }), async (events) => {
				const texts = events.map(([data, gap]) => `${gap}{"data"${gap}:${gap}${data}${gap},"type":"a"}${gap}`);
				const results = rowsOf(await call("POST", "./events:batch", `{"events":[${texts.join(",")}]}`));
				const stored = await Promise.all(results.map(({ event }) => dataJson(event as Answer["json"])));
				expect(stored).toEqual(events.map(([data]) => data));
			}),
			{ numRuns: runs(50) },
		);
	});
});

describe("sending a batch", () => {
	it("accepts or refuses each event by itself, in order", async () => {
		const { call, accepted } = await caller();
		await call("POST", "./events", { type: "earlier", data: 0, idempotencyKey: "k" });
		const { status, json } = await call(
			"POST",
			"./events:batch",
			`{"events":[
				{"type":"first","data":1},
				{"type":"no good","data":1},
				"not an object",
				{"type":"conflict","data":1,"idempotencyKey":"k"},
				{"type":"huge","data":"${"x".repeat(256 * 1_024)}"},
				{"type":"wide","data":"${"€".repeat(90_000)}"},
				{"type":"twice","data":1,"data":2},
				{"type":"extra","data":1,"colour":1},
				{"type":"last","data":[1.0]}
			]}`,
		);
		expect(status).toBe(202);
		expect(json["object"]).toBe("batch");
		expect(json["data"]).toMatchObject([
			{ status: 202, event: { type: "first" } },
			{ status: 400, error: { code: "invalid_request", issues: [{ path: "events.1.type" }] } },
			{
				status: 400,
				error: {
					code: "invalid_request",
					issues: [{ path: "events.2", message: 'must be an object such as {"type": "…", "data": …}, got a string' }],
				},
			},
			{ status: 409, error: { code: "idempotency_conflict", issues: [{ path: "events.3.idempotencyKey" }] } },
			{ status: 413, error: { code: "payload_too_large" } },
			{ status: 413, error: { code: "payload_too_large" } },
			{ status: 400, error: { issues: [{ path: "events.6.data" }] } },
			{ status: 400, error: { issues: [{ path: "events.7.colour" }] } },
			{ status: 202, event: { type: "last" } },
		]);
		expect((await accepted()).map(({ dataJson }) => dataJson)).toEqual(["0", "1", "[1.0]"]);
	});

	it("accepts 1,000 events, and refuses 1,001 as a whole", async () => {
		const { call, accepted } = await caller();
		const events = Array.from({ length: 1_001 }, (_, data) => ({ type: "a", data }));
		expect(await call("POST", "./events:batch", { events })).toMatchObject(problem(413, "payload_too_large"));
		expect(await accepted()).toEqual([]);
		expect((await call("POST", "./events:batch", { events: events.slice(1) })).status).toBe(202);
		expect(await accepted()).toHaveLength(1_000);
	});

	it("refuses a body that is no batch", async () => {
		const { call } = await caller();
		const once = ["{}", '{"events":[]}', '{"events":{}}', '{"events":null}', '{"events":[1],"x":1}'];
		for (const body of [...once, '{"events":[],"events":[1]}'])
			expect([body, (await call("POST", "./events:batch", body)).status]).toEqual([body, 400]);
	});

	it("does not call the engine if every event is refused", async () => {
		const { call, engine } = await caller();
		engine.intake.sendBatch = () => Promise.reject(new Error("must not be called"));
		expect((await call("POST", "./events:batch", '{"events":[1,2]}')).status).toBe(202);
	});
});
