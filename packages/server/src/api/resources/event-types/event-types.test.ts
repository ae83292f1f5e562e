// Event types over HTTP.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { expectRefusals, idsOf, problem, refused } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

const KIB = 1_024;

describe("event types", () => {
	it("are returned with schema and example as they were written", async () => {
		const { call, project } = await caller();
		const schema = '{"type":"array",  "maximum": 1.50, "$comment":"\\u00e9"}';
		const body = `{"name":"user.created","description":"two\\nlines","schema":${schema},"example":[1.0, -0]}`;
		const made = await call("POST", "./event-types", body);
		expect(made.status).toBe(200);
		expect(made.text).toContain(`"schema":${schema},"example":[1.0, -0],`);
		expect(made.json).toEqual({
			id: "user.created",
			object: "eventType",
			projectId: project.id,
			name: "user.created",
			description: "two\nlines",
			schema: JSON.parse(schema) as unknown,
			example: [1, -0],
			archived: false,
			visibility: "public",
			createDate: expect.any(Number),
			updateDate: expect.any(Number),
			revision: expect.any(Number),
		});
		expect((await call("GET", "./event-types/user.created")).text).toBe(made.text);
		const list = await call("GET", "./event-types");
		expect(list.text).toBe(`{"nextPage":null,"prevPage":null,"data":[${made.text}]}`);
	});

	it("are replaced as a whole by PUT and changed in part by PATCH, where null sets the default", async () => {
		const { call } = await caller();
		await call("PUT", "./event-types/a.b", { description: "d", schema: {}, example: 1, archived: true });
		const patched = await call("PATCH", "./event-types/a.b", { example: null, archived: null });
		expect(patched.json).toMatchObject({ description: "d", schema: {}, example: null, archived: false });
		const replaced = await call("PUT", "./event-types/a.b", { example: false });
		expect(replaced.json).toMatchObject({ name: "a.b", description: null, schema: null, example: false });
		expect((await call("DELETE", "./event-types/a.b")).json).toEqual({ id: "a.b", deleted: true });
		expect(await call("GET", "./event-types/a.b")).toMatchObject(problem(404, "event_type_not_found"));
	});

	it("are listed with archived ones, without them, or only those", async () => {
		const { call, get } = await caller();
		for (const name of ["a", "b"]) await call("PUT", `./event-types/${name}`, { archived: name === "b" });
		const listed = async (query: string) => idsOf(await get(`./event-types${query}`));
		expect([await listed(""), await listed("?archived=true"), await listed("?archived=false")]).toEqual([
			["a", "b"],
			["b"],
			["a"],
		]);
		expect((await get("./event-types?archived=1")).status).toBe(400);
	});

	it("have cursors that contain names with full stops", async () => {
		const { call } = await caller();
		const longest = ["a".repeat(127), "b".repeat(128)].join(".");
		for (const name of ["a", longest, "c"]) await call("PUT", `./event-types/${name}`, {});
		const listed: unknown[] = [];
		for (let page: unknown = ""; typeof page === "string";) {
			const { json } = await call("GET", `./event-types?limit=1${page && `&page=${page}`}`);
			listed.push(...(json["data"] as { name: string }[]).map(({ name }) => name));
			page = json["nextPage"];
		}
		expect(listed).toEqual(["a", longest, "c"]);
		expect((await call("GET", "./event-types?page=b29vcHM-")).json).toMatchObject({ code: "invalid_cursor" });
	});

	it("are refused with fields and names that can't be", async () => {
		const api = await caller();
		const object = /an object such as {"type": "object"}, got an? (array|boolean)/;
		const rows: readonly [body: object, path: string, message: RegExp][] = [
			[{ schema: [] }, "schema", object],
			[{ schema: true }, "schema", object],
			[{ schema: { a: "x".repeat(64 * KIB) } }, "schema", /at most 65536 bytes/],
			[{ example: "x".repeat(64 * KIB) }, "example", /at most 65536 bytes/],
			[{ description: "x".repeat(2_001) }, "description", /2000/],
			[{ archived: "yes" }, "archived", /true or false/],
			[{ name: "x" }, "name", /not a known field/],
		];
		await expectRefusals(
			api,
			rows.map(([body, ...said]) => ["PUT ./event-types/a", ...said, body]),
		);
		for (const name of ["a..b", "a b", "a%2Fb", "x".repeat(257), "a.*"]) {
			expect(await api.call("PUT", `./event-types/${name}`, {})).toMatchObject(refused("name"));
			expect((await api.get(`./event-types/${name}`)).status).toBe(404);
		}
	});
});

describe("a project", () => {
	it("shows whether it accepts only its event types, and can change that", async () => {
		const { call, project } = await caller();
		expect((await call("GET", `/projects/${project.id}`)).json).not.toHaveProperty("eventTypes");
		expect((await call("PATCH", `/projects/${project.id}`, { eventTypes: "catalogued" })).json).toMatchObject({
			name: project.name,
			eventTypes: "catalogued",
		});
		expect((await call("PATCH", `/projects/${project.id}`, { name: "n" })).json).toMatchObject({
			name: "n",
			eventTypes: "catalogued",
		});
		const { status, json } = await call("PATCH", `/projects/${project.id}`, { eventTypes: "strict" });
		expect([status, json["issues"]]).toEqual([
			400,
			[{ path: "eventTypes", message: 'must be "open" or "catalogued", got "strict"' }],
		]);
	});
});

describe("a schema with alternatives", () => {
	const schema = {
		anyOf: [{ properties: { pay: { const: "card" } } }, { properties: { pay: { const: "bank" } } }],
	};
	const issues = [
		{ path: "data.pay", message: expect.stringContaining("card") },
		{ path: "data.pay", message: expect.stringContaining("bank") },
	];

	it("names each in the refusal of an event, an example and a test's data, also those about one field", async () => {
		const { call, project, makeWebhook } = await caller();
		await call("PUT", "./event-types/order.paid", { schema });
		await call("PATCH", `/projects/${project.id}`, { eventTypes: "catalogued" });
		const event = { type: "order.paid", data: { pay: "cash" } };
		expect((await call("POST", "./events", event)).json["issues"]).toEqual(expect.arrayContaining(issues));
		const { json } = await call("PUT", "./event-types/order.paid", { schema, example: event.data });
		const ofExample = issues.map(({ path, message }) => ({ path: path.replace("data", "example"), message }));
		expect(json["issues"]).toEqual(expect.arrayContaining(ofExample));
		const test = { eventType: "order.paid", data: event.data };
		const tested = await call("POST", `./batch/webhooks/${await makeWebhook()}:test`, test);
		expect(tested.json["issues"]).toEqual(expect.arrayContaining(issues));
	});
});

describe("a test of a webhook", () => {
	it("sends the sample of the type that its body names, and Fanfare's own without one", async () => {
		await using receiver = await startReceiver();
		const { call, makeWebhook } = await caller();
		await call("PUT", "./event-types/user.created", { example: { n: 1 } });
		const path = `./batch/webhooks/${await makeWebhook(receiver.url)}:test`;
		for (const body of [undefined, "", "{}", '{"eventType":null}', '{"eventType":"user.created"}'])
			expect(await call("POST", path, body)).toMatchObject({ status: 200, json: { status: "Ok" } });
		const received = receiver.requests.map(({ rawBody }) => JSON.parse(rawBody.toString()) as unknown);
		const own = { type: "fanfare.test" };
		expect(received).toMatchObject([own, own, own, own, { type: "user.created", data: { n: 1 } }]);
	});

	it("refuses a type that can't be", async () => {
		const api = await caller();
		const test = `POST ./batch/webhooks/${await api.makeWebhook()}:test`;
		await expectRefusals(api, [
			[test, "eventType", undefined, { eventType: 5 }],
			[test, "eventType", undefined, { eventType: "a..b" }],
			[test, "type", undefined, { type: "a" }],
		]);
	});
});
