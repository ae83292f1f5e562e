// The OpenAPI document and /docs: complete, valid, and loading nothing from elsewhere.
import { createHash, createHmac } from "node:crypto";

import { describe, expect, expectTypeOf, it } from "vitest";

import { LIVE_KINDS } from "../../core/live.ts";
import type { OwnEvent } from "../../engine/reacting/own-events.ts";
import { apiRoutes } from "../resources/table.ts";
import { callsWithBody, resolved, type JsonSchema } from "../test/body-fields.ts";
import { caller, type Answer } from "../test/caller.ts";
import { documentedContent, plainDocument, requireDocumented, schemaProblem } from "../test/documented.ts";
import { breakable } from "./docs-page/parts.ts";
import { exportOpenApiDocument } from "./exported.ts";
import { derivedCall, SDK_CALLS, sdkCall } from "./parts/sdk-calls.ts";
import { OWN_EVENTS } from "./received/own-events.ts";
import { EXAMPLE } from "./received/webhooks.ts";

describe("/openapi.json", () => {
	it("is the document that scripts export, and it is the same each time", async () => {
		const { call } = await caller();
		const { json, headers } = await call("GET", "/openapi.json");
		expect(headers.get("content-type")).toMatch("application/json");
		expect(json).toEqual(JSON.parse(JSON.stringify(exportOpenApiDocument("0.0.0-test"))));
		expect(JSON.stringify(exportOpenApiDocument("1"))).toBe(JSON.stringify(exportOpenApiDocument("1")));
	});

	it("names the public URL as the server, and otherwise the one that it was loaded from", async () => {
		const publicUrl = "https://example.com/fanfare";
		const { call } = await caller({}, publicUrl);
		const { json } = await call("GET", "/openapi.json");
		expect(json["servers"]).toEqual([{ url: publicUrl }]);
		expect(exportOpenApiDocument("1").servers).toEqual([{ url: "/" }]);
	});

	it("has every route with a unique id, and every schema that it refers to", () => {
		const document = exportOpenApiDocument("1");
		const routes = apiRoutes();
		for (const { path, method, id } of routes) expect(document.paths?.[path]?.[method]?.operationId).toBe(id);
		expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length);
		const schemas = Object.keys(document.components?.schemas ?? {});
		const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
			([, name]) => name,
		);
		expect(schemas).toEqual(expect.arrayContaining([...new Set(refs)]));
	});

	it("has valid regular expressions, and examples that the calls accept", () => {
		const text = JSON.stringify(exportOpenApiDocument("1"));
		for (const [, pattern = ""] of text.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)) {
			const source = JSON.parse(pattern) as string;
			expect(source).not.toMatch(/\/[a-z]+$/);
			expect(() => new RegExp(source)).not.toThrow();
		}
		for (const { id, body } of apiRoutes()) {
			if (body === undefined) continue;
			const json = JSON.stringify(body.example);
			expect({ id, ...body.schema.safeParse(JSON.parse(json)) }).toMatchObject({ id, success: true });
		}
	});

	it("has a bound for every list and every map that a call takes, but for JSON Schemas", () => {
		const unbounded = callsWithBody().flatMap(({ id, schema }) => unboundedIn(schema, id));
		expect(unbounded).toEqual(["createEventType.schema", "putEventType.schema", "updateEventType.schema"]);
	});

	it("has every required field of a schema in its example", () => {
		const { schemas = {} } = exportOpenApiDocument("1").components ?? {};
		const parsed = JSON.parse(JSON.stringify(schemas)) as Record<string, { required?: string[]; example?: object }>;
		for (const [name, { required = [], example }] of Object.entries(parsed)) {
			if (example === undefined) continue;
			expect({ name, missing: required.filter((field) => !(field in example)) }).toEqual({ name, missing: [] });
		}
	});
});

/** The paths of the lists and maps without a bound, below `path`. */
function unboundedIn(schema: JsonSchema, path: string): string[] {
	const { items, properties = {}, additionalProperties, anyOf = [], maxItems, maxProperties } = resolved(schema);
	const isMap = typeof additionalProperties === "object";
	const isUnbounded = (isMap && maxProperties === undefined) || (items !== undefined && maxItems === undefined);
	return [
		...(isUnbounded ? [path] : []),
		...(items === undefined ? [] : unboundedIn(items, `${path}.0`)),
		...(isMap ? unboundedIn(additionalProperties, `${path}.name`) : []),
		...anyOf.flatMap((one) => unboundedIn(one, path)),
		...Object.entries(properties).flatMap(([name, field]) => unboundedIn(field, `${path}.${name}`)),
	];
}

/** The parts of the document that the tests below look at. */
interface Described {
	readonly description?: string;
	readonly $ref?: string;
	readonly properties?: Readonly<Record<string, Described>>;
}

interface Media {
	readonly content?: Readonly<Record<string, { readonly example?: unknown; readonly schema: object }>>;
}

interface Operation extends Described {
	readonly operationId: string;
	readonly summary?: string;
	readonly parameters?: readonly (Described & { readonly name: string })[];
	readonly requestBody?: Required<Media>;
	readonly responses: Readonly<Record<string, Described & Media>>;
}

const whole = plainDocument as unknown as {
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
	readonly webhooks: Readonly<Record<string, { readonly post: Operation }>>;
	readonly components: {
		readonly schemas: Readonly<Record<string, Described>>;
		readonly examples: Readonly<Record<string, { readonly value: object }>>;
	};
};
const operations = Object.values(whole.paths).flatMap((path) => Object.values(path));
const received = Object.values(whole.webhooks).map(({ post }) => post);

/** The paths of the fields without a description, below `part`. */
function undescribed(part: unknown, path: string): string[] {
	if (typeof part !== "object" || part === null) return [];
	const own = Object.entries((part as Described).properties ?? {}).flatMap(([name, field]) =>
		field.description === undefined && field.$ref === undefined ? [`${path}.${name}`] : [],
	);
	const inner = Object.entries(part).filter(([name]) => !/^examples?$/.test(name));
	return [...own, ...inner.flatMap(([name, value]) => undescribed(value, `${path}/${name}`))];
}

/** The paths of the values in an example that its schema does not know. */
function unknownFields(schema: object, value: unknown, path: string): string[] {
	const { $ref, allOf, oneOf, anyOf, items, properties, additionalProperties } = schema as Readonly<
		Record<string, unknown>
	>;
	if (typeof value !== "object" || value === null) return [];
	if (typeof $ref === "string") return unknownFields(whole.components.schemas[$ref.replace(/^.*\//, "")]!, value, path);
	const either = (oneOf ?? anyOf) as object[] | undefined;
	if (either !== undefined) {
		const found = either.map((part) => unknownFields(part, value, path));
		return found.toSorted((a, b) => a.length - b.length)[0] ?? [];
	}
	if (Array.isArray(value)) return value.flatMap((each, index) => unknownFields(items ?? {}, each, `${path}.${index}`));
	if (additionalProperties !== undefined && properties === undefined) return [];
	const known = fieldsOf(schema);
	if (known.size === 0 && allOf === undefined) return [];
	return Object.entries(value).flatMap(([name, inner]) => {
		const field = known.get(name);
		return field === undefined ? [`${path}.${name}`] : unknownFields(field, inner, `${path}.${name}`);
	});
}

function fieldsOf(schema: object): Map<string, object> {
	type Part = { readonly $ref?: string; readonly allOf?: object[]; readonly properties?: Record<string, object> };
	const { $ref, allOf = [], properties = {} }: Part = schema;
	const named = $ref === undefined ? [] : [whole.components.schemas[$ref.replace(/^.*\//, "")]!];
	return new Map([...[...named, ...allOf].flatMap((part) => [...fieldsOf(part)]), ...Object.entries(properties)]);
}

describe("the document describes", () => {
	it("every field of every body and response", () => expect(undescribed(whole, "")).toEqual([]));

	it("every call, its parameters and its responses", () => {
		for (const { operationId, summary, description, parameters = [], responses } of [...operations, ...received]) {
			const parts = [...parameters, ...Object.values(responses).filter(({ $ref }) => $ref === undefined)];
			const texts = [summary, description, ...parts.map((part) => part.description)];
			expect([operationId, texts]).toEqual([operationId, texts.map(() => expect.stringMatching(/\w/) as unknown)]);
		}
	});

	it("the responses of every call with examples that their schemas accept", () => {
		for (const { operationId, responses } of operations) {
			const successes = Object.entries(responses).filter(([status]) => Number(status) < 300);
			for (const { schema, example } of successes.flatMap(([, { content = {} }]) => Object.values(content))) {
				if (isText(schema)) continue;
				const problem = schemaProblem(schema, example);
				expect([operationId, example, problem]).toEqual([operationId, expect.anything(), null]);
				expect([operationId, unknownFields(schema, example, "")]).toEqual([operationId, []]);
			}
		}
	});

	it("every call with the codes of all its errors", () => {
		for (const { id, errors = {}, answers } of apiRoutes()) {
			const { responses } = operations.find(({ operationId }) => operationId === id)!;
			const statuses = Object.keys(responses).filter((status) => Number(status) >= 400);
			// A text of the route that names no code of its status would not be in the document.
			expect([id, statuses]).toEqual([id, expect.arrayContaining(Object.keys(errors))]);
			for (const status of statuses) {
				const media = documentedContent(responses[status] as never)?.["application/json"];
				const codes = Object.keys(media?.examples ?? {});
				if (codes.length === 0) expect([id, Object.keys(answers)]).toEqual([id, expect.arrayContaining([status])]);
				for (const code of codes) {
					expect(whole.components.examples[code]?.value).toMatchObject({ code });
					expect(schemaProblem(media!.schema, whole.components.examples[code]!.value)).toBeNull();
				}
			}
		}
	});

	const isText = (schema: object) =>
		(schema as { readonly type?: string }).type === "string" ||
		"oneOf" in schema ||
		("$ref" in schema && /\/(StreamItem|RelaySignal)$/.test((schema as { $ref: string }).$ref));
});

describe("a response that the document does not describe", () => {
	const line = { route: "/projects/{projectId}/events", method: "POST", status: 409, code: "idempotency_conflict" };
	const problem = { message: "m", code: "idempotency_conflict", requestId: "req_1" };

	it.each<[object, object, RegExp]>([
		[{ status: 418 }, problem, /418, which the OpenAPI document lacks/],
		[{ code: "replay_ended" }, problem, /replay_ended, which the OpenAPI document does not list/],
		[{}, { message: 1 }, /a body that its schema refuses/],
	])("fails every test that gets it: %j %j", (changes, json, words) => {
		expect(() => requireDocumented({ ...line, ...changes } as never, json)).toThrow(words);
		expect(() => requireDocumented(line as never, problem)).not.toThrow();
	});
});

describe("the webhooks section", () => {
	it("has a request for every own event, with the data that the engine sends", () => {
		type DataOf<Type, Event = OwnEvent> = Event extends { readonly type: infer Types; readonly data: infer Data }
			? Type extends Types
				? Data
				: never
			: never;
		type Data = { readonly [Type in OwnEvent["type"]]: DataOf<Type> };
		type Documented = {
			readonly [Type in keyof typeof OWN_EVENTS]: ReturnType<(typeof OWN_EVENTS)[Type]["data"]["parse"]>;
		};
		// Each own event has the customer, if there is one.
		type Sent = { readonly [Type in keyof Data]: Data[Type] & { customerId?: string | undefined } };
		expectTypeOf<keyof Documented>().toEqualTypeOf<keyof Data>();
		expectTypeOf<Sent>().toExtend<Documented>();
		expect(Object.keys(whole.webhooks)).toEqual(["event", ...Object.keys(OWN_EVENTS)]);
	});

	it("shows for each request the headers and a body that its schema accepts", () => {
		for (const { operationId, parameters = [], requestBody, responses } of received) {
			const { schema, example } = requestBody!.content["application/json"]!;
			expect([operationId, schemaProblem(schema, example)]).toEqual([operationId, null]);
			expect([operationId, unknownFields(schema, example, "")]).toEqual([operationId, []]);
			const names = ["webhook-id", "webhook-timestamp", "webhook-signature", "user-agent"];
			const ofEvents = operationId === "receiveEvent" ? ["traceparent"] : [];
			expect(parameters.map(({ name }) => name)).toEqual([...names, ...ofEvents]);
			expect(Object.keys(responses)).toEqual(expect.arrayContaining(["2XX", "410", "429", "default"]));
		}
	});

	it("has an example whose signature is right", () => {
		const key = Buffer.from(EXAMPLE.secret.replace("whsec_", ""), "base64");
		const signed = createHmac("sha256", key)
			.update(`${EXAMPLE.id}.${EXAMPLE.timestamp}.${EXAMPLE.body}`)
			.digest("base64");
		expect(EXAMPLE.signature).toBe(`v1,${signed}`);
		const example = received[0]!.requestBody!.content["application/json"]!.example;
		expect(JSON.stringify(example)).toBe(EXAMPLE.body);
	});

	it("describes what is really sent", async () => {
		const { call, accepted, makeWebhook } = await caller();
		await makeWebhook(undefined, { name: "own", spec: { eventTypes: ["fanfare.*"] } });
		const path = `./batch/webhooks/${await makeWebhook(undefined, { customerId: "acme" })}`;
		for (const action of ["pause", "resume"]) await call("POST", `${path}:${action}`);
		await call("PATCH", path, { name: "b" });
		await call("DELETE", path);
		await expect.poll(async () => (await accepted()).length).toBeGreaterThanOrEqual(5);
		const events = await accepted();
		for (const { type, dataJson } of events) {
			const { schema } = whole.webhooks[type]!.post.requestBody!.content["application/json"]!;
			const body = { type, timestamp: "2024-11-24T13:24:00.000Z", data: JSON.parse(dataJson) as unknown };
			expect([type, schemaProblem(schema, body), unknownFields(schema, body, "")]).toEqual([type, null, []]);
		}
	});
});

it("the document has the response codes of wrong requests, and of the errors of single calls", async () => {
	const { call, project } = await caller();
	const documented = new Map(operations.map(({ operationId, responses }) => [operationId, Object.keys(responses)]));
	for (const { id, method, path, body } of apiRoutes()) {
		const url = path.replace("{projectId}", project.id).replaceAll(/\{\w+\}/g, "nobody");
		const answers = [await call(method.toUpperCase(), `${url}?unknown=1`)];
		const tooLarge = `{${" ".repeat(body?.maxBytes ?? 4_096)}}`;
		if (method !== "get") answers.push(await call(method.toUpperCase(), url, tooLarge));
		expect([id, documented.get(id)]).toEqual([id, expect.arrayContaining(answers.map(({ status }) => String(status)))]);
	}
	for (const [id, status] of Object.entries({ retryDelivery: "409", cancelDelivery: "409", createKey: "404" }))
		expect(documented.get(id)).toContain(status);
});

it("/docs leads to /docs/, also behind a proxy that adds a path", async () => {
	const { status, headers } = await (await caller()).get("/docs");
	expect(status).toBe(302);
	const location = headers.get("location") ?? "";
	expect(new URL(location, "https://example.com/fanfare/docs").pathname).toBe("/fanfare/docs/");
});

describe("/docs/api", () => {
	/** The page, which is rendered once. */
	let shown: Promise<Answer> | null = null;
	const pageOf = () => (shown ??= caller().then(({ get }) => get("/docs/api")));

	it("shows every call with an example, and has an anchor for every link", async () => {
		const { status, text, headers } = await pageOf();
		expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
		const anchors = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
		for (const { id } of apiRoutes()) expect(anchors).toContain(id);
		for (const { operationId } of received) expect(anchors).toContain(operationId);
		for (const [, target] of text.matchAll(/href="#([^"]+)"/g)) expect(anchors).toContain(target);
		expect(text.match(/>curl /g)).toHaveLength(apiRoutes().length);
		// Links work behind a path prefix, too.
		const resolved = (link: string) => new URL(link, "https://example.com/fanfare/docs/api").pathname;
		expect(text).toMatch(/<title>Fanfare API /);
		expect(resolved(/class="back" href="([^"]*)"/.exec(text)?.[1] ?? "")).toBe("/fanfare/");
		expect(resolved(/href="([^"#]*openapi\.json)"/.exec(text)?.[1] ?? "")).toBe("/fanfare/openapi.json");
	});

	const withKey = apiRoutes().filter(({ access }) => access !== null);

	it("has a TypeScript example for every call that needs a key", () => {
		const lacking = withKey.filter(
			({ id, method, path, body }) => sdkCall(id, method, path, body !== undefined) === null,
		);
		expect(lacking.map(({ id }) => `${id}: "await …", in SDK_CALLS of documents/parts/sdk-calls.ts`)).toEqual([]);
	});

	it("has a line for an example only if the path does not say it", () => {
		const needless = Object.entries(SDK_CALLS).filter(([id, call]) => {
			const route = withKey.find((candidate) => candidate.id === id);
			return route === undefined || derivedCall(route.method, route.path, route.body !== undefined) === call;
		});
		expect(needless).toEqual([]);
		expect(derivedCall("post", "/projects/{projectId}/event-types", true)).toBe("await project.eventTypes.create($)");
		expect(derivedCall("get", "/projects/{projectId}/batch/webhooks/{webhookId}/stats", false)).toBe(
			"await project.batch.webhooks.stats(webhookId)",
		);
		expect(derivedCall("post", "/workspace/keys/{keyId}:roll", true)).toBe("await client.keys.roll(keyId, $)");
		expect(derivedCall("delete", "/projects/{projectId}/events/{eventId}/data", false)).toBeNull();
	});

	it("shows each variant of an object that has several", async () => {
		const { text } = await pageOf();
		const article = text.slice(text.indexOf('id="object-StreamItem"'), text.indexOf('id="object-AuditEntry"'));
		const forms = [...article.matchAll(/<h4><code>(.*?)<\/code><\/h4>/g)].map(([, name]) => name);
		expect(forms).toEqual([...LIVE_KINDS, "gap, dropped, end"]);
		expect(article.replaceAll("<wbr />", "")).toContain("<code>deliveryCount</code>");
		expect(text).toContain('text/event-stream of <a href="#object-StreamItem">');
	});

	it("has examples that mean the same in zsh as in other shells", async () => {
		const { text } = await pageOf();
		expect(text).toContain("/batch/webhooks/${WEBHOOK_ID}:test");
		// In zsh a colon right after a name begins a modifier.
		const [commands = ""] = text.split("<script>");
		expect(commands).not.toMatch(/\$\w+:/);
	});

	it.each<[string, string | null, string | null, string]>([
		["the public URL", "https://example.com/fanfare", "http://10.0.0.1:8787", "https://example.com/fanfare"],
		["the address that was asked, without a public URL", null, "http://10.0.0.1:8787", "http://10.0.0.1:8787"],
		["a default, if that is not known", null, null, "http://127.0.0.1:8787"],
	])("has %s in every example", async (_name, publicUrl, asked, expected) => {
		const { call } = await caller({}, publicUrl, { requestOrigin: () => asked });
		const { text, headers } = await call("GET", "/docs/api");
		const commands = [...text.matchAll(/>curl .*?&quot;(http\S+?)&quot;/g)].map(([, url = ""]) => url);
		expect(commands).toHaveLength(apiRoutes().length);
		expect(commands.filter((url) => !url.startsWith(`${expected}/`))).toEqual([]);
		expect(text.split(`endpoint: &quot;${expected}&quot;`)).toHaveLength(withKey.length + 1);
		expect(text).not.toContain("server.invalid");
		expect(headers.get("cache-control")).toBe("private, no-cache");
	});

	it("is made in small pieces as it is read, whatever the address, so that a slow client holds little of it", async () => {
		let asked = 0;
		const { app } = await caller({}, null, { requestOrigin: () => `http://${++asked}.example` });
		for (let n = 1; n <= 3; n++) {
			const response = await app.request("/docs/api");
			const pieces: Uint8Array[] = [];
			for await (const piece of response.body ?? []) pieces.push(piece);
			expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(32 * 1_024);
			const text = Buffer.concat(pieces).toString();
			expect(text.length).toBeGreaterThan(300_000);
			expect(text).toContain(`curl &quot;http://${n}.example/workspace&quot;`);
			expect(text).not.toContain(`http://${n - 1}.example`);
			expect(text).toMatch(/<\/html>\s*$/);
		}
	});

	it("breaks no name inside a word", async () => {
		const pieces = async (name: string) => String(await breakable(name)).split("<wbr />");
		expect(await pieces("spec.retries.maxBackoffMs")).toEqual(["spec.", "retries.", "max", "Backoff", "Ms"]);
		expect(await pieces("/projects/{projectId}/batch")).toEqual(["/", "projects/", "{project", "Id}", "/", "batch"]);
		expect(await pieces("events[].type")).toEqual(["events[]", ".", "type"]);
	});

	it("loads nothing from elsewhere, and its policy allows only its own script and style", async () => {
		const { text, headers } = await pageOf();
		expect(text).not.toMatch(/<img|<link|<iframe|@import|url\(|\ssrc=|\son\w+=|\sstyle=/i);
		const policy = headers.get("content-security-policy") ?? "";
		for (const element of ["style", "script"]) {
			const found = [...text.matchAll(new RegExp(`<${element}>([^]*?)</${element}>`, "g"))];
			expect(found).toHaveLength(1);
			const hash = createHash("sha256").update(found[0]![1]!).digest("base64");
			expect(policy).toContain(`${element}-src 'sha256-${hash}'`);
		}
		expect(policy).toContain("default-src 'none'");
		expect(policy).not.toMatch(/unsafe|http|\*/);
	});
});
