// Lists and look-ups that read the store directly: events, deliveries, attempts and audit entries.
import { describe, expect, it, vi } from "vitest";

import { encodeCursor } from "../../core/page.ts";
import { caller, type Answer } from "../test/caller.ts";
import { apiRoutes } from "./table.ts";

const UUID = "01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
const EVENT_ID = `evt_${UUID}`;
const DELIVERY_ID = `dlv_${UUID}`;
/** JSON that would change if it were parsed and written again. */
const DATA = '{"n": 1.0, "n": 12345678901234567890, "é":"\\u00e9"}';

/** A project with one event, whose only delivery has failed once. `reads` are the calls of the store for lists. */
async function withRows() {
	const api = await caller();
	const webhookId = await api.makeWebhook();
	const sent = await api.call("POST", "./events", `{"type":"a","data":${DATA}}`);
	const event = { ...sent.json, id: sent.json["id"] as string };
	const delivery = await api.test.delivery(event.id, { status: "Pending", attemptCount: 1 });
	const reads = {
		events: vi.spyOn(api.store, "events"),
		deliveries: vi.spyOn(api.store, "deliveries"),
		auditEntries: vi.spyOn(api.store, "auditEntries"),
	};
	return { ...api, webhookId, event, delivery, reads };
}

function rowsOf({ json }: Answer) {
	return json["data"] as Record<string, unknown>[];
}

function schemaOf(id: string) {
	return apiRoutes().find((route) => route.id === id)?.answers[200]?.schema;
}

describe("lists", () => {
	it("ask for the newest 1,000 rows by default", async () => {
		const { call, reads } = await withRows();
		await call("GET", "./events");
		expect(reads.events.mock.lastCall?.[2]).toEqual({ limit: 1_000, cursor: null });
	});

	it("accept the query strings of the Nexus SDK, which end in &", async () => {
		const { call, event, reads } = await withRows();
		const page = encodeCursor({ direction: "older", id: event.id });
		for (const query of [`?limit=2&page=${page}&`, `?page=${page}&limit=2`, `?&&limit=2&page=${page}&&`]) {
			expect((await call("GET", `./events${query}`)).status).toBe(200);
			expect(reads.events.mock.lastCall?.[2]).toEqual({ limit: 2, cursor: { direction: "older", id: event.id } });
		}
		expect((await call("GET", "./events?")).status).toBe(200);
		expect((await call("GET", "./events?&")).status).toBe(200);
	});

	it("return cursors to the next and the previous page", async () => {
		const { call, event } = await withRows();
		const { json: newer } = await call("POST", "./events", { type: "b", data: 1 });
		const first = await call("GET", "./events?limit=1");
		expect(first.json).toMatchObject({
			nextPage: expect.stringMatching(/^[A-Za-z0-9_-]+$/),
			prevPage: null,
			data: [{ id: newer["id"] }],
		});
		const next = await call("GET", `./events?limit=1&page=${String(first.json["nextPage"])}`);
		expect(next.json).toMatchObject({ nextPage: null, prevPage: expect.any(String), data: [{ id: event.id }] });
		expect(await call("GET", `./events?limit=1&page=${String(next.json["prevPage"])}`)).toMatchObject({
			json: { data: [{ id: newer["id"] }] },
		});
	});

	it("refuse a cursor of another kind of list", async () => {
		const { call } = await caller();
		const page = encodeCursor({ direction: "older", id: DELIVERY_ID });
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
		["status=pending", "status", /must be a list of Pending, Succeeded/],
		["status=Failed,", "status", /must be a list of Pending/],
		["responseCode=6xy", "responseCode", /classes such as 5xx/],
		["error=nope", "error", /must be a list of timeout/],
		["cause=timeout", "cause", /must be a list of lookup_timeout/],
		["eventType=*", "eventType", /prefixes such as order/],
		["webhookId=1", "webhookId", /must be an id such as webhook_/],
		["responseCode=-1", "responseCode", /from 0 to 999/],
		[`responseCode=${Array.from({ length: 21 }, (_, n) => 400 + n).join(",")}`, "responseCode", /at most 20/],
		[`eventType=${Array.from({ length: 21 }, (_, n) => `order.a${n}`).join(",")}`, "eventType", /at most 20/],
	])("refuse ?%s", async (query, path, message) => {
		const { call } = await caller();
		const { status, json } = await call("GET", `./deliveries?${query}`);
		expect(status).toBe(400);
		expect(json["issues"]).toContainEqual({ path, message: expect.stringMatching(message) });
	});

	it("pass all filters to the store", async () => {
		const { call, webhookId, reads, test } = await withRows();
		const filter = { webhookId, customerId: "acme", eventId: EVENT_ID, tag: "x" };
		const lists = { eventType: "a.b,c.*", status: "Failed,Held", responseCode: "0,5xx", error: "tls" };
		const times = { updatedAfter: "3", updatedBefore: "4", after: "5", before: "9" };
		const query = new URLSearchParams({ ...filter, ...lists, cause: "not_tls,refused", ...times });
		expect((await call("GET", `./deliveries?${String(query)}`)).status).toBe(200);
		const passed = {
			...filter,
			eventTypes: ["a.b", "c.*"],
			statuses: ["Failed", "Held"],
			responseCodes: [
				{ from: 0, to: 0 },
				{ from: 500, to: 599 },
			],
			causes: ["not_tls"],
			updatedAfter: 3,
			updatedBefore: 4,
			after: 5,
			before: 9,
		};
		expect(reads.deliveries.mock.lastCall?.[1]).toEqual(passed);
		const many = vi.spyOn(test.engine.deliveries, "retryMany");
		const body = {
			...filter,
			eventType: ["a.b", "c.*"],
			status: ["Failed", "Held"],
			responseCode: [0, "5xx"],
			error: "tls",
			cause: ["not_tls", "refused"],
			updatedAfter: 3,
			updatedBefore: 4,
			after: 5,
			before: 9,
		};
		expect((await call("POST", "./deliveries:retry", body)).status).toBe(200);
		expect(many.mock.lastCall?.[1]).toEqual(passed);
		const none = { types: null, customerId: null, tag: null, idempotencyKey: null, unmatched: false };
		await call("GET", "./events?type=a.b&after=5&unmatched=false");
		expect(reads.events.mock.lastCall?.[1]).toEqual({ ...none, types: ["a.b"], after: 5, before: null });
		await call("GET", "./events?type=a.*,b&customerId=acme&tag=x&idempotencyKey=k%20%C3%BC&unmatched=true");
		expect(reads.events.mock.lastCall?.[1]).toEqual({
			types: ["a.*", "b"],
			customerId: "acme",
			tag: "x",
			idempotencyKey: "k ü",
			unmatched: true,
			after: null,
			before: null,
		});
	});

	it("contain only the rows that match", async () => {
		const { call, event, delivery } = await withRows();
		await call("POST", "./events", { type: "b", data: 1 });
		expect(rowsOf(await call("GET", "./events?type=a"))).toMatchObject([{ id: event.id }]);
		expect(rowsOf(await call("GET", "./deliveries?eventType=a"))).toMatchObject([{ id: delivery.id }]);
		expect(rowsOf(await call("GET", "./deliveries?status=Succeeded"))).toEqual([]);
	});

	it("refuse a query of very many parameters, and look at none of them", async () => {
		const { call } = await caller();
		const queryOf = (count: number) => Array.from({ length: count }, (_, n) => `limit${n}=1`).join("&");
		for (const path of ["./events", "./deliveries", "/healthz"]) {
			const { json } = await call("GET", `${path}?${queryOf(64)}&`);
			expect((json["issues"] as unknown[]).length).toBeGreaterThanOrEqual(50);
			for (const query of [queryOf(65), `${queryOf(65)}&`, queryOf(1_000)]) {
				const { status, json: other } = await call("GET", `${path}?${query}`);
				expect([status, other["issues"]]).toEqual([
					400,
					[{ path: "", message: "the query must have at most 64 parameters" }],
				]);
			}
		}
	});

	it("are the only calls that accept query parameters", async () => {
		const { call } = await caller();
		expect(await call("GET", "/workspace?limit=1")).toMatchObject({
			status: 400,
			json: { issues: [{ path: "limit" }] },
		});
		expect((await call("POST", "./events?dry=1", { type: "a", data: 1 })).status).toBe(400);
	});
});

describe("the log", () => {
	it("shows a delivery with its attempts, without the fields that only the engine uses", async () => {
		const { call, delivery, test } = await withRows();
		const { json } = await call("GET", `./deliveries/${delivery.id}`);
		const { customerId, autoAttemptCount, leaseUntil, trigger, scheduleResumesAt, nextAttemptAt, ...shown } = delivery;
		const attempts = await test.attempts(delivery.id);
		expect(attempts).toMatchObject([{ number: 1, error: "refused" }]);
		expect(json).toEqual({
			...shown,
			object: "delivery",
			nextAttemptDate: nextAttemptAt,
			hasMoreAttempts: false,
			attempts: attempts.map(({ requestHeaders, webhookRevision: _revision, firstByteMs, connection, ...attempt }) => ({
				...attempt,
				endpoint: "http://127.0.0.1:1/",
				remoteAddress: "127.0.0.1",
				timings: { lookupMs: null, connectMs: null, tlsMs: null, firstByteMs },
				certificateExpireDate: connection?.certificateExpireDate,
				object: "attempt",
				request: { headers: requestHeaders },
			})),
		});
		expect(schemaOf("getDelivery")?.parse(json)).toEqual(json);
		expect([customerId, autoAttemptCount, leaseUntil, trigger, scheduleResumesAt]).toEqual([
			null,
			1,
			null,
			"auto",
			null,
		]);
	});

	it("shows one event with its data, byte for byte", async () => {
		const { call, event } = await withRows();
		const { text, json } = await call("GET", `./events/${event.id}`);
		expect(text).toContain(`"data":${DATA}}`);
		expect(json).toMatchObject({ id: event.id, object: "event", duplicate: false, dataErased: false });
		expect(schemaOf("getEvent")?.parse(json)).toEqual(json);
	});

	it("shows that data was erased", async () => {
		const { call, event } = await withRows();
		expect((await call("DELETE", `./events/${event.id}/data`)).status).toBe(200);
		expect((await call("GET", `./events/${event.id}`)).json).toMatchObject({ data: null, dataErased: true });
	});

	it("passes all filters of audit entries to the store", async () => {
		const { call, project, reads } = await withRows();
		const filter = { keyId: `key_${UUID}`, projectId: project.id, objectId: "user.created", action: "event_type.put" };
		await call("GET", `/workspace/audit?${String(new URLSearchParams({ ...filter, after: "5" }))}`);
		expect(reads.auditEntries.mock.lastCall?.[0]).toEqual({ ...filter, after: 5, before: null });
		await call("GET", "/workspace/audit");
		expect(reads.auditEntries.mock.lastCall?.[0]).toEqual({
			keyId: null,
			projectId: null,
			objectId: null,
			action: null,
			after: null,
			before: null,
		});
		expect(await call("GET", "/workspace/audit?projectId=1")).toMatchObject({ status: 400 });
	});

	it("shows a project's admins the audit entries of the project, and of no other", async () => {
		const { call, project, other, webhookId, keys, reads } = await withRows();
		const as = (key: string) => ({ "secret-key": key });
		await call("POST", `/projects/${other.id}/batch/webhooks`, { name: "b", spec: { endpoint: "https://b.example/" } });
		const own = await call("GET", "./audit", undefined, as(keys.project));
		expect(rowsOf(own)).toMatchObject([{ action: "webhook.create", objectId: webhookId, projectId: project.id }]);
		const query = `keyId=key_${UUID}&objectId=a&action=webhook.test&after=5&before=9`;
		expect((await call("GET", `./audit?${query}`, undefined, as(keys.project))).status).toBe(200);
		expect(reads.auditEntries.mock.lastCall?.[0]).toEqual({
			keyId: `key_${UUID}`,
			projectId: project.id,
			objectId: "a",
			action: "webhook.test",
			after: 5,
			before: 9,
		});
		const refused = [
			["./audit", keys.projectRead, 403],
			["./audit", keys.other, 404],
			[`/projects/${other.id}/audit`, keys.project, 404],
			[`./audit?projectId=${other.id}`, keys.project, 400],
		] as const;
		for (const [path, key, status] of refused) {
			expect([path, (await call("GET", path, undefined, as(key))).status]).toEqual([path, status]);
		}
	});

	it("shows audit entries", async () => {
		const { call, project, webhookId, engine, keys } = await withRows();
		const listed = await call("GET", `/workspace/audit?projectId=${project.id}`);
		expect(rowsOf(listed)).toEqual([
			{
				id: expect.stringMatching(/^aud_/),
				object: "auditEntry",
				createDate: expect.any(Number),
				keyId: engine.keys.authenticate(keys.admin)?.key.id,
				actor: null,
				projectId: project.id,
				action: "webhook.create",
				objectId: webhookId,
				fields: ["name", "spec.endpoint"],
				requestId: expect.stringMatching(/^req_/),
				keyName: engine.keys.authenticate(keys.admin)?.key.name,
				objectName: "a",
			},
		]);
	});

	it("responds with 404 for an id that does not exist", async () => {
		const { call } = await caller();
		for (const id of ["evt_1", EVENT_ID]) {
			expect(await call("GET", `./events/${id}`)).toMatchObject({ status: 404, json: { code: "event_not_found" } });
		}
		for (const id of ["dlv_1", DELIVERY_ID]) {
			expect(await call("GET", `./deliveries/${id}`)).toMatchObject({
				status: 404,
				json: { code: "delivery_not_found" },
			});
		}
	});
});
