// Lists and look-ups that read the store directly: events, deliveries, attempts and audit entries.
import { describe, expect, it } from "vitest";

import type { AuditEntry } from "../../core/audit.ts";
import type { Attempt, Delivery } from "../../core/delivery.ts";
import { buildBody, type Event } from "../../core/event.ts";
import { encodeCursor, type PageRequest } from "../../core/page.ts";
import type { ApiStore } from "../deps.ts";
import { caller } from "../test/caller.ts";
import { apiRoutes } from "./table.ts";

const UUID = "01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
const PROJECT = `proj_${"0".repeat(32)}`;

const event: Event = {
	id: `evt_${UUID}`,
	projectId: PROJECT,
	type: "a",
	timestamp: 1,
	createDate: 2,
	deliveryCount: 1,
};
/** JSON that would change if it were parsed and written again. */
const DATA = '{"n": 1.0, "n": 12345678901234567890, "é":"\\u00e9"}';
const entry: AuditEntry = {
	id: `aud_${UUID}`,
	at: 2,
	keyId: `key_${UUID}`,
	projectId: PROJECT,
	action: "webhook.update",
	objectId: `webhook_${UUID}`,
	fields: ["spec.endpoint"],
	requestId: "req_1",
};
const delivery: Delivery = {
	id: `dlv_${UUID}`,
	projectId: PROJECT,
	eventId: event.id,
	eventType: "a",
	webhookId: `webhook_${UUID}`,
	status: "Pending",
	reason: "connection refused by 203.0.113.7:443",
	attemptCount: 1,
	autoAttemptCount: 1,
	nextAttemptAt: 7,
	leaseUntil: 9,
	trigger: "auto",
	scheduleResumesAt: null,
	responseCode: 0,
	createDate: 2,
	updateDate: 3,
};
const attempt: Attempt = {
	id: `atm_${UUID}`,
	number: 1,
	trigger: "auto",
	startDate: 2,
	durationMs: 5,
	responseCode: 0,
	error: "refused",
	reason: "connection refused by 203.0.113.7:443",
	requestHeaders: { "webhook-id": event.id },
	response: null,
};

/** A store with one row of each kind. It records each filter and page request in `asked`. */
function storeWith(asked: unknown[]): ApiStore {
	const page = <T>(row: T, filter: unknown, request: PageRequest) => {
		asked.push({ filter, request });
		return Promise.resolve({ rows: [row], hasNewer: false, hasOlder: true });
	};
	return {
		events: (_, filter, request) => page(event, filter, request),
		event: (_, id) => Promise.resolve(id === event.id ? event : null),
		eventBody: (_, id) => Promise.resolve(id === event.id ? buildBody(event.type, event.timestamp, DATA) : null),
		deliveries: (_, filter, request) => page(delivery, filter, request),
		delivery: (_, id) => Promise.resolve(id === delivery.id ? delivery : null),
		attempts: () => Promise.resolve([attempt]),
		auditEntries: (filter, request) => page(entry, filter, request),
	};
}

async function withRows() {
	const asked: { filter: unknown; request: PageRequest }[] = [];
	return { ...(await caller({ store: storeWith(asked) })), asked };
}

describe("lists", () => {
	it("ask for the newest 1,000 rows by default", async () => {
		const { call, asked } = await withRows();
		await call("GET", "./events");
		expect(asked[0]?.request).toEqual({ limit: 1_000, cursor: null });
	});

	it("accept the query strings of the Nexus SDK, which end in &", async () => {
		const { call, asked } = await withRows();
		const page = encodeCursor({ direction: "older", id: event.id });
		for (const query of [`?limit=2&page=${page}&`, `?page=${page}&limit=2`, `?&&limit=2&page=${page}&&`]) {
			expect((await call("GET", `./events${query}`)).status).toBe(200);
			expect(asked.at(-1)?.request).toEqual({ limit: 2, cursor: { direction: "older", id: event.id } });
		}
		expect((await call("GET", "./events?")).status).toBe(200);
		expect((await call("GET", "./events?&")).status).toBe(200);
	});

	it("return a cursor to the next page", async () => {
		const { call, asked } = await withRows();
		const { json } = await call("GET", "./events?limit=1");
		expect(json).toMatchObject({ nextPage: expect.stringMatching(/^[A-Za-z0-9_-]+$/), prevPage: null });
		await call("GET", `./events?page=${json["nextPage"] as string}`);
		expect(asked.at(-1)?.request.cursor).toEqual({ direction: "older", id: event.id });
	});

	it("refuse a cursor of another kind of list", async () => {
		const { call } = await withRows();
		const page = encodeCursor({ direction: "older", id: delivery.id });
		for (const text of [page, "abc", "", "%00"]) {
			const { status, json } = await call("GET", `./events?page=${text}`);
			expect([status, json["code"]]).toEqual([400, "invalid_cursor"]);
		}
	});

	it.each([
		["limit=0", "limit", /from 1 to 1000/],
		["limit=1001", "limit", /from 1 to 1000/],
		["limit=", "limit", /whole number/],
		["limit=1e2", "limit", /whole number/],
		["limit=+5", "limit", /whole number/],
		["limit=1&limit=2", "limit", /more than once/],
		["colour=red", "colour", /known fields: limit, page/],
		["__proto__=1", "__proto__", /not a known/],
		["after=x", "after", /whole number/],
		["status=pending", "status", /"Pending" or/],
		["webhookId=1", "webhookId", /must be an id such as webhook_/],
		["responseCode=-1", "responseCode", /from 0 to 999/],
	])("refuse ?%s", async (query, path, message) => {
		const { call } = await withRows();
		const { status, json } = await call("GET", `./deliveries?${query}`);
		expect(status).toBe(400);
		expect(json["issues"]).toContainEqual({ path, message: expect.stringMatching(message) });
	});

	it("pass all filters to the store", async () => {
		const { call, asked } = await withRows();
		const filter = { webhookId: delivery.webhookId, eventId: event.id, eventType: "a.b", status: "Failed" };
		const query = new URLSearchParams({ ...filter, responseCode: "0", after: "5", before: "9" });
		expect((await call("GET", `./deliveries?${String(query)}`)).status).toBe(200);
		expect(asked[0]?.filter).toEqual({ ...filter, responseCode: 0, after: 5, before: 9 });
		await call("GET", "./events?type=a.b&after=5");
		expect(asked[1]?.filter).toEqual({ type: "a.b", after: 5, before: null });
	});

	it("are the only calls that accept query parameters", async () => {
		const { call } = await withRows();
		expect(await call("GET", "/workspace?limit=1")).toMatchObject({
			status: 400,
			json: { issues: [{ path: "limit" }] },
		});
		expect((await call("POST", "./events?dry=1", { type: "a", data: 1 })).status).toBe(400);
	});
});

describe("the log", () => {
	it("shows a delivery with its attempts, without the fields that only the engine uses", async () => {
		const { call } = await withRows();
		const { json } = await call("GET", `./deliveries/${delivery.id}`);
		const { autoAttemptCount, leaseUntil, trigger, scheduleResumesAt, nextAttemptAt, ...shown } = delivery;
		const { requestHeaders, ...shownAttempt } = attempt;
		expect(json).toEqual({
			...shown,
			object: "delivery",
			nextAttemptDate: nextAttemptAt,
			attempts: [{ ...shownAttempt, object: "attempt", request: { headers: requestHeaders } }],
		});
		const schema = apiRoutes().find(({ id }) => id === "getDelivery")?.answers[200]?.schema;
		expect(schema?.parse(json)).toEqual(json);
		expect([autoAttemptCount, leaseUntil, trigger, scheduleResumesAt]).toBeDefined();
	});

	it("shows one event with its data, byte for byte", async () => {
		const { call } = await withRows();
		const { text, json } = await call("GET", `./events/${event.id}`);
		expect(text).toContain(`"data":${DATA}}`);
		expect(json).toMatchObject({ id: event.id, object: "event", dataErased: false });
		const schema = apiRoutes().find(({ id }) => id === "getEvent")?.answers[200]?.schema;
		expect(schema?.parse(json)).toEqual(json);
	});

	it("shows that data was erased", async () => {
		const store = { ...storeWith([]), eventBody: () => Promise.resolve(null) };
		const { call } = await caller({ store });
		expect((await call("GET", `./events/${event.id}`)).json).toMatchObject({ data: null, dataErased: true });
	});

	it("passes all filters of audit entries to the store", async () => {
		const { call, asked } = await withRows();
		const filter = {
			keyId: `key_${UUID}`,
			projectId: PROJECT,
			objectId: "user.created",
			action: "event_type.put",
		};
		const { json } = await call("GET", `/workspace/audit?${String(new URLSearchParams({ ...filter, after: "5" }))}`);
		expect(asked[0]?.filter).toEqual({ ...filter, after: 5, before: null });
		const { at, ...rest } = entry;
		expect(json["data"]).toEqual([{ ...rest, object: "auditEntry", createDate: at }]);
		await call("GET", "/workspace/audit");
		expect(asked[1]?.filter).toEqual({
			keyId: null,
			projectId: null,
			objectId: null,
			action: null,
			after: null,
			before: null,
		});
		expect(await call("GET", "/workspace/audit?projectId=1")).toMatchObject({ status: 400 });
	});

	it("responds with 404 for an id that does not exist", async () => {
		const { call } = await withRows();
		expect(await call("GET", "./events/evt_1")).toMatchObject({ status: 404, json: { code: "event_not_found" } });
		expect(await call("GET", "./deliveries/dlv_1")).toMatchObject({
			status: 404,
			json: { code: "delivery_not_found" },
		});
		expect((await call("GET", `./events/${event.id}`)).json).toMatchObject({ id: event.id, duplicate: false });
	});
});
