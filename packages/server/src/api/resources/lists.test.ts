// Lists and look-ups that read the store directly: events, deliveries, attempts and audit entries.
import { describe, expect, it, vi } from "vitest";

import { encodeCursor } from "../../core/page.ts";
import { expectRefusals, NO_UUID, problem, refused, rowsOf } from "../test/answers.ts";
import { caller } from "../test/caller.ts";

const [EVENT_ID, DELIVERY_ID] = [`evt_${NO_UUID}`, `dlv_${NO_UUID}`];
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

describe("lists", () => {
	it("ask for the newest 1,000 rows by default, and accept the queries of the Nexus SDK, which end in &", async () => {
		const { get, event, reads } = await withRows();
		const page = encodeCursor({ direction: "older", id: event.id });
		const second = { limit: 2, cursor: { direction: "older", id: event.id } };
		for (const [query, request] of [
			["", { limit: 1_000, cursor: null }],
			["?", { limit: 1_000, cursor: null }],
			["?&", { limit: 1_000, cursor: null }],
			[`?limit=2&page=${page}&`, second],
			[`?page=${page}&limit=2`, second],
			[`?&&limit=2&page=${page}&&`, second],
		] as const) {
			expect((await get(`./events${query}`)).status).toBe(200);
			expect([query, reads.events.mock.lastCall?.[2]]).toEqual([query, request]);
		}
	});

	it("return cursors to the next and the previous page, and refuse those of another kind of list", async () => {
		const { get, sendEvent, event } = await withRows();
		const newer = await sendEvent();
		const list = async (page: string) => (await get(`./events?limit=1${page}`)).json;
		const first = await list("");
		expect(first).toMatchObject({ nextPage: expect.stringMatching(/^[\w-]+$/), prevPage: null, data: [{ id: newer }] });
		const next = await list(`&page=${String(first["nextPage"])}`);
		expect(next).toMatchObject({ nextPage: null, prevPage: expect.any(String), data: [{ id: event.id }] });
		expect(await list(`&page=${String(next["prevPage"])}`)).toMatchObject({ data: [{ id: newer }] });
		for (const text of [encodeCursor({ direction: "older", id: DELIVERY_ID }), "abc", "", "%00"])
			expect(await get(`./events?page=${text}`)).toMatchObject(problem(400, "invalid_cursor"));
	});

	it("refuse values that their filters can't have", async () => {
		const many = (of: (n: number) => unknown) => Array.from({ length: 21 }, (_, n) => of(n)).join(",");
		const refusals: readonly [query: string, path: string, message: RegExp][] = [
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
			["status=Faild", "status", /at most 5, got "Faild" \(did you mean "Failed"\?\)$/],
			["status=Failed,nope", "status", /^must be a list of Pending, .*, got "nope"$/],
			["responseCode=6xy", "responseCode", /classes such as 5xx/],
			["error=nope", "error", /must be a list of timeout/],
			["error=x,x,x,x,x,x,x,x,x,x,x,x", "error", /, got more$/],
			["cause=timeout", "cause", /must be a list of lookup_timeout/],
			["cause=certificate_expird", "cause", /got "certificate_expird" \(did you mean "certificate_expired"\?\)$/],
			["eventType=*", "eventType", /prefixes such as order/],
			["eventType=a..b", "eventType", /, got "a..b"$/],
			["webhookId=1", "webhookId", /must be an id such as webhook_/],
			["responseCode=-1", "responseCode", /from 0 to 999/],
			[`responseCode=${many((n) => 400 + n)}`, "responseCode", /at most 20/],
			[`eventType=${many((n) => `order.a${n}`)}`, "eventType", /at most 20/],
		];
		const api = await caller();
		await expectRefusals(
			api,
			refusals.map(([query, ...said]) => [`GET ./deliveries?${query}`, ...said]),
		);
		await expectRefusals(api, [
			["GET /workspace?limit=1", "limit"],
			["POST ./events?dry=1", "dry", undefined, { type: "a", data: 1 }],
		]);
	});

	it("pass all filters to the store", async () => {
		const { call, get, webhookId, reads, test } = await withRows();
		const filter = { webhookId, customerId: "acme", eventId: EVENT_ID, tag: "x" };
		const times = { updatedAfter: 3, updatedBefore: 4, after: 5, before: 9 };
		const lists = { eventType: "a.b,c.*", status: "Failed,Held", responseCode: "0,5xx", error: "tls" };
		const asText = Object.fromEntries(Object.entries(times).map(([name, time]) => [name, String(time)]));
		const query = new URLSearchParams({ ...filter, ...lists, cause: "not_tls,refused", ...asText });
		expect((await get(`./deliveries?${String(query)}`)).status).toBe(200);
		const passed = {
			...filter,
			...times,
			eventTypes: ["a.b", "c.*"],
			statuses: ["Failed", "Held"],
			responseCodes: [
				{ from: 0, to: 0 },
				{ from: 500, to: 599 },
			],
			causes: ["not_tls"],
		};
		expect(reads.deliveries.mock.lastCall?.[1]).toEqual(passed);
		const many = vi.spyOn(test.engine.deliveries, "retryMany");
		const inBody = { eventType: ["a.b", "c.*"], status: ["Failed", "Held"], responseCode: [0, "5xx"], error: "tls" };
		const body = { ...filter, ...times, ...inBody, cause: ["not_tls", "refused"] };
		expect((await call("POST", "./deliveries:retry", body)).status).toBe(200);
		expect(many.mock.lastCall?.[1]).toEqual(passed);
		const none = { types: null, customerId: null, tag: null, idempotencyKey: null, after: null, before: null };
		await get("./events?type=a.b&after=5&unmatched=false");
		expect(reads.events.mock.lastCall?.[1]).toEqual({ ...none, types: ["a.b"], after: 5, unmatched: false });
		await get("./events?type=a.*,b&customerId=acme&tag=x&idempotencyKey=k%20%C3%BC&unmatched=true");
		const all = { types: ["a.*", "b"], customerId: "acme", tag: "x", idempotencyKey: "k ü", unmatched: true };
		expect(reads.events.mock.lastCall?.[1]).toEqual({ ...none, ...all });
	});

	it("pass all filters of audit entries to the store, and show a project's admins those of no other project", async () => {
		const { get, project, other, reads, keys } = await withRows();
		const given = { keyId: `key_${NO_UUID}`, objectId: "user.created", action: "event_type.put" };
		const query = new URLSearchParams({ ...given, after: "5", before: "9" });
		const expected = { ...given, projectId: project.id, after: 5, before: 9 };
		await get(`/workspace/audit?${String(query)}&projectId=${project.id}`);
		expect(reads.auditEntries.mock.lastCall?.[0]).toEqual(expected);
		await get(`./audit?${String(query)}`, keys.project);
		expect(reads.auditEntries.mock.lastCall?.[0]).toEqual(expected);
		await get("/workspace/audit");
		const all = { keyId: null, projectId: null, objectId: null, action: null, after: null, before: null };
		expect(reads.auditEntries.mock.lastCall?.[0]).toEqual(all);
		expect((await get(`/projects/${other.id}/audit`, keys.project)).status).toBe(404);
		expect(await get(`./audit?projectId=${other.id}`, keys.project)).toMatchObject(refused("projectId"));
	});

	it("refuse a query of very many parameters, and look at none of them", async () => {
		const { get } = await caller();
		const queryOf = (count: number) => Array.from({ length: count }, (_, n) => `limit${n}=1`).join("&");
		for (const path of ["./events", "./deliveries", "/healthz"]) {
			const { json } = await get(`${path}?${queryOf(64)}&`);
			expect((json["issues"] as unknown[]).length).toBeGreaterThanOrEqual(50);
			for (const query of [queryOf(65), `${queryOf(65)}&`, queryOf(1_000)])
				expect(await get(`${path}?${query}`)).toMatchObject(refused("", "the query must have at most 64 parameters"));
		}
	});
});

describe("the log", () => {
	it("shows a delivery with its attempts, without the fields that only the engine uses", async () => {
		const { get, delivery, test } = await withRows();
		const { json } = await get(`./deliveries/${delivery.id}`);
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
		expect({ customerId, autoAttemptCount, leaseUntil, trigger, scheduleResumesAt }).toEqual({
			customerId: null,
			autoAttemptCount: 1,
			leaseUntil: null,
			trigger: "auto",
			scheduleResumesAt: null,
		});
	});

	it("shows one event with its data, byte for byte, and that it was erased", async () => {
		const { call, get, event } = await withRows();
		const { text, json } = await get(`./events/${event.id}`);
		expect(text).toContain(`"data":${DATA}}`);
		expect(json).toMatchObject({ id: event.id, object: "event", duplicate: false, dataErased: false });
		expect((await call("DELETE", `./events/${event.id}/data`)).status).toBe(200);
		expect((await get(`./events/${event.id}`)).json).toMatchObject({ data: null, dataErased: true });
	});

	it("shows audit entries", async () => {
		const { get, project, webhookId, engine, keys } = await withRows();
		const key = engine.keys.authenticate(keys.admin)?.key;
		expect(rowsOf(await get(`/workspace/audit?projectId=${project.id}`))).toEqual([
			{
				id: expect.stringMatching(/^aud_/),
				object: "auditEntry",
				createDate: expect.any(Number),
				keyId: key?.id,
				actor: null,
				projectId: project.id,
				action: "webhook.create",
				objectId: webhookId,
				fields: ["name", "spec.endpoint"],
				requestId: expect.stringMatching(/^req_/),
				keyName: key?.name,
				objectName: "a",
			},
		]);
	});

	it("responds with 404 for an id that does not exist", async () => {
		const { get } = await caller();
		for (const id of ["evt_1", EVENT_ID])
			expect(await get(`./events/${id}`)).toMatchObject(problem(404, "event_not_found"));
		for (const id of ["dlv_1", DELIVERY_ID]) {
			expect(await get(`./deliveries/${id}`)).toMatchObject(problem(404, "delivery_not_found"));
			expect(await get(`./deliveries/${id}/attempts`)).toMatchObject(problem(404, "delivery_not_found"));
		}
	});
});
