// Hostile values in every field of every body, in every query parameter, in every path and in headers: a 400 that names the field,
// and never a 500.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { expect, it } from "vitest";

import {
	bodyWith,
	callsWithBody,
	openPaths,
	queryParameters,
	type BodyField,
	type Kind,
	type QueryParameter,
} from "../test/body-fields.ts";
import { caller, type Answer, type Caller } from "../test/caller.ts";
import { shownAnswer } from "../test/shown-answer.ts";
import { characterCount } from "./common/characters.ts";
import { apiRoutes } from "./table.ts";

/** Names that mean something to JavaScript, to JSON or to libraries that look at values. */
const NAMES =
	"length size toString valueOf toJSON then constructor prototype __proto__ hasOwnProperty message name code type 0 -1"
		.split(" ")
		.concat("", "\ud800", "\u0000");
const PLAIN = "null true false 0 -0 -1 1.5 1e400 -1e400 1e-400 9007199254740993"
	.split(" ")
	.concat(
		["", "\ud800", "\u0000", " ", "\u202e", "__proto__", "toString", "%00", "{}", "1", "$&"].map((text) =>
			JSON.stringify(text),
		),
	)
	.concat(JSON.stringify("x".repeat(5_000)), JSON.stringify("😀".repeat(500)));
/** Parts of URLs. */
const TEXTS = "% %00 %ff %ed%a0%80 __proto__ constructor -1 1e9 []"
	.split(" ")
	.concat("1".repeat(400), "a,".repeat(999));

/** Values of headers, which have neither control characters nor characters beyond one byte. */
const HEADER_TEXTS = '% %00 __proto__ constructor toString -1 1e9 [] {} " , ; = =; ../ \u0080 \u00ff'
	.split(" ")
	.concat("1".repeat(400), "a,".repeat(999), "a=b;".repeat(999));
/** Of so many names, a place is given one. */
const NAMES_APART = 5;
const EVENT = '{"type":"user.created","data":1}';

interface HeaderCase {
	readonly name: string;
	readonly path: string;
	/** Sent with POST; if omitted, the call is a GET. */
	readonly body?: string;
	/** The other headers. Defaults to the key. */
	readonly others?: Readonly<Record<string, string>>;
	readonly expected: (text: string) => number;
}

/** Query parameters that take any text, and those that take names of event types, of which hostile values are some. */
const ANY_TEXT = ["q", "idempotencyKey", "objectId"];
const TYPES = ["type", "eventType", "eventTypes"];
const TYPE = /^[\w-]+(\.[\w-]+)*$/;

/** JSON texts. They are not made by `JSON.stringify`, since some of these values only `JSON.parse` makes. */
const plain = fc.constantFrom(...PLAIN);
const { hostile } = fc.letrec<{ hostile: string; list: string; map: string }>((tie) => ({
	hostile: fc.oneof({ maxDepth: 3 }, plain, tie("map"), tie("list")),
	list: fc.array(tie("hostile"), { maxLength: 4 }).map((values) => `[${values.join(",")}]`),
	map: fc
		.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), tie("hostile")), { maxLength: 4, selector: ([name]) => name })
		.map((entries) => `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`),
}));
/** Values with which this began: they have a length or a value that can't be turned into a text or a number. */
const EXAMPLES = [
	'{"length":0,"toString":1}',
	'{"length":[{"toString":null}]}',
	'{"length":1e9,"toString":1}',
	'{"valueOf":0,"toString":0}',
];

const calls = callsWithBody();

it("covers every call with a body, and what is inside lists and maps", () => {
	expect(calls.length).toBeGreaterThan(12);
	const places = calls.flatMap(({ id, fields }) => fields.map(({ at }) => `${id}:${at.join(".")}`));
	expect(places).toEqual(
		expect.arrayContaining([
			"sendEvent:webhookIds.0",
			"sendEvents:events.0.webhookIds.0",
			"createWebhook:spec.headers.name",
			"updateWebhookSecret:contents",
			"sendEvents:events.0.customerIds.0",
			"retryDeliveries:responseCode.0",
		]),
	);
});

it.each(calls)("$id refuses hostile values in any field of its body, with the name of the field", async (one) => {
	const api = await caller();
	const url = (await openPaths(api))(one.path);
	const refuses = async (field: BodyField, json: string) => {
		const body = bodyWith(one, field.at, json);
		const answer = await api.call(one.method, url, body);
		// Some calls take only small bodies.
		const shown = shownAnswer(api, answer);
		if (Buffer.byteLength(body) > one.maxBytes) expect([answer.status, shown]).toEqual([413, shown]);
		else if (!isAllowed(field, json)) expectRefusal(api, answer, field.at);
		else expect([answer.status < 500, shown]).toEqual([true, shown]);
	};
	for (const field of one.fields) for (const json of EXAMPLES) await refuses(field, json);
	await fc.assert(fc.asyncProperty(fc.constantFrom(...one.fields), hostile, refuses), { numRuns: runs(50) });
});

it("unknown fields anywhere in a body are refused, whatever they are called", async () => {
	const api = await caller();
	const pathOf = await openPaths(api);
	const places = calls.flatMap((callWithBody) => callWithBody.fields.map((field) => ({ callWithBody, field })));
	for (const [index, { callWithBody, field }] of places.entries()) {
		if (field.names === null) continue;
		const names = NAMES.filter((name) => !field.names?.includes(name));
		// Each place refuses some of them, and each name is refused in some place.
		for (const name of names.filter((_, n) => n % NAMES_APART === index % NAMES_APART)) {
			const body = bodyWith(callWithBody, field.at, `{${JSON.stringify(name)}:1}`);
			const answer = await api.call(callWithBody.method, pathOf(callWithBody.path), body);
			expectRefusal(api, answer, field.at);
			expect(answer.text).toContain("is not a known field");
		}
	}
});

it("hostile values of any query parameter are refused with its name, and so are unknown parameters", async () => {
	const api = await caller();
	const pathOf = await openPaths(api);
	const parameters = queryParameters();
	for (const parameter of parameters) {
		const { method, name } = parameter;
		const path = pathOf(parameter.path);
		for (const value of TEXTS) {
			const url = `${path}?${name}=${value}`;
			const answer = await outcomeOf(api, method, url);
			const { status, shown } = answer;
			// Another parameter can be missing, and the path names nothing that exists in some calls.
			if (mayHave(parameter, decoded(value)))
				expect([url, status, shown]).toEqual([url, expect.toBeOneOf([200, 400, 404]), shown]);
			else expect([url, status, namesIssue(answer, name), shown]).toEqual([url, 400, true, shown]);
		}
	}
	for (const path of new Set(parameters.map((parameter) => `${parameter.method} ${pathOf(parameter.path)}`))) {
		const [method = "", url = ""] = path.split(" ");
		for (const name of ["__proto__", "constructor", "toString", "length", "%ff", ""]) {
			const { status, shown } = await outcomeOf(api, method, `${url}?${name}=1`);
			expect([path, name, status, shown]).toEqual([path, name, 400, shown]);
		}
	}
});

/** Every header that calls read, on a call that reads it, and the answer to a hostile value. */
const HEADERS: readonly HeaderCase[] = [
	{ name: "Last-Event-ID", path: "./stream", expected: () => 400 },
	{ name: "Fanfare-Actor", path: "./batch/webhooks", expected: (text) => (/^[!-~]{1,128}$/.test(text) ? 200 : 400) },
	{ name: "Content-Encoding", path: "./events", body: EVENT, expected: () => 400 },
	// These are no part of what is asked for: an event is sent without a trace that is not one, whatever its body is called.
	{ name: "traceparent", path: "./events", body: EVENT, expected: () => 202 },
	{ name: "Content-Type", path: "./events", body: EVENT, expected: () => 202 },
	{ name: "X-Forwarded-For", path: "./events", body: EVENT, expected: () => 202 },
	{ name: "Origin", path: "./events", body: EVENT, expected: () => 202 },
	{ name: "Secret-Key", path: "./events", body: EVENT, expected: () => 401 },
	{ name: "Authorization", path: "./events", body: EVENT, others: {}, expected: () => 401 },
	{ name: "Cookie", path: "./events", body: EVENT, others: { "fanfare-page": "1" }, expected: () => 401 },
	{ name: "Fanfare-Page", path: "./events", body: EVENT, others: { cookie: "fanfare_session=1" }, expected: () => 401 },
];

it.each(HEADERS)("the header $name takes no hostile value for another one", async ({ name, path, body, ...rest }) => {
	const api = await caller();
	const { others = { "secret-key": api.keys.admin }, expected } = rest;
	const url = `/projects/${api.project.id}/${path.slice(2)}`;
	for (const value of HEADER_TEXTS) {
		const headers = { "content-type": "application/json", ...others, [name.toLowerCase()]: value };
		const answer = await outcomeOf(api, body === undefined ? "GET" : "POST", url, { headers, body });
		const { status, shown } = answer;
		expect([value, status, shown]).toEqual([value, expected(value), shown]);
		if (status === 400 && name !== "Content-Encoding") expect([namesIssue(answer, name), shown]).toEqual([true, shown]);
	}
});

it("hostile values in any path are answered with 400 or 404", async () => {
	const api = await caller();
	const routes = apiRoutes().filter(({ path }) => path.includes("{"));
	for (const { method, path } of routes) {
		const inProject = path.replace("{projectId}", api.project.id);
		const templates = inProject.includes("{") ? [path, inProject] : [path];
		for (const url of templates.flatMap((one) => TEXTS.map((value) => one.replaceAll(/\{\w+\}/g, value)))) {
			const { status, shown } = await outcomeOf(api, method.toUpperCase(), url);
			expect([url, status, shown]).toEqual([url, expect.toBeOneOf([400, 404, 405]), shown]);
		}
	}
});

interface Outcome {
	readonly status: number;
	readonly text: string;
	/** What to print if it is wrong. */
	readonly shown: string;
}

/** How a call ended. The body of a success is not read: the live stream has no end. */
async function outcomeOf(
	{ app, keys, lines }: Caller,
	method: string,
	url: string,
	{
		headers: sent = { "secret-key": keys.admin },
		body,
	}: { headers?: Record<string, string>; body?: string | undefined } = {},
): Promise<Outcome> {
	const response = await app.request(url, { method, headers: sent, ...(body !== undefined && { body }) });
	const { status, headers } = response;
	if (response.ok) await response.body?.cancel();
	const text = response.ok ? "" : await response.text();
	return { status, text, shown: shownAnswer({ lines }, { status, headers, text }) };
}

/** The value that a query has. */
function decoded(text: string): string {
	return new URLSearchParams(`a=${text}`).get("a") ?? "";
}

/** Whether the document allows the value: then, the call may do what it asks for. */
function mayHave({ name, schema }: QueryParameter, value: string): boolean {
	const { type, enum: words, pattern, minLength = 0, maxLength = Infinity } = schema;
	if (type !== "string" || words !== undefined) return false;
	const length = characterCount(value);
	if (length < minLength || length > maxLength) return false;
	if (pattern !== undefined) return new RegExp(pattern, "u").test(value);
	if (TYPES.includes(name)) return value.split(",").every((entry) => entry.length <= 256 && TYPE.test(entry));
	return ANY_TEXT.includes(name);
}

/** Whether an issue names the parameter or the header. */
function namesIssue({ text }: Outcome, name: string): boolean {
	const { issues = [] } = JSON.parse(text) as { issues?: readonly { readonly path: string }[] };
	return issues.some(({ path }) => path === name || path.startsWith(`${name}.`));
}

function isAllowed({ kinds }: BodyField, json: string): boolean {
	return kinds === null || kinds.includes(kindOf(json));
}

function kindOf(json: string): Kind {
	const value: unknown = JSON.parse(json);
	if (value === null) return "null";
	return Array.isArray(value) ? "array" : (typeof value as Kind);
}

/** The field, or a field inside it, is named by an issue. In a batch, each event has its own result. */
function expectRefusal(api: Caller, answer: Answer, at: BodyField["at"]): void {
	const { status, json } = answer;
	const shown = shownAnswer(api, answer);
	const [item] = status === 202 ? (json["data"] as { status: number; error: { issues: { path: string }[] } }[]) : [];
	expect([item?.status ?? status, shown]).toEqual([400, shown]);
	const issues = item?.error.issues ?? (json["issues"] as { path: string }[]);
	const name = at.join(".");
	const inside = issues.filter(({ path }) => name === "" || path === name || path.startsWith(`${name}.`));
	expect([inside.length > 0, shown]).toEqual([true, shown]);
}
