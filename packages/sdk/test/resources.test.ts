// The request that each call sends, and the value that it returns.
import { expect, it } from "vitest";

import { BadRequestError, TimeoutError, UnexpectedResponseError } from "../src/index.ts";
import { projectCases } from "./project-cases.ts";
import {
	hang,
	json,
	PROJECT_ID,
	raw,
	ScriptedServer,
	testClient,
	WEBHOOK_ID,
	wireEvent,
	wireProject,
	wireWebhook,
} from "./scripted-server.ts";
import { hooks, webhookCases } from "./webhook-cases.ts";

it.each(Object.entries({ ...projectCases, ...webhookCases }))(
	"%s sends and gives what the contract says",
	async (_name, { call, sends, answer, gives }) => {
		await using server = await ScriptedServer.start(json(200, answer));
		const { client } = testClient(server);

		expect(await call(client)).toEqual(withDefaults(gives ?? answer));

		const [method, url, body] = sends;
		expect(server.requests).toHaveLength(1);
		expect([server.last.method, server.last.url]).toEqual([method, url]);
		expect(server.last.body === "" ? undefined : JSON.parse(server.last.body)).toEqual(body);
		expect(server.last.headers).toMatchObject({
			"secret-key": "sk_a-key-that-must-not-be-seen",
			accept: "application/json",
		});
		expect(server.last.headers["content-type"]).toBe(body === undefined ? undefined : "application/json");
		expect(server.last.headers["user-agent"]).toMatch(/^fanfare-sdk\/\d+\.\d+\.\d+$/);
	},
);

/** A page of the SDK has fields that a server leaves out. */
function withDefaults(value: unknown): unknown {
	const isPage = typeof value === "object" && value !== null && "nextPage" in value;
	return isPage ? { scannedTo: null, ...value } : value;
}

it("gives the data of an event as text, exactly as it is", async () => {
	const data = '{"big":12345678901234567890,"n" : 1.0}';
	const page = raw(200, "<p>a proxy's page</p>", { "content-type": "text/html" });
	await using server = await ScriptedServer.start(raw(200, data, { "content-type": "application/json" }), page);
	const { events } = testClient(server).client.project(PROJECT_ID);

	expect(await events.getData("evt_1")).toBe(data);
	expect(server.last.url).toBe(`/projects/${PROJECT_ID}/events/evt_1/data`);
	await expect(events.getData("evt_1")).rejects.toThrow(UnexpectedResponseError);
});

it("gives the schema and the example of event types as text, exactly as they are", async () => {
	const schemaText = '{"maximum" : 12345678901234567890, "$comment": "\\u00e9 \\"}], \\\\"}';
	const exampleText = '{"id":12345678901234567890,"10":1.0,\n"2":[ -0 ]}';
	const rest = `"name":"b","archived":false`;
	const whole = `{"object":"eventType","schema":${schemaText},"example": ${exampleText} ,${rest}}`;
	const bare = `{"object":"eventType","schema":null,"example":null,${rest}}`;
	const page = (data: string, next: string) => raw(200, `{"nextPage":${next},"prevPage":null, "data": [${data}]}`);
	const scalar = `{"object":"eventType","schema":null,"example":0.10,${rest}}`;
	await using server = await ScriptedServer.start(
		raw(200, whole),
		page(`${whole},${bare}`, '"c"'),
		page("", '"d"'),
		page(scalar, "null"),
		raw(200, '{"object":"project"}'),
	);
	const { eventTypes } = testClient(server).client.project(PROJECT_ID);
	const type = { object: "eventType", name: "b", archived: false };

	expect(await eventTypes.getAsText("b")).toEqual({ ...type, schemaText, exampleText });
	const listed: unknown[] = [];
	for await (const one of eventTypes.listAsText({ limit: 2 })) listed.push(one);
	expect(listed).toEqual([
		{ ...type, schemaText, exampleText },
		{ ...type, schemaText: null, exampleText: null },
		{ ...type, schemaText: null, exampleText: "0.10" },
	]);
	expect(server.requests.slice(1).map(({ url }) => url.split("?")[1])).toEqual([
		"limit=2",
		"limit=2&page=c",
		"limit=2&page=d",
	]);
	await expect(eventTypes.getAsText("b")).rejects.toThrow(UnexpectedResponseError);
});

it("works in a project that was fetched or listed", async () => {
	await using server = await ScriptedServer.start(json(200, wireProject), json(200, wireWebhook));
	const project = await testClient(server).client.getProject(PROJECT_ID);

	expect(project.name).toBe("My project");
	expect((await project.batch.webhooks.get(WEBHOOK_ID)).retries.maxRetryDelay).toBe(15_000);
	expect(Object.keys(project)).toEqual(Object.keys(wireProject));
	expect(JSON.parse(JSON.stringify(project))).toEqual(wireProject);
});

it("prepends the endpoint's path, with or without a slash at its end", async () => {
	await using server = await ScriptedServer.start(json(200, { id: "ws_1" }), json(200, { id: "ws_1" }));

	for (const end of ["", "/"]) {
		await testClient({ endpoint: `${server.endpoint}/hooks/api${end}` }).client.getInfo();
		expect(server.last.url).toBe("/hooks/api/workspace");
	}
});

it("encodes ids, so that they cannot change the path", async () => {
	await using server = await ScriptedServer.start(json(200, wireEvent(1)));
	const { events } = testClient(server).client.project(PROJECT_ID);

	await events.get("evt_1/../../x?y#z");

	expect(server.last.url).toBe(`/projects/${PROJECT_ID}/events/evt_1%2F..%2F..%2Fx%3Fy%23z`);
});

it.each(["", ".", "..", "\ud800", undefined])("refuses %j as an id before anything is sent", async (id) => {
	await using server = await ScriptedServer.start();
	const { client } = testClient(server);

	await expect(hooks(client).delete(id as string)).rejects.toThrow(TypeError);
	await expect(client.keys.delete(id as string)).rejects.toThrow(/^An id must be a string/);
	expect(server.requests).toEqual([]);
});

it("rejects rather than throws if a call returns a promise", async () => {
	await using server = await ScriptedServer.start();
	const project = testClient(server).client.project(PROJECT_ID);
	const from = new Date("nonsense");

	for (const call of [() => project.stats({ from }), () => project.batch.webhooks.stats(WEBHOOK_ID, { from })]) {
		await expect(call().catch((error: unknown) => error)).resolves.toBeInstanceOf(TypeError);
	}
});

/** A secret of the SDK's. */
const GENERATED = { contents: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) as string };

it("passes unknown fields on to the server", async () => {
	await using server = await ScriptedServer.start(json(200, wireWebhook));
	const spec = { endpoint: "https://example.com/", retries: { maxRetries: 1, jitter: true }, colour: "red" };

	await hooks(testClient(server).client).create({ name: "n", spec });

	expect(JSON.parse(server.last.body)).toEqual({ name: "n", spec: { ...spec, secret: GENERATED } });
});

it("passes incomplete arguments of plain JavaScript on to the server, whose errors are better", async () => {
	const missing = json(400, { message: "spec: is required" });
	await using server = await ScriptedServer.start(missing, missing, missing, missing);
	const webhooks = hooks(testClient(server).client);
	const spec = { retries: null, secret: null };

	await expect(webhooks.create({ name: "n" } as never)).rejects.toThrow(BadRequestError);
	await expect(webhooks.create({ name: "n", spec: null } as never)).rejects.toThrow(BadRequestError);
	await expect(webhooks.create({ name: "n", spec } as never)).rejects.toThrow(BadRequestError);
	await expect(webhooks.updateSecret(WEBHOOK_ID, undefined as never)).rejects.toThrow(BadRequestError);

	expect(server.requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
		{ name: "n" },
		{ name: "n", spec: null },
		{ name: "n", spec: { ...spec, secret: GENERATED } },
		{},
	]);
});

it("gives a webhook test, which may take 30 s, a longer timeout than other calls", async () => {
	const otherCalls = Promise.withResolvers<void>();
	await using server = await ScriptedServer.start((response, request) => {
		void otherCalls.promise.then(() => json(200, { status: "Ok" })(response, request));
	}, hang);
	const { client } = testClient(server, { timeoutMs: 20, maxRetries: 0 });

	const testing = hooks(client).test(WEBHOOK_ID);
	await expect.poll(() => server.requests).toHaveLength(1);
	await expect(client.getInfo()).rejects.toBeInstanceOf(TimeoutError);
	otherCalls.resolve();
	expect(await testing).toEqual({ status: "Ok" });
});
