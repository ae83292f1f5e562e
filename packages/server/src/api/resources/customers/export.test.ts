// Exports of customers: the list as a file, with its filter, ordered by id.
import { describe, expect, it } from "vitest";

import { caller, type Answer, type Caller } from "../../test/caller.ts";
import { ROWS_AT_ONCE } from "./export-routes.ts";

const endpoint = "https://hooks.example.com/in";

const rowsIn = ({ text }: Answer) =>
	text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, unknown>);

/** A project with the customers `acme`, `globex` and `zed`, of whom the last one has no webhook. */
async function withCustomers(): Promise<Caller> {
	const api = await caller();
	for (const customerId of ["globex", "acme", "acme"])
		await api.call("POST", "./batch/webhooks", { name: customerId, customerId, spec: { endpoint } });
	await api.call("PATCH", "./customers/zed", { name: "Zed & Sons", metadata: { plan: "pro" } });
	return api;
}

describe("an export of customers", () => {
	it("has every customer of the list, in its order and form", async () => {
		const { call } = await withCustomers();
		const exported = await call("GET", "./customers:export");
		expect(exported.status).toBe(200);
		expect(exported.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
		expect(exported.headers.get("content-disposition")).toBe('attachment; filename="customers.ndjson"');
		expect(rowsIn(exported)).toEqual((await call("GET", "./customers")).json["data"]);
		expect(rowsIn(exported)).toMatchObject([
			{ id: "acme", webhooks: { total: 2 } },
			{ id: "globex" },
			{ id: "zed", name: "Zed & Sons" },
		]);
	});

	it.each([
		["q=SONS", 1],
		["q=e", 3],
		["q=glob", 1],
		["q=nobody", 0],
	])("has for ?%s what the list has: %i", async (query, count) => {
		const { call } = await withCustomers();
		const { data } = (await call("GET", `./customers?${query}`)).json as { readonly data: unknown[] };
		expect(rowsIn(await call("GET", `./customers:export?${query}`))).toEqual(data);
		expect(data).toHaveLength(count);
	});

	it("as CSV has a line for each customer, also with names, ids and metadata that are hostile, and says how far a deletion is", async () => {
		const { call, test } = await withCustomers();
		await call("PATCH", "./customers/-1", { name: '=HYPERLINK("http://evil")', metadata: { "=a": "=1,-2" } });
		const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
		// Its webhooks are deleted first, each by a change of its own.
		test.engineStore.updateWebhook = async (record, options) => {
			await held;
			return test.store.updateWebhook(record, options);
		};
		await call("DELETE", "./customers/acme");
		const { text, headers } = await call("GET", "./customers:export?format=csv");
		goOn();
		expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
		expect(headers.get("content-disposition")).toBe('attachment; filename="customers.csv"');
		const [head, ...lines] = text.split("\r\n");
		expect(head).toBe(
			"id,name,webhooksTotal,webhooksFailing,createDate,updateDate,metadata,deletionStartDate,deletionWebhooksLeft," +
				"deletionWebhookCount,deletionDeliveryCount,deletionEventCount",
		);
		expect(lines.pop()).toBe("");
		const date = "\\d{4}-\\d{2}-\\d{2}T[\\d:.]+Z";
		const line = (before: string, after: string) =>
			expect.stringMatching(new RegExp(`^${before},${date},${date},${after}$`)) as unknown;
		expect(lines).toEqual([
			line(`'-1,"'=HYPERLINK\\(""http://evil""\\)",0,0`, `"\\{""=a"":""=1,'-2""\\}",,,,,`),
			line("acme,,2,0", `,${date},2,0,0,0`),
			line("globex,,1,0", ",,,,,"),
			line("zed,Zed & Sons,0,0", '"\\{""plan"":""pro""\\}",,,,,'),
		]);
	});

	it("is refused with a text that is too long, as the list is", async () => {
		const { call } = await caller();
		const query = `q=${"x".repeat(129)}`;
		const [list, exported] = [
			await call("GET", `./customers?${query}`),
			await call("GET", `./customers:export?${query}`),
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
		expect(await call("GET", `./customers:export?${query}`)).toMatchObject(refusal);
	});

	it("is for keys of the project alone, as the list is", async () => {
		const { call, keys, tokenOf } = await withCustomers();
		for (const [key, status] of [
			[keys.projectRead, 200],
			[keys.other, 404],
			[await tokenOf("acme", []), 403],
		] as const) {
			const ask = (path: string) => call("GET", path, undefined, { "secret-key": key });
			const [list, exported] = [await ask("./customers"), await ask("./customers:export")];
			const { requestId: _, ...refusal } = list.json;
			expect([list.status, exported.status]).toEqual([status, status]);
			if (status !== 200) expect(exported.json).toMatchObject(refusal);
		}
	});

	it("goes on from the last one that the client has taken, also where a page ends early because of much metadata", async () => {
		const { call, store } = await withCustomers();
		const read = store.customers.bind(store);
		const asked: unknown[] = [];
		store.customers = async (scope, text, request) => {
			asked.push([request.limit, request.cursor?.id ?? null]);
			return read(scope, text, { ...request, limit: 1 });
		};
		const ids = rowsIn(await call("GET", "./customers:export")).map(({ id }) => id);
		expect(ids).toEqual(["acme", "globex", "zed"]);
		expect(asked).toEqual([
			[ROWS_AT_ONCE, null],
			[ROWS_AT_ONCE, "acme"],
			[ROWS_AT_ONCE, "globex"],
		]);
	});
});
