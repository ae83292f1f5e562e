// Exports of events: the list as a file, with its filters and with the counts of every event.
import { describe, expect, it } from "vitest";

import { caller, type Answer, type Caller } from "../../test/caller.ts";

const rowsIn = ({ text }: Answer) =>
	text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, unknown>);

/** Events of several types, customers and tags; the first ones are wanted by no webhook. */
async function withEvents(): Promise<Caller> {
	const api = await caller();
	const send = (type: string, more: object = {}) => api.call("POST", "./events", { type, data: { n: 1 }, ...more });
	await send("order.paid", { idempotencyKey: "order 4711" });
	const webhookId = await api.makeWebhook();
	await api.call("POST", `./batch/webhooks/${webhookId}:pause`);
	await send("order.refunded", { customerId: "acme", tags: ["order:4711", "vip"] });
	await send("user.created", { customerIds: ["acme", "globex"] });
	await send("user.deleted", { customerIds: "*", timestamp: 86_400_000 });
	return api;
}

describe("an export of events", () => {
	it("has every event of the list, in its order and form, without data", async () => {
		const { call } = await withEvents();
		const exported = await call("GET", "./events:export");
		expect(exported.status).toBe(200);
		expect(exported.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
		expect(exported.headers.get("content-disposition")).toBe('attachment; filename="events.ndjson"');
		expect(rowsIn(exported)).toEqual((await call("GET", "./events")).json["data"]);
		expect(rowsIn(exported)).toHaveLength(4);
		expect(exported.text).not.toContain('"data"');
	});

	it.each([
		["type=order.*,user.deleted", 3],
		["customerId=acme", 3],
		["tag=order:4711", 1],
		["idempotencyKey=order%204711", 1],
		["unmatched=true", 1],
		["unmatched=false&type=order.*", 2],
		[`after=${Date.UTC(2000, 0)}&before=${Date.UTC(2100, 0)}`, 4],
		[`after=${Date.UTC(2100, 0)}`, 0],
		["before=1", 0],
	])("has for ?%s what the list has: %i", async (query, count) => {
		const { call } = await withEvents();
		const { data } = (await call("GET", `./events?${query}`)).json as { readonly data: unknown[] };
		expect(rowsIn(await call("GET", `./events:export?${query}`))).toEqual(data);
		expect(data).toHaveLength(count);
	});

	it("as CSV has a column for each field, lists with spaces, and texts that a spreadsheet can't take for a formula", async () => {
		const { call } = await withEvents();
		await call("POST", "./events", { type: "a", data: 1, idempotencyKey: '=cmd|"x",+1' });
		const { text, headers } = await call("GET", "./events:export?format=csv");
		expect(headers.get("content-disposition")).toBe('attachment; filename="events.csv"');
		const [head, ...lines] = text.split("\r\n");
		expect(head).toBe(
			"id,createDate,timestamp,type,customerId,customerIds,tags,idempotencyKey,deliveryCount," +
				"deliveriesPending,deliveriesHeld,deliveriesSucceeded,deliveriesFailed,deliveriesCancelled",
		);
		expect(lines.pop()).toBe("");
		const date = "\\d{4}-\\d{2}-\\d{2}T[\\d:.]+Z";
		const line = (rest: string) => expect.stringMatching(new RegExp(`^evt_[0-9a-f-]+,${date},${rest}$`)) as unknown;
		expect(lines).toEqual([
			line(`${date},a,,,,"'=cmd\\|""x"",'\\+1",1,0,1,0,0,0`),
			line("1970-01-02T00:00:00.000Z,user.deleted,,\\*,,,1,0,1,0,0,0"),
			line(`${date},user.created,,acme globex,,,1,0,1,0,0,0`),
			line(`${date},order.refunded,acme,,order:4711 vip,,1,0,1,0,0,0`),
			line(`${date},order.paid,,,,order 4711,0,0,0,0,0,0`),
		]);
	});

	it.each(["type=a..b", "customerId=a%20b", "tag=%20", "idempotencyKey=", "unmatched=1", "after=x"])(
		"is refused with ?%s as the list is",
		async (query) => {
			const { call } = await caller();
			const [list, exported] = [await call("GET", `./events?${query}`), await call("GET", `./events:export?${query}`)];
			const { requestId: _, ...refusal } = list.json;
			expect(list.status).toBe(400);
			expect(exported).toMatchObject({ status: 400, json: refusal });
		},
	);

	it.each([
		["format=xml", "format"],
		["limit=3", "limit"],
		["page=x", "page"],
		["status=Failed", "status"],
	])("is refused with ?%s", async (query, path) => {
		const { call } = await caller();
		const refusal = { status: 400, json: { code: "invalid_request", issues: [{ path }] } };
		expect(await call("GET", `./events:export?${query}`)).toMatchObject(refusal);
	});

	it("counts the deliveries of every event, where a page of the list counts those of the first ones only", async () => {
		const api = await withEvents();
		const read = api.store.events.bind(api.store);
		// A store that counts one event a page, and one event never.
		const ids = rowsIn(await api.call("GET", "./events:export")).map(({ id }) => id);
		let pages = 0;
		api.store.events = async (...parameters) => {
			pages++;
			const page = await read(...parameters);
			const first = page.rows.findIndex(({ id }) => id !== ids[1]);
			return {
				...page,
				rows: page.rows.map((row, index) => (index === first ? row : { ...row, deliveries: null })),
			};
		};
		const rows = rowsIn(await api.call("GET", "./events:export"));
		expect(rows.map(({ id }) => id)).toEqual(ids);
		expect(rows.map(({ deliveries }) => deliveries !== null)).toEqual([true, false, true, true]);
		expect(pages).toBe(3);
		const csv = (await api.call("GET", "./events:export?format=csv")).text.split("\r\n");
		expect(csv[2]).toMatch(/,1,,,,,$/);
	});

	it("counts the deliveries of an event that has nearly too many, also after one that has too many", async () => {
		const api = await withEvents();
		const read = api.store.events.bind(api.store);
		const ids = rowsIn(await api.call("GET", "./events:export")).map(({ id }) => id);
		// A store that never counts the first event, and the second one only in a page of its own.
		api.store.events = async (...parameters) => {
			const page = await read(...parameters);
			const isTooMuch = ({ id }: { readonly id: string }, index: number) =>
				id === ids[0] || (id === ids[1] && index > 0);
			return {
				...page,
				rows: page.rows.map((row, index) => (isTooMuch(row, index) ? { ...row, deliveries: null } : row)),
			};
		};
		const rows = rowsIn(await api.call("GET", "./events:export"));
		expect(rows.map(({ id }) => id)).toEqual(ids);
		expect(rows.map(({ deliveries }) => deliveries !== null)).toEqual([false, true, true, true]);
	});

	it("counts those of fewer events at once if a page has counted nothing, since its events together have too many", async () => {
		const api = await caller();
		const events = Array.from({ length: 60 }, (_, data) => ({ type: "a", data }));
		await api.call("POST", "./events:batch", { events });
		const ids = rowsIn(await api.call("GET", "./events:export")).map(({ id }) => id);
		const read = api.store.events.bind(api.store);
		// A store that counts nothing if the deliveries of a page are too many: those of five events, or of one that has very many.
		const limits: number[] = [];
		api.store.events = async (scope, filter, request) => {
			limits.push(request.limit);
			const page = await read(scope, filter, request);
			const isTooMuch = page.rows.length >= 5 || page.rows.some(({ id }) => id === ids[20]);
			return isTooMuch ? { ...page, rows: page.rows.map((row) => ({ ...row, deliveries: null })) } : page;
		};
		const rows = rowsIn(await api.call("GET", "./events:export"));
		expect(rows.map(({ id }) => id)).toEqual(ids);
		expect(rows.flatMap(({ id, deliveries }) => (deliveries === null ? [id] : []))).toEqual([ids[20]]);
		expect(limits.slice(0, 6)).toEqual([250, 6, 1, 2, 4, 8]);
		expect(limits.length).toBeLessThan(events.length);
	});

	it("with a customer's token has only the events that have reached that customer, with its own deliveries", async () => {
		const api = await withEvents();
		for (const customerId of ["acme", "globex"]) {
			const spec = { endpoint: "http://127.0.0.1:1/" };
			const { json } = await api.call("POST", "./batch/webhooks", { name: customerId, customerId, spec });
			await api.call("POST", `./batch/webhooks/${String(json["id"])}:pause`);
		}
		const send = (type: string, customerIds: unknown) =>
			api.call("POST", "./events", { type, data: 1, customerIds, idempotencyKey: `key of ${type}` });
		await send("for.both", ["acme", "globex"]);
		await send("for.globex", ["globex"]);
		const asAcme = { "secret-key": await api.tokenOf("acme", []) };
		const get = (path: string) => api.call("GET", path, undefined, asAcme);
		const own = await get("./events:export");
		expect(rowsIn(own)).toMatchObject([
			{ type: "for.both", customerId: "acme", deliveryCount: 1, idempotencyKey: null, deliveries: { Held: 1 } },
		]);
		const csv = await get("./events:export?format=csv");
		for (const { text } of [own, csv]) expect(text).not.toMatch(/globex|key of/);
		for (const [query, status, code] of [
			["customerId=globex", 404, "customer_not_found"],
			["idempotencyKey=key%20of%20for.both", 403, "insufficient_scope"],
			["unmatched=true", 403, "insufficient_scope"],
		] as const) {
			const [list, exported] = [await get(`./events?${query}`), await get(`./events:export?${query}`)];
			const { requestId: _, ...refusal } = list.json;
			expect([exported.status, exported.json]).toMatchObject([status, { code }]);
			expect([list.status, exported.json]).toMatchObject([status, refusal]);
		}
	});

	it("shares the places of a project with the exports of other lists", async () => {
		const api = await withEvents();
		const headers = { "secret-key": api.keys.admin };
		const open = ["events", "deliveries"].map(async (list) =>
			api.app.request(`/projects/${api.project.id}/${list}:export`, { headers }),
		);
		const responses = await Promise.all(open);
		expect(responses.map(({ status }) => status)).toEqual([200, 200]);
		expect(await api.call("GET", "./events:export")).toMatchObject({ status: 429, json: { code: "too_many_exports" } });
		await responses[1]?.body?.cancel();
		expect((await api.call("GET", "./events:export")).status).toBe(200);
	});
});
