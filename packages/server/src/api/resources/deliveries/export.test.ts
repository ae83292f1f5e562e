// Exports of deliveries: the list as a file, in pages that are read when the client wants them.
import { describe, expect, it } from "vitest";

import { StoreError } from "../../../ports/store/errors.ts";
import { caller, type Caller } from "../../test/caller.ts";
import { ROWS_AT_ONCE } from "../exports/export-reply.ts";

const LOST = new StoreError("store_unavailable", "the store is away");
const LINE_COUNT = ROWS_AT_ONCE + 3;

/** A project with so many deliveries that wait, of a webhook without a receiver. */
async function withDeliveries(count: number, name = "billing"): Promise<Caller> {
	const api = await caller();
	const spec = { endpoint: "http://127.0.0.1:1/" };
	const { json } = await api.call("POST", "./batch/webhooks", { name, spec });
	await api.call("POST", `./batch/webhooks/${String(json["id"])}:pause`);
	for (let sent = 0; sent < count; sent += 500) {
		const events = Array.from({ length: Math.min(500, count - sent) }, () => ({ type: "order.paid", data: 1 }));
		await api.call("POST", "./events:batch", { events });
	}
	return api;
}

/** Opens an export without reading it. */
async function open({ app, project, keys }: Caller, query = "", key = keys.admin, method = "GET") {
	const response = await app.request(`/projects/${project.id}/deliveries:export${query}`, {
		method,
		headers: { "secret-key": key },
	});
	return { response, reader: response.body?.getReader() };
}

/** Counts the pages that are read from here on. `fail` is called before each one. */
function pagesRead({ store }: Caller, fail: (page: number) => void = () => {}) {
	const read = store.deliveries.bind(store);
	const counted = { pages: 0 };
	store.deliveries = (...parameters) => {
		counted.pages++;
		fail(counted.pages);
		return read(...parameters);
	};
	return counted;
}

const rowsIn = (text: string) =>
	text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, unknown>);

describe("an export of deliveries", () => {
	it("has every delivery of the list, in its order and form, over several pages", async () => {
		const api = await withDeliveries(LINE_COUNT);
		const counted = pagesRead(api);
		const { status, headers, text } = await api.call("GET", "./deliveries:export");
		expect(status).toBe(200);
		expect(headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
		expect(headers.get("content-disposition")).toBe('attachment; filename="deliveries.ndjson"');
		expect(counted.pages).toBe(2);
		const { json } = await api.call("GET", "./deliveries?limit=1000");
		expect(rowsIn(text)).toEqual(json["data"]);
		expect(rowsIn(text)).toHaveLength(LINE_COUNT);
	});

	it("has what matches its filters, and nothing if nothing does", async () => {
		const api = await withDeliveries(2);
		await api.call("POST", "./events", { type: "other.thing", data: 1 });
		expect(rowsIn((await api.call("GET", "./deliveries:export?eventType=other.*")).text)).toMatchObject([
			{ eventType: "other.thing", status: "Held" },
		]);
		const none = await api.call("GET", "./deliveries:export?status=Failed");
		expect([none.status, none.text]).toEqual([200, ""]);
		expect((await api.call("GET", "./deliveries:export?status=Failed&format=csv")).text).toMatch(
			/^id,createDate,.*\r\n$/,
		);
	});

	it("as CSV has a line of names, and dates and texts that a spreadsheet can't take for a formula", async () => {
		const api = await withDeliveries(1, '=HYPERLINK("http://evil")');
		const asLines = (await api.call("GET", "./deliveries:export?format=ndjson")).text;
		expect((await api.call("GET", "./deliveries:export?format=jsonl")).text).toBe(asLines);
		const { text, headers } = await api.call("GET", "./deliveries:export?format=csv");
		expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
		expect(headers.get("content-disposition")).toBe('attachment; filename="deliveries.csv"');
		const [head, line, ...rest] = text.split("\r\n");
		expect(rest).toEqual([""]);
		const [{ id, eventId, webhookId, reason, createDate, updateDate }] = (await api.call("GET", "./deliveries")).json[
			"data"
		] as [Record<string, unknown>];
		expect(head?.split(",")).toHaveLength(19);
		const [created, updated] = [createDate, updateDate].map((time) => new Date(Number(time)).toISOString());
		expect(line).toBe(
			`${String(id)},${created},${updated},Held,${String(reason)},${String(eventId)},order.paid,${String(webhookId)},` +
				`"'=HYPERLINK(""http://evil"")",127.0.0.1:1,,0,,,,,,,`,
		);
	});

	it.each([
		["format=xml", "format"],
		["limit=3", "limit"],
		["status=Lost", "status"],
		["order=updated", "order"],
	])("is refused with ?%s", async (query, path) => {
		const { call } = await caller();
		const refusal = { status: 400, json: { code: "invalid_request", issues: [{ path }] } };
		expect(await call("GET", `./deliveries:export?${query}`)).toMatchObject(refusal);
	});

	it("reads a page only when the client has taken the one before, and nothing once the client has gone", async () => {
		const api = await withDeliveries(2 * ROWS_AT_ONCE + 1);
		const counted = pagesRead(api);
		const { reader } = await open(api);
		expect(counted.pages).toBe(1);
		await reader?.read();
		expect(counted.pages).toBe(1);
		await reader?.read();
		expect(counted.pages).toBe(2);
		await reader?.cancel();
		expect(counted.pages).toBe(2);
	});

	it("goes on over pages without a row, where few match", async () => {
		const api = await withDeliveries(2);
		const read = api.store.deliveries.bind(api.store);
		let empty = 3;
		api.store.deliveries = async (scope, filter, request) => {
			const page = await read(scope, filter, request);
			if (empty-- <= 0) return page;
			const stoppedAt = request.cursor?.id ?? "dlv_ffffffff-ffff-7fff-bfff-ffffffffffff";
			return { rows: [], hasNewer: false, hasOlder: true, stoppedAt, scannedTo: 1 };
		};
		expect(rowsIn((await api.call("GET", "./deliveries:export")).text)).toHaveLength(2);
		expect(empty).toBeLessThan(0);
	});

	it("is refused if its first page can't be read, and cut off if a later one can't, so that no part is taken for the whole", async () => {
		const api = await withDeliveries(LINE_COUNT);
		let lostFrom = 1;
		pagesRead(api, (page) => {
			if (page >= lostFrom) throw LOST;
		});
		expect(await api.call("GET", "./deliveries:export")).toMatchObject({
			status: 503,
			json: { code: "store_unavailable" },
		});
		lostFrom = 3;
		const { reader } = await open(api);
		await reader?.read();
		await expect(reader?.read()).rejects.toThrow(LOST.message);
		// Both have given their place back.
		lostFrom = Infinity;
		const [one, two] = [await open(api), await open(api)];
		expect([one.response.status, two.response.status]).toEqual([200, 200]);
	});

	it("is refused while two of the project run, until one of them has ended, whichever way", async () => {
		const api = await withDeliveries(LINE_COUNT);
		const [one, two] = [await open(api), await open(api)];
		const refused = await api.call("GET", "./deliveries:export");
		expect(refused).toMatchObject({ status: 429, json: { code: "too_many_exports" } });
		expect(refused.headers.get("retry-after")).toBe("5");
		await one.reader?.cancel();
		expect((await api.call("GET", "./deliveries:export")).status).toBe(200);
		for (let isDone = false; !isDone; isDone = (await two.reader?.read())?.done ?? true);
		expect((await open(api, "", api.keys.admin, "HEAD")).response.status).toBe(200);
		const [three, four] = [await open(api), await open(api)];
		expect([three.response.status, four.response.status]).toEqual([200, 200]);
	});

	it("ends when its key does", async () => {
		const api = await withDeliveries(LINE_COUNT);
		const { json } = await api.call("POST", "/workspace/keys", {
			name: "export",
			scope: "read",
			projectId: api.project.id,
		});
		const { reader } = await open(api, "", String(json["secretKey"]));
		await reader?.read();
		await api.call("DELETE", `/workspace/keys/${String(json["id"])}`);
		await expect(reader?.read()).rejects.toMatchObject({ code: "unknown_key" });
	});

	it("with a customer's token has that customer's deliveries alone, and one at once", async () => {
		const api = await caller();
		for (const customerId of ["acme", "globex"]) {
			const spec = { endpoint: "http://127.0.0.1:1/" };
			await api.call("POST", "./batch/webhooks", { name: customerId, customerId, spec });
		}
		await api.call("POST", "./events", { type: "order.paid", data: 1, customerIds: "*" });
		const token = await api.tokenOf("acme", []);
		const asAcme = { "secret-key": token };
		const own = await api.call("GET", "./deliveries:export", undefined, asAcme);
		expect(rowsIn(own.text)).toMatchObject([{ customerId: "acme", webhookName: "acme" }]);
		const foreign = await api.call("GET", "./deliveries:export?customerId=globex", undefined, asAcme);
		expect(foreign).toMatchObject({ status: 404, json: { code: "customer_not_found" } });
		const { reader } = await open(api, "", token);
		const second = await api.call("GET", "./deliveries:export", undefined, asAcme);
		expect(second).toMatchObject({ status: 429, json: { code: "too_many_exports" } });
		const ofOther = await api.call("GET", "./deliveries:export", undefined, {
			"secret-key": await api.tokenOf("globex", []),
		});
		expect(rowsIn(ofOther.text)).toMatchObject([{ customerId: "globex" }]);
		await reader?.cancel();
	});
});
