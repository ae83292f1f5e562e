// The request that each call sends, and the value that it returns.
import { expect, it } from "vitest";

import {
	BadRequestError,
	TimeoutError,
	UnexpectedResponseError,
	type Client,
	type ProjectHandle,
} from "../src/index.ts";
import {
	emptyPage,
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

const hooks = (client: Client) => client.project(PROJECT_ID).batch.webhooks;
const PROJECT = `/projects/${PROJECT_ID}`;
const HOOKS = `${PROJECT}/batch/webhooks`;
const HOOK = `${HOOKS}/${WEBHOOK_ID}`;
const SHORT_ID = PROJECT_ID.slice("proj_".length);
const endpoint = "https://lambda-url.ap-southeast-1.on.aws/";
const secret = { contents: "HCK7CWdt83qYfstai9eRlu1Sbw3cZ1uQ1kQYcgofW/Q=" };
const key = { object: "key" };
const tested = { status: "Ok" };

// With every field: every-call.test.ts.
it.each<
	[
		name: string,
		call: (project: ProjectHandle, client: Client) => PromiseLike<unknown>,
		request: string,
		body: unknown,
		answer: unknown,
	]
>([
	["a project, its prefix missing", (_, client) => client.getProject(SHORT_ID), `GET ${PROJECT}`, null, wireProject],
	[
		"a project's policy alone",
		(_, { projects }) => projects.update(PROJECT_ID, { eventTypes: "catalogued", payloadRetentionDays: null }),
		`PATCH ${PROJECT}`,
		{ eventTypes: "catalogued", payloadRetentionDays: null },
		wireProject,
	],
	[
		"a key for a project, its prefix missing",
		(_, { keys }) => keys.create({ name: "checkout", scope: "write", projectId: SHORT_ID }),
		"POST /workspace/keys",
		{ name: "checkout", scope: "write", projectId: PROJECT_ID },
		key,
	],
	[
		"a key for the workspace",
		(_, { keys }) => keys.create({ name: "ops", scope: "admin", projectId: null }),
		"POST /workspace/keys",
		{ name: "ops", scope: "admin", projectId: null },
		key,
	],
	[
		"a webhook as in the Nexus docs",
		({ batch }) =>
			batch.webhooks.create({
				name: "a",
				spec: { endpoint, secret, retries: { maxRetries: 3, maxRetryDelay: 15_000 } },
			}),
		`POST ${HOOKS}`,
		{ name: "a", spec: { endpoint, secret, retries: { maxRetries: 3, maxBackoffMs: 15_000 } } },
		wireWebhook,
	],
	[
		"a webhook with a secret as a string, and the longest delay omitted",
		({ batch }) =>
			batch.webhooks.create({ name: "a", spec: { endpoint, secret: "c2VjcmV0", retries: { maxRetries: 0 } } }),
		`POST ${HOOKS}`,
		{ name: "a", spec: { endpoint, secret: { contents: "c2VjcmV0" }, retries: { maxRetries: 0 } } },
		wireWebhook,
	],
	[
		"a part of a webhook",
		({ batch }) => batch.webhooks.update(WEBHOOK_ID, { spec: { retries: { maxRetryDelay: 0 }, eventTypes: null } }),
		`PATCH ${HOOK}`,
		{ spec: { retries: { maxBackoffMs: 0 }, eventTypes: null } },
		wireWebhook,
	],
	[
		"the name of a webhook alone",
		({ batch }) => batch.webhooks.update(WEBHOOK_ID, { name: "other" }),
		`PATCH ${HOOK}`,
		{ name: "other", spec: {} },
		wireWebhook,
	],
	[
		"a secret",
		({ batch }) => batch.webhooks.updateSecret(WEBHOOK_ID, secret, { overlapMs: 0 }),
		`PUT ${HOOK}/secret`,
		{ ...secret, overlapMs: 0 },
		wireWebhook,
	],
	["a test", ({ batch }) => batch.webhooks.test(WEBHOOK_ID), `POST ${HOOK}:test`, null, tested],
	[
		"a test with data",
		({ batch }) => batch.webhooks.test(WEBHOOK_ID, { data: [], exchange: true }),
		`POST ${HOOK}:test?exchange=true`,
		{ data: [] },
		tested,
	],
	[
		"a check of a receiver",
		({ batch }) => batch.webhooks.conform(WEBHOOK_ID),
		`POST ${HOOK}:conform`,
		null,
		{ object: "conformance" },
	],
	["stats", ({ batch }) => batch.webhooks.stats(WEBHOOK_ID), `GET ${HOOK}/stats`, null, { object: "stats" }],
	[
		"the end of the portal sessions of a key",
		({ portalSessions }) => portalSessions.revokeAll({ keyId: "key_1" }),
		`DELETE ${PROJECT}/portal-sessions?keyId=key_1`,
		null,
		{ object: "portalSessionsRevoked" },
	],
	[
		"a filter of deliveries, with 0 and with spaces",
		({ deliveries }) => deliveries.list({ eventType: "a b", status: "Failed", responseCode: 0, after: 0 }),
		`GET ${PROJECT}/deliveries?eventType=a%20b&status=Failed&responseCode=0&after=0`,
		null,
		emptyPage,
	],
	[
		"a change of many deliveries",
		({ deliveries }) => deliveries.retryMany({ status: "Failed", after: new Date(5) }),
		`POST ${PROJECT}/deliveries:retry`,
		{ status: "Failed", after: 5 },
		{ object: "deliveriesChanged" },
	],
])("%s is sent as the contract says", async (_name, call, request, body, answer) => {
	await using server = await ScriptedServer.start(json(200, answer));
	const { client } = testClient(server);
	await call(client.project(PROJECT_ID), client);
	expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([request]);
	expect(server.last.body === "" ? null : JSON.parse(server.last.body)).toEqual(body);
});

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
