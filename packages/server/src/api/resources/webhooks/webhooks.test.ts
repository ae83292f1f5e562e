// Webhooks over HTTP: the checks of each field, and what is never returned.
import { startReceiver, type ReceivedRequest } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { decodeSecret, sign, signingKey } from "../../../core/crypto/signing.ts";
import { expectRefusals, refused, rowsOf, type Refusal } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const endpoint = "https://example.com/hook";

const long = (length: number): string => "x".repeat(length);
const many = (count: number, prefix: string) =>
	Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, "a"]));

type Row<Said> = readonly [change: object, path: string, said: Said];

/** Wrong fields of a webhook. */
const FIELDS: readonly Row<RegExp>[] = [
	[{ name: " \t" }, "name", /white space|control/],
	[{ name: "" }, "name", /1–128 characters, got 0/],
	[{ name: "a\u0000b" }, "name", /control characters/],
	[{ name: "\ud800" }, "name", /lone surrogates/],
	[{ name: null }, "name", /a string, got null/],
	[{ extra: 1 }, "extra", /not a known field/],
	[{ spec: undefined }, "spec", /is required/],
	[{ spec: [] }, "spec", /an object such as {"endpoint": "…"}, got an array/],
];

/** Wrong fields of its spec. */
const SPECS: readonly Row<RegExp>[] = [
	[{ foo: 1 }, "spec.foo", /not a known field/],
	[{ rateLimit: { perSecond: 0 } }, "spec.rateLimit.perSecond", /./],
	[{ retries: { scheduleMs: [] } }, "spec.retries.scheduleMs", /./],
	[{ retries: { scheduleMs: [1], maxRetries: 2 } }, "spec.retries.maxRetries", /must be 1/],
	[{ disableAfterMs: -1 }, "spec.disableAfterMs", /./],
	[{ endpoint: undefined }, "spec.endpoint", /is required/],
	[{ endpoint: "example.com" }, "spec.endpoint", /absolute URL/],
	[{ endpoint: "https://exa\nmple.com" }, "spec.endpoint", /absolute URL/],
	[{ endpoint: "https://example.com/\ud800" }, "spec.endpoint", /absolute URL/],
	[{ endpoint: `https://a/${long(2_048)}` }, "spec.endpoint", /at most 2048 characters/],
	[{ secret: { contents: "short" } }, "spec.secret.contents", /24–64 bytes/],
	[{ secret: { contents: "!".repeat(40) } }, "spec.secret.contents", /standard base64/],
	[{ secret: {} }, "spec.secret.contents", /is required/],
	[{ secret: { contents: SECRET, x: 1 } }, "spec.secret.x", /not a known field/],
	[{ retries: { maxRetries: 21 } }, "spec.retries.maxRetries", /at most 20, got 21/],
	[{ retries: { maxRetries: -1 } }, "spec.retries.maxRetries", /at least 0/],
	[{ retries: { maxRetries: "3" } }, "spec.retries.maxRetries", /number, got a string/],
	[{ retries: { maxBackoffMs: 86_400_001 } }, "spec.retries.maxBackoffMs", /at most 86400000/],
	[{ retries: { max: 1 } }, "spec.retries.max", /known fields: maxRetries, maxBackoffMs/],
	[{ eventTypes: [] }, "spec.eventTypes", /at least 1 entry/],
	[{ eventTypes: ["a", "a*"] }, "spec.eventTypes.1", /prefix such as user\.\*$/],
	[{ eventTypes: ["*"] }, "spec.eventTypes.0", /prefix such as user\.\*; for all types, omit the list or send null$/],
	[{ eventTypes: ["a", "a"] }, "spec.eventTypes.1", /same as entry 0/],
	[{ eventTypes: ["fanfare.webhook.failling"] }, "spec.eventTypes.0", /did you mean fanfare\.webhook\.failing\?$/],
	[{ eventTypes: ["a", "fanfare.webhooks.*"] }, "spec.eventTypes.1", /did you mean fanfare\.webhook\.\*\?$/],
	[{ eventTypes: ["fanfare.weather"] }, "spec.eventTypes.0", /no own event of Fanfare; these are fanfare\.customer/],
	[{ timeoutMs: 999 }, "spec.timeoutMs", /at least 1000/],
	[{ timeoutMs: 30_001 }, "spec.timeoutMs", /at most 30000/],
	[{ description: long(1_025) }, "spec.description", /0–1024 characters/],
	[{ metadata: { a: 1 } }, "spec.metadata.a", /must be a string/],
	[{ metadata: { [long(65)]: "" } }, `spec.metadata.${long(64)}…`, /1–64 characters/],
	[{ metadata: { a: long(513) } }, "spec.metadata.a", /0–512 characters/],
	[{ metadata: many(51, "n") }, "spec.metadata", /at most 50/],
	[{ metadata: [] }, "spec.metadata", /an object of strings/],
	[{ headers: { Host: "a" } }, "spec.headers.Host", /reserved/],
	[{ headers: { "Webhook-Signature": "a" } }, "spec.headers.Webhook-Signature", /reserved/],
	[{ headers: { "Proxy-Authorization": "a" } }, "spec.headers.Proxy-Authorization", /reserved/],
	[{ headers: { "a b": "a" } }, "spec.headers.a b", /not a valid header name/],
	[{ headers: { "x-a": "1", "X-A": "2" } }, "spec.headers.x-a", /more than once/],
	[{ headers: { "x-a": "a\r\nx-b: 1" } }, "spec.headers.x-a", /visible ASCII/],
	[{ headers: { "x-a": "é" } }, "spec.headers.x-a", /visible ASCII/],
	[{ headers: { "x-a": "***" } }, "spec.headers.x-a", /cannot be read back/],
	[{ headers: { "x-a": long(1_025) } }, "spec.headers.x-a", /at most 1024/],
	[{ headers: many(21, "x-") }, "spec.headers", /at most 20/],
];

/** Values of another form than a field of the spec has, with that form. */
const FORMS: readonly Row<string>[] = [
	[{ secret: "hunter2" }, "spec.secret", 'an object such as {"contents": "…"}, got a string'],
	[{ secret: 424_242 }, "spec.secret", 'an object such as {"contents": "…"}, got a number'],
	[{ secret: ["hunter2"] }, "spec.secret", 'an object such as {"contents": "…"}, got an array'],
	[{ secret: { contents: 424_242 } }, "spec.secret.contents", "a string, got a number"],
	[
		{ retries: 424_242 },
		"spec.retries",
		'an object such as {"maxRetries": …, "maxBackoffMs": …, "scheduleMs": […]}, got a number',
	],
	[{ rateLimit: 424_242 }, "spec.rateLimit", 'an object such as {"perSecond": …}, got a number'],
	[{ headers: "hunter2" }, "spec.headers", 'an object of strings such as {"name": "value"}, got a string'],
	[{ metadata: "hunter2" }, "spec.metadata", 'an object of strings such as {"name": "value"}, got a string'],
	[{ eventTypes: "hunter2" }, "spec.eventTypes", 'an array such as ["…"], got a string'],
];

/** The signature that a request signed with this secret has. */
function signatureOf({ headers, rawBody }: ReceivedRequest, secret: string): string {
	const key = signingKey(decodeSecret(secret)!);
	return sign([key], String(headers["webhook-id"]), Number(headers["webhook-timestamp"]), rawBody);
}

describe("creating a webhook", () => {
	it("returns the fields of Nexus and of Fanfare, without anything write-only", async () => {
		await using receiver = await startReceiver();
		const { call, project } = await caller();
		const { status, json, text } = await call("POST", "./batch/webhooks", {
			name: "aws-lambda",
			spec: {
				endpoint: receiver.url,
				secret: { contents: SECRET },
				retries: { maxRetries: 5 },
				description: "two\nlines",
				eventTypes: ["user.created", "order.*"],
				headers: { "X-Tenant": "very private" },
				timeoutMs: 1_000,
				metadata: { customer: "4711" },
			},
		});
		expect(status).toBe(200);
		expect(json).toEqual({
			id: expect.stringMatching(/^webhook_/),
			object: "webhook",
			projectId: project.id,
			name: "aws-lambda",
			endpoint: receiver.url,
			retries: { maxRetries: 5, maxBackoffMs: 28_800_000 },
			createDate: expect.any(Number),
			updateDate: expect.any(Number),
			revision: expect.any(Number),
			description: "two\nlines",
			eventTypes: ["user.created", "order.*"],
			headers: { "x-tenant": "***" },
			timeoutMs: 1_000,
			metadata: { customer: "4711" },
			status: "Enabled",
			disabledReason: null,
			pausedReason: null,
			secretHint: "LaSw",
			secretOverlapUntil: null,
			rateLimit: null,
			disableAfterMs: 432_000_000,
			health: { state: "Healthy", failingSince: null, exhaustedCount: 0, disableDate: null },
			deliveries: { Pending: 0, Held: 0, Failed: 0 },
			lastAttempt: null,
		});
		expect(text).not.toMatch(/very private|MfKQ9r8G/);
		await call("POST", `./batch/webhooks/${String(json["id"])}:test`);
		const request = receiver.requests[0]!;
		expect(request.headers["x-tenant"]).toBe("very private");
		expect(request.headers["webhook-signature"]).toBe(signatureOf(request, SECRET));
	});

	it("generates a secret if none is given, and sets the default for one field of retries that is omitted or null", async () => {
		const { call } = await caller();
		for (const [spec, maxRetries, maxBackoffMs] of [
			[{ retries: {} }, 17, 28_800_000],
			[{ secret: null, retries: { maxRetries: null } }, 17, 28_800_000],
			[{ retries: { maxRetries: 2 } }, 2, 28_800_000],
			[{ retries: { maxBackoffMs: 5_000 } }, 17, 5_000],
		] as const) {
			const { json } = await call("POST", "./batch/webhooks", { name: "a", spec: { endpoint, ...spec } });
			expect(json["retries"]).toEqual({ maxRetries, maxBackoffMs });
			// It has 32 bytes, so its base64 ends in one "=".
			expect(json["secretHint"]).toMatch(/^...=$/);
		}
	});

	it("counts a name's code points, and treats 0 as a value", async () => {
		const { call } = await caller();
		const spec = { endpoint, retries: { maxRetries: 0, maxBackoffMs: 0 } };
		const created = await call("POST", "./batch/webhooks", { name: "𝄞".repeat(128), spec });
		expect(created).toMatchObject({ status: 200, json: { retries: spec.retries } });
		expect((await call("POST", "./batch/webhooks", { name: "𝄞".repeat(129), spec })).status).toBe(400);
	});

	it("refuses wrong fields with a path, and creates nothing", async () => {
		const api = await caller();
		const ofSpec = SPECS.map(([spec, path, message]) => [{ spec: { endpoint, ...spec } }, path, message] as const);
		const refusals = [...FIELDS, ...ofSpec].map(([change, path, message]): Refusal => {
			return ["POST ./batch/webhooks", path, message, { name: "a", spec: { endpoint }, ...change }];
		});
		await expectRefusals(api, refusals);
		expect(rowsOf(await api.get("./batch/webhooks"))).toEqual([]);
	});

	it("refuses another form of a field with the expected one, and does not repeat the value", async () => {
		const { call, makeWebhook } = await caller();
		const id = await makeWebhook();
		for (const [change, path, form] of FORMS) {
			const refusal = refused(path, `must be ${form}`);
			const created = await call("POST", "./batch/webhooks", { name: "a", spec: { endpoint, ...change } });
			expect(created).toMatchObject(refusal);
			expect(created.text).not.toMatch(/hunter2|424242/);
			if (path.startsWith("spec.secret")) continue;
			expect(await call("PATCH", `./batch/webhooks/${id}`, { spec: change })).toMatchObject(refusal);
		}
	});

	it("refuses a spec or a body that is a plain value with the expected form", async () => {
		const { call, makeWebhook } = await caller();
		const path = `./batch/webhooks/${await makeWebhook()}`;
		const said = async (...[method, url, body]: Parameters<typeof call>) => {
			const { status, json } = await call(method, url, body);
			return [status, json["message"]];
		};
		expect(await said("POST", "./batch/webhooks", { name: "a", spec: endpoint })).toEqual([
			400,
			'spec: must be an object such as {"endpoint": "…"}, got a string',
		]);
		expect(await said("PATCH", path, { spec: endpoint })).toEqual([
			400,
			'spec: must be an object such as {"endpoint": "…", "retries": {…}, "description": "…", …}, got a string',
		]);
		expect(await said("PUT", `${path}/secret`, JSON.stringify(SECRET))).toEqual([
			400,
			'The body must be a JSON object such as {"contents": "…"}, got a string.',
		]);
		expect(await said("POST", `${path}:replay`, "1723633671620")).toEqual([
			400,
			'The body must be a JSON object such as {"since": …, "until": …, "eventIds": […], …}, got a number.',
		]);
	});

	it("refuses the name __proto__ wherever names are free", async () => {
		const { call } = await caller();
		for (const member of [
			'"metadata":{"__proto__":"x"}',
			'"headers":{"__proto__":"x"}',
			'"__proto__":{"endpoint":"x"}',
		]) {
			const body = `{"name":"a","spec":{"endpoint":"${endpoint}",${member}}}`;
			const { status, json } = await call("POST", "./batch/webhooks", body);
			expect([status, JSON.stringify(json["issues"])]).toEqual([400, expect.stringContaining("__proto__")]);
			expect({}).not.toHaveProperty("endpoint");
		}
	});
});

describe("changing a webhook", () => {
	it("changes the fields in the body and no others", async () => {
		const { call } = await caller();
		const spec = { endpoint, description: "d", eventTypes: ["a"], headers: { "x-a": "1" }, metadata: { a: "1" } };
		const settings = { ...spec, timeoutMs: 2_000, retries: { maxRetries: 3, maxBackoffMs: 5_000 } };
		const { json: created } = await call("POST", "./batch/webhooks", { name: "a", spec: settings });
		let expected = created;
		let revision = Number(created["revision"]);
		for (const [body, change] of [
			[{ name: "b" }, { name: "b" }],
			[{ spec: {} }, {}],
			[{}, {}],
			[{ spec: { retries: { maxRetries: 0 } } }, { retries: { maxRetries: 0, maxBackoffMs: 5_000 } }],
			[{ spec: { endpoint: `${endpoint}2` } }, { endpoint: `${endpoint}2` }],
			[{ spec: { timeoutMs: 3_000 } }, { timeoutMs: 3_000 }],
		] as const) {
			// Each change raises the revision; a body without settings is none.
			if (Object.keys(change).length > 0) revision++;
			expected = { ...expected, ...change, revision };
			const { status, json } = await call("PATCH", `./batch/webhooks/${String(created["id"])}`, body);
			expect([status, json]).toEqual([200, expected]);
		}
	});

	it("replaces a schedule with the number of retries in the body", async () => {
		const { call } = await caller();
		const spec = { endpoint, retries: { scheduleMs: [1_000, 2_000], maxBackoffMs: 5_000 } };
		const { json } = await call("POST", "./batch/webhooks", { name: "a", spec });
		expect(json["retries"]).toEqual({ maxRetries: 2, maxBackoffMs: 5_000, scheduleMs: [1_000, 2_000] });
		const body = { spec: { retries: { maxRetries: 4 } } };
		const patched = await call("PATCH", `./batch/webhooks/${String(json["id"])}`, body);
		expect(patched.json["retries"]).toEqual({ maxRetries: 4, maxBackoffMs: 5_000 });
	});

	it("ignores the secret, whatever it is", async () => {
		const { call, get, makeWebhook } = await caller();
		const path = `./batch/webhooks/${await makeWebhook()}`;
		for (const secret of [{ contents: SECRET }, { contents: "rubbish" }, null, 5, "x", [], { a: { b: 1 } }]) {
			const { json: before } = await get(path);
			const { status, json } = await call("PATCH", path, { spec: { endpoint, secret } });
			expect([status, json]).toEqual([200, { ...before, endpoint, revision: Number(before["revision"]) + 1 }]);
			await call("PATCH", path, { spec: { endpoint: `${endpoint}2` } });
		}
	});

	it("refuses fields in the wrong place, and null for what has no default", async () => {
		const { call, makeWebhook } = await caller();
		const path = `./batch/webhooks/${await makeWebhook()}`;
		const bodies = [{ secret: SECRET }, { endpoint }, { spec: { name: "a" } }, { spec: null }, { name: null }];
		for (const body of [...bodies, { spec: { endpoint: null } }])
			expect([body, (await call("PATCH", path, body)).status]).toEqual([body, 400]);
	});

	it("replaces the secret only with PUT, with or without its prefix", async () => {
		const { call, makeWebhook } = await caller();
		for (const contents of [SECRET, SECRET.slice(6)]) {
			expect(await call("PUT", `./batch/webhooks/${await makeWebhook()}/secret`, { contents })).toMatchObject({
				status: 200,
				json: { object: "webhook", secretHint: "LaSw" },
			});
		}
		const path = `./batch/webhooks/${await makeWebhook()}/secret`;
		for (const body of [{}, { contents: "x" }, { contents: SECRET, x: 1 }, { secret: { contents: SECRET } }]) {
			expect((await call("PUT", path, body)).status).toBe(400);
		}
	});

	it("responds to a deletion with the id", async () => {
		const { call, makeWebhook } = await caller();
		const id = await makeWebhook();
		expect((await call("DELETE", `./batch/webhooks/${id}`)).json).toEqual({ id, deleted: true });
		expect((await call("GET", `./batch/webhooks/${id}`)).status).toBe(404);
	});
});
