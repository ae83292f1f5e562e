// The lean path gives the responses that the app gives, byte for byte: each request here goes to two servers on one engine, one with the
// lean path and one without.
import { connect } from "node:net";

import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";

import { FanfareError } from "../../core/errors.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { ApiDeps } from "../deps.ts";
import { caller, type Caller } from "../test/caller.ts";
import { listenOnNode, PLAIN_HOST } from "../test/node-server.ts";

const KIB = 1_024;
/** The largest body that may take the lean path. */
const LARGEST = 16 * KIB;
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const EVENT = '{"type":"a.b","data":{"n":1.0}}';
const QUIET_MS = 20_000;

/** A request as bytes. What is omitted is as most senders write it. */
interface Sent {
	readonly method?: string;
	/** `./` means in the project. */
	readonly path?: string;
	readonly version?: string;
	/** Replaces headers of the same name; null omits one. */
	readonly headers?: Readonly<Record<string, string | null>>;
	/** Lines that are added to the head as they are. */
	readonly lines?: readonly string[];
	readonly body?: string | Uint8Array;
}

interface Both extends Caller {
	/** The number of requests that took the lean path. */
	readonly taken: () => number;
	/** What both servers respond to a request, and to one after it on the same connection. */
	readonly compare: (sent: Sent) => Promise<{ byLean: string; byApp: string }>;
	readonly bytesOf: (sent: Sent) => Buffer;
	readonly port: number;
	/** The clock by which the server with the lean path ends bodies that nobody reads. */
	readonly clock: ManualClock;
}

async function openBoth(parts: Partial<ApiDeps> = {}, limits: ApiDeps["limits"] = {}): Promise<Both> {
	const api = await caller(limits, null, parts);
	const { app, lean, keys, project, lines } = api;
	let taken = 0;
	const counted: typeof lean.respond = (request, response, endBody) => {
		const isTaken = lean.respond(request, response, endBody);
		if (isTaken) taken++;
		return isTaken;
	};
	const log = (line: (typeof lines)[number]) => void (lines as (typeof line)[]).push(line);
	const clock = new ManualClock();
	const port = await listenOnNode(app, { respond: counted }, log, clock);
	const plainPort = await listenOnNode(app, null, log);

	function bytesOf({
		method = "POST",
		path = "./events",
		version = "1.1",
		headers = {},
		lines = [],
		body = EVENT,
	}: Sent) {
		const usual = {
			host: PLAIN_HOST,
			authorization: `Bearer ${keys.admin}`,
			"content-type": "application/json",
			"content-length": String(Buffer.byteLength(body)),
		};
		const all = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== null);
		const head = [...all.map(([name, value]) => `${name}: ${value}`), ...lines].map((line) => `${line}\r\n`).join("");
		const target = path.startsWith("./") ? `/projects/${project.id}/${path.slice(2)}` : path;
		return Buffer.concat([
			Buffer.from(`${method} ${target} HTTP/${version}\r\n${head}\r\n`, "latin1"),
			typeof body === "string" ? Buffer.from(body) : body,
		]);
	}

	async function compare(sent: Sent) {
		const bytes = bytesOf(sent);
		const connection = sent.headers?.["connection"];
		const isLast = connection === "close" || (sent.version === "1.0" && connection !== "keep-alive");
		const before = lines.length;
		const byApp = await exchange(plainPort, bytes, isLast);
		const between = lines.length;
		const byLean = await exchange(port, bytes, isLast);
		expect(responsesIn(byLean)).toEqual(responsesIn(byApp));
		expect(lines.slice(between).map(withoutChance)).toEqual(lines.slice(before, between).map(withoutChance));
		return { byLean, byApp };
	}
	return { ...api, taken: () => taken, compare, bytesOf, port, clock };
}

/** Everything that comes back for some bytes, and for one more request on the connection unless they are the last, until the server closes it. */
function exchange(port: number, bytes: Uint8Array, isLast: boolean): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = connect(port, "127.0.0.1");
		const chunks: Buffer[] = [];
		socket.setTimeout(QUIET_MS, () => socket.destroy(new Error(`no end of the connection: ${String(chunks)}`)));
		socket.on("data", (chunk: Buffer) => chunks.push(chunk));
		socket.on("error", reject);
		socket.on("close", () => resolve(Buffer.concat(chunks).toString()));
		const next = isLast ? "" : requestHead("GET", "/healthz", { connection: "close" });
		socket.write(Buffer.concat([bytes, Buffer.from(next)]));
	});
}

/** The responses in a text, each with its headers in alphabetical order, and without what differs between two equal sends. */
function responsesIn(text: string): { status: string; headers: string[]; body: string }[] {
	return text
		.split(/(?=HTTP\/1\.1 \d{3} )/)
		.filter((response) => response !== "")
		.map((response) => {
			const [head = "", body = ""] = response.split("\r\n\r\n", 2);
			const [status = "", ...headers] = head.split("\r\n");
			const length = `: ${Buffer.byteLength(body)}`;
			// What the app's listener writes as content-length, the one of the command writes as Content-Length.
			const named = headers.map((line) =>
				line
					.replace(/^[^:]+/, (name) => name.toLowerCase())
					.replace(/^date: .*/, "date")
					.replace(`content-length${length}`, "content-length: right"),
			);
			return { status, headers: named.map(withoutIds).sort(), body: withoutIds(body) };
		});
}

function withoutIds(text: string): string {
	return text
		.replaceAll(/req_[0-9a-f]{32}/g, "req_")
		.replaceAll(/evt_[0-9a-f-]{36}/g, "evt_")
		.replaceAll(/"duplicate":(true|false)/g, '"duplicate":');
}

/** A log line without what differs by chance. */
function withoutChance({ requestId, durationMs, cause, ...line }: Caller["lines"][number]): object {
	return { ...line, cause: String(cause), hasId: requestId.startsWith("req_"), hasDuration: durationMs >= 0 };
}

function statusOf(text: string): number {
	return Number(text.slice("HTTP/1.1 ".length, "HTTP/1.1 ".length + 3));
}

const eventOf = (bytes: number) => EVENT.replace("1.0", `"${"x".repeat(bytes - EVENT.length + 1)}"`);
const fields = (json: string) => `{"type":"a","data":1,${json}}`;
const batch = (...events: readonly string[]) => `{"events":[${events.join(",")}]}`;

const TAKEN: readonly (readonly [name: string, status: number, sent: Sent])[] = [
	["an event", 202, {}],
	["a batch", 202, { path: "./events:batch", body: batch(EVENT, EVENT) }],
	["the largest body", 202, { body: eventOf(LARGEST) }],
	["all fields", 202, { body: fields('"timestamp":5,"customerIds":["a","b"],"tags":["x:1","y"],"webhookIds":null') }],
	["a customer", 202, { body: fields('"customerId":"acme"') }],
	["every customer", 202, { body: fields('"customerIds":"*"') }],
	["an idempotency key", 202, { body: fields('"idempotencyKey":"ü 1"') }],
	["a charset", 202, { headers: { "content-type": "application/json; charset=utf-8" } }],
	[
		"upper case",
		202,
		{ headers: { authorization: null, "content-type": null }, lines: ["Content-Type: Application/JSON"] },
	],
	["a client's other headers", 202, { headers: { "user-agent": "x", accept: "*/*", "accept-encoding": "gzip, br" } }],
	["a proxy's headers", 202, { headers: { "x-forwarded-for": "192.0.2.1, 10.0.0.1", "x-forwarded-proto": "https" } }],
	["white space around values", 202, { headers: { "content-type": "  application/json\t " } }],
	["the end of the connection", 202, { headers: { connection: "close" } }],
	["keep-alive", 202, { headers: { connection: "keep-alive" } }],
	["a trace", 202, { headers: { traceparent: TRACEPARENT, tracestate: "a=b" } }],
	["a broken trace", 202, { headers: { traceparent: "00-0" } }],
	["names that every object has", 202, { headers: { __proto__x: "1", constructor: "1", tostring: "1" } }],
	["the port of a host", 202, { headers: { host: "127.0.0.1:8787" } }],
	["no key", 401, { headers: { authorization: "Basic YTpi" } }],
	["an unknown key", 401, { headers: { authorization: `Bearer sk_${"a".repeat(43)}` } }],
	["half a key", 401, { headers: { "secret-key": "sk_", authorization: null } }],
	["an empty key", 401, { headers: { "secret-key": "", authorization: null } }],
	["two kinds of keys, the first of which counts", 401, { headers: { "secret-key": "sk_x" } }],
	["a project that nobody has", 404, { path: `/projects/proj_${"0".repeat(32)}/events` }],
	["white space as body", 400, { body: " \n" }],
	["JSON that breaks off", 400, { body: '{"type":"a","data":' }],
	["text after the JSON", 400, { body: `${EVENT} x` }],
	["a byte order mark", 202, { body: `\uFEFF${EVENT}` }],
	["no UTF-8", 400, { body: Buffer.concat([Buffer.from('{"type":"a","data":"'), Buffer.of(0xff), Buffer.from('"}')]) }],
	[
		"an overlong NUL",
		400,
		{ body: Buffer.concat([Buffer.from('{"type":"a","data":"'), Buffer.of(0xc0, 0x80), Buffer.from('"}')]) },
	],
	["a list", 400, { body: "[]" }],
	["null", 400, { body: "null" }],
	["an empty object", 400, { body: "{}" }],
	["duplicate names", 400, { body: '{"type":"a","data":1,"type":"b"}' }],
	["duplicate names by escapes", 400, { body: '{"type":"a","data":1,"\\u0074ype":"b"}' }],
	["__proto__", 400, { body: fields('"__proto__":{"type":"b"}') }],
	["__proto__ in place of the type", 400, { body: '{"__proto__":{"type":"a"},"data":1}' }],
	["__proto__ in data", 202, { body: '{"type":"a","data":{"__proto__":1,"a":1,"a":2}}' }],
	["a lone surrogate in data", 202, { body: '{"type":"a","data":"\\ud800"}' }],
	["a lone surrogate in a key", 400, { body: fields('"idempotencyKey":"\\ud800"') }],
	["large numbers", 202, { body: '{"type":"a","data":[1e999,12345678901234567890,-0,1E-400]}' }],
	["a large number as time", 400, { body: fields('"timestamp":1e999') }],
	["no number", 400, { body: '{"type":"a","data":NaN}' }],
	["deep data", 202, { body: `{"type":"a","data":${"[".repeat(8_000)}${"]".repeat(8_000)}}` }],
	["a type of Fanfare's own", 400, { body: '{"type":"fanfare.test","data":1}' }],
	["an unknown field", 400, { body: fields('"colour":"red"') }],
	["an unknown webhook", 400, { body: fields('"webhookIds":["webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77"]') }],
	["customers twice", 400, { body: fields('"customerId":"a","customerIds":["a"]') }],
	[
		"a batch of some that are refused",
		202,
		{ path: "./events:batch", body: batch(EVENT, "1", '{"type":"a","data":1,"data":2}', "{}") },
	],
	["an empty batch", 400, { path: "./events:batch", body: batch() }],
	["an event sent as a batch", 400, { path: "./events:batch" }],
];

const NOT_TAKEN: readonly (readonly [name: string, status: number, sent: Sent])[] = [
	["a list of events", 200, { method: "GET", headers: { "content-length": null }, body: "" }],
	["HEAD", 200, { method: "HEAD", headers: { "content-length": null }, body: "" }],
	[
		"OPTIONS",
		405,
		{ method: "OPTIONS", headers: { origin: "https://a.example", "access-control-request-method": "POST" } },
	],
	["PUT", 405, { method: "PUT" }],
	["DELETE", 405, { method: "DELETE" }],
	["a slash at the end", 404, { path: "./events/" }],
	["two slashes", 404, { path: ".//events" }],
	["an action that is no action", 404, { path: "./events:explode" }],
	["a colon that is escaped", 202, { path: "./events%3Abatch", body: batch(EVENT) }],
	["another escape", 202, { path: "./%65vents" }],
	["dots", 202, { path: "./x/../events" }],
	["a query", 400, { path: "./events?a=1" }],
	["an empty query", 202, { path: "./events?" }],
	["a fragment", 202, { path: "./events#a" }],
	["another project's form", 404, { path: "/projects/PROJ_1/events" }],
	["an absolute target", 404, { path: "http://fanfare.test/projects/x/events" }],
	["HTTP/1.0", 202, { version: "1.0" }],
	["a key twice", 401, { lines: ["Authorization: Bearer sk_x"] }],
	["two secret keys", 401, { headers: { "secret-key": "sk_x" }, lines: ["Secret-Key: sk_y"] }],
	["two content types", 202, { lines: ["content-type: text/plain"] }],
	["two hosts", 202, { lines: ["host: b"] }],
	["two traces", 202, { headers: { traceparent: TRACEPARENT }, lines: [`traceparent: ${TRACEPARENT}`] }],
	["two addresses", 202, { headers: { "x-forwarded-for": "192.0.2.1" }, lines: ["x-forwarded-for: 192.0.2.2"] }],
	["a header named __proto__", 202, { lines: ["__proto__: 1"] }],
	["gzip", 400, { headers: { "content-encoding": "gzip" } }],
	["no compression, said aloud", 202, { headers: { "content-encoding": "identity" } }],
	["an expectation", 100, { headers: { expect: "100-continue" } }],
	["an expectation of wonders", 400, { headers: { expect: "wonders" } }],
	["an upgrade", 202, { headers: { upgrade: "h2c" } }],
	[
		"chunks",
		202,
		{ headers: { "content-length": null, "transfer-encoding": "chunked" }, body: `1f\r\n${EVENT}\r\n0\r\n\r\n` },
	],
	["chunks and a length", 400, { headers: { "transfer-encoding": "chunked" } }],
	["two lengths", 400, { lines: ["content-length: 5"] }],
	["a length with a sign", 400, { headers: { "content-length": "+31" } }],
	["a length with zeros", 202, { headers: { "content-length": "0031" } }],
	["no body", 400, { body: "" }],
	["no length", 400, { headers: { "content-length": null }, body: "" }],
	["a body of a byte more", 202, { body: eventOf(LARGEST + 1) }],
	["a body above the limit of the route", 413, { body: eventOf(257 * KIB) }],
	["a cookie", 202, { headers: { cookie: "a=b" } }],
	["the page", 202, { headers: { "fanfare-page": "1" } }],
	["a session that nobody has", 401, { headers: { authorization: null, "fanfare-page": "1", cookie: "a=b" } }],
	["an actor", 202, { headers: { "fanfare-actor": "ada@example.com" } }],
	["an actor that is none", 400, { headers: { "fanfare-actor": "a b" } }],
	["another origin", 202, { headers: { origin: "https://evil.example" } }],
	["no key at all", 401, { headers: { authorization: null } }],
	["no content type", 202, { headers: { "content-type": null } }],
	["text", 202, { headers: { "content-type": "text/plain" } }],
	["another charset", 202, { headers: { "content-type": "application/json; charset=latin1" } }],
	["no host", 400, { headers: { host: null } }],
	["a host in upper case", 202, { headers: { host: "Fanfare.Test" } }],
	["a host by IPv6", 202, { headers: { host: "[::1]:8787" } }],
	["a host with a port that is none", 400, { headers: { host: "fanfare.test:99999" } }],
	["a host with a user", 400, { headers: { host: "a@b" } }],
	["a host with a space", 400, { headers: { host: "a b" } }],
];

describe("a plain send takes the lean path, and gets the response of the app", () => {
	it.each(TAKEN)("%s: %i", async (_name, status, sent) => {
		const { compare, taken, keys } = await openBoth();
		// With its authorization omitted, a request has the other header for keys.
		const isWithoutKey = sent.headers?.["authorization"] === null && sent.headers["secret-key"] === undefined;
		const lines = [...(sent.lines ?? []), ...(isWithoutKey ? [`Secret-Key: ${keys.admin}`] : [])];
		expect(statusOf((await compare({ ...sent, lines })).byLean)).toBe(status);
		expect(taken()).toBe(1);
	});

	it.each(["read", "write", "admin", "project", "projectRead", "other"] as const)("the key %s", async (key) => {
		const { compare, taken, keys } = await openBoth();
		const { byLean } = await compare({ headers: { authorization: `bearer  ${keys[key]}` } });
		expect(statusOf(byLean)).toBe(
			{ read: 403, projectRead: 403, other: 404, write: 202, admin: 202, project: 202 }[key],
		);
		expect(taken()).toBe(1);
	});

	it("the token of a portal session, with the headers for its page", async () => {
		const { compare, tokenOf } = await openBoth({ portalOrigins: ["https://app.example.com"] });
		for (const token of [await tokenOf("acme"), `ps_${"a".repeat(43)}`]) {
			for (const origin of [null, "https://app.example.com"]) {
				const { byLean } = await compare({ headers: { authorization: `Bearer ${token}`, origin } });
				expect([401, 403]).toContain(statusOf(byLean));
				expect(byLean).toMatch(/^vary: Origin\r$/m);
			}
		}
	});

	it("what is refused by something else than the request", async () => {
		let isCurrent = true;
		const { compare, taken, engine, store, test } = await openBoth({ isCurrent: () => isCurrent });
		const send = engine.intake.send.bind(engine.intake);
		onTestFinished(() => void (engine.intake.send = send));
		engine.intake.send = () => Promise.reject(new FanfareError("shutting_down", "The server is shutting down."));
		expect(statusOf((await compare({})).byLean)).toBe(503);
		engine.intake.send = () => Promise.reject(new TypeError("a fault"));
		expect(statusOf((await compare({})).byLean)).toBe(500);
		engine.intake.send = send;
		store.commit = () => Promise.reject(new StoreError("store_full", "no space"));
		expect(statusOf((await compare({})).byLean)).toBe(503);
		store.commit = (batch) => test.store.commit(batch);
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		expect(statusOf((await compare({})).byLean)).toBe(400);
		isCurrent = false;
		expect(statusOf((await compare({})).byLean)).toBe(503);
		expect(taken()).toBe(5);
	});

	it("a repeated send and one that conflicts, whichever way it came first", async () => {
		const { compare, accepted } = await openBoth();
		const body = (data: number) => `{"type":"a","data":${data},"idempotencyKey":"k"}`;
		const first = await compare({ body: body(1) });
		expect(first.byApp).toContain('"duplicate":false');
		expect(first.byLean).toContain('"duplicate":true');
		expect((await compare({ body: body(1) })).byApp).toContain('"duplicate":true');
		expect(statusOf((await compare({ body: body(2) })).byLean)).toBe(409);
		expect(await accepted()).toHaveLength(1);
	});

	it("a person whom a trusted proxy names", async () => {
		const { compare, taken } = await openBoth({ proxyActorHeader: () => "X-Person" });
		for (const [person, status] of [
			["ada@example.com", 202],
			["", 202],
			["a b", 400],
		] as const) {
			expect(statusOf((await compare({ headers: { "x-person": person } })).byLean)).toBe(status);
		}
		expect(taken()).toBe(3);
	});

	it("bodies for which the memory has no room, and the connection goes on", async () => {
		const refused: string[] = [];
		const { compare, taken } = await openBoth(
			{ bodyRefused: (code) => refused.push(code) },
			{ bodyBytesInHand: 2 * KIB },
		);
		const { byLean } = await compare({ body: eventOf(1_100) });
		expect(statusOf(byLean)).toBe(503);
		expect(responsesIn(byLean)).toHaveLength(2);
		expect(refused).toEqual(["overloaded", "overloaded"]);
		expect(statusOf((await compare({ body: eventOf(1_000) })).byLean)).toBe(202);
		expect(taken()).toBe(2);
	});
});

describe("any other request goes to the app, which has read nothing of it", () => {
	it.each(NOT_TAKEN)("%s: %i", async (_name, status, sent) => {
		const { compare, taken } = await openBoth();
		expect(statusOf((await compare(sent)).byLean)).toBe(status);
		expect(taken()).toBe(0);
	});
});

/** Members of a body, most of them valid, and with names and values that are close to valid ones. */
const name = fc.constantFrom(
	..."type data timestamp idempotencyKey webhookIds customerId customerIds tags events".split(" "),
	..."__proto__ constructor Type toString".split(" "),
);
const text = fc.oneof(
	fc.constantFrom(
		"a",
		"a.b",
		"a..b",
		"fanfare.x",
		"*",
		"acme",
		"",
		" ",
		"\u0000",
		"\u2028",
		"é",
		"\ud800",
		"webhook_1",
	),
	fc.string({ maxLength: 5 }),
	fc.string({ unit: "binary", maxLength: 5 }),
);
const plain = fc.oneof(
	text.map((value) => JSON.stringify(value)),
	fc.constantFrom(
		"0",
		"-0",
		"1.0",
		"1.5",
		"1e999",
		"-1",
		"253402300799999",
		"253402300800000",
		"true",
		"null",
		"[]",
		"{}",
		"[1]",
	),
	fc.array(text, { maxLength: 7 }).map((list) => JSON.stringify(list)),
	fc.json({ maxDepth: 2 }),
);
const spelled = (word: string) => fc.constantFrom(JSON.stringify(word), JSON.stringify(word).replace("t", "\\u0074"));
const member = fc.tuple(name.chain(spelled), plain).map(([name, value]) => `${name}:${value}`);
const likely = fc
	.tuple(fc.constantFrom('"a"', '"order.paid"', '"a..b"', "7"), plain, fc.array(member, { maxLength: 3 }))
	.map(([type, data, rest]) => `{${[`"type":${type}`, `"data":${data}`, ...rest].join(",")}}`);
const anyObject = fc.array(member, { maxLength: 5 }).map((members) => `{${members.join(",")}}`);
const oneBody = fc.oneof({ weight: 4, arbitrary: likely }, anyObject, plain);
const body = fc.oneof(
	{ weight: 5, arbitrary: fc.tuple(fc.constant("./events"), oneBody) },
	{
		weight: 3,
		arbitrary: fc.tuple(
			fc.constant("./events:batch"),
			fc.array(oneBody, { maxLength: 4 }).map((all) => batch(...all)),
		),
	},
	fc.tuple(fc.constantFrom("./events", "./events:batch"), fc.string({ unit: "binary", minLength: 1, maxLength: 40 })),
);
/** Faults of the bytes: none mostly. */
const cut = fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, fc.tuple(fc.nat(60), fc.nat(255)));

/** The text of each accepted event's data, in the order of the events in a response. */
async function storedIn(both: Both, response: string): Promise<string[]> {
	const ids = [...response.matchAll(/"id":"(evt_[0-9a-f-]{36})"/g)].map(([, id]) => id!);
	return Promise.all(ids.map((id) => both.dataJson({ id })));
}

it("random bodies are accepted or refused as by the app, and stored with the same data", async () => {
	const both = await openBoth();
	let count = 0;
	await fc.assert(
		fc.asyncProperty(body, cut, async ([path, text], fault) => {
			const bytes = Buffer.from(text);
			if (fault !== null && bytes.length > 0) bytes[fault[0] % bytes.length] = fault[1];
			if (bytes.length === 0) return;
			count++;
			const { byApp, byLean } = await both.compare({ path, body: bytes });
			expect(await storedIn(both, byLean)).toEqual(await storedIn(both, byApp));
		}),
		{ numRuns: 250 },
	);
	expect(both.taken()).toBe(count);
});

it("random heads get the same response, whichever way they take", async () => {
	const both = await openBoth();
	const all = [...TAKEN, ...NOT_TAKEN].map(([, , sent]) => sent);
	const sent = fc.constantFrom(...all.filter(({ body }) => body === undefined));
	await fc.assert(
		fc.asyncProperty(sent, sent, sent, async (first, second, third) => {
			await both.compare({
				...first,
				...second,
				headers: { ...first.headers, ...second.headers, ...third.headers },
				lines: [...(first.lines ?? []), ...(third.lines ?? [])],
			});
		}),
		{ numRuns: 150 },
	);
});

describe("a client of the lean path", () => {
	it("that disconnects in its body leaves a log line and no event, and its bytes are released", async () => {
		const { bytesOf, port, lines, accepted, taken, compare } = await openBoth({}, { bodyBytesInHand: 40 * KIB });
		for (let n = 0; n < 5; n++) {
			using connection = new RawConnection(port);
			await connection.write(bytesOf({ body: eventOf(15 * KIB) }).subarray(0, -1));
			await expect.poll(taken).toBe(n + 1);
			if (n % 2 === 0) connection.reset();
		}
		// A connection that ends in the middle has another line, of what could not be read.
		const sends = () => lines.filter(({ method }) => method === "POST");
		await expect.poll(() => sends().length).toBe(5);
		expect(sends().map(({ status, code }) => [status, code])).toEqual(sends().map(() => [400, "invalid_request"]));
		expect(await accepted()).toEqual([]);
		expect(statusOf((await compare({ body: eventOf(15 * KIB) })).byLean)).toBe(202);
	});

	it("that disconnects before its response gets none, and its event is kept", async () => {
		const { bytesOf, port, lines, accepted, store, test } = await openBoth();
		const { promise: gate, resolve: open } = Promise.withResolvers<void>();
		const { promise: handled, resolve: handle } = Promise.withResolvers<void>();
		store.commit = async (batch) => {
			handle();
			await gate;
			return test.store.commit(batch);
		};
		const connection = new RawConnection(port);
		await connection.write(bytesOf({}));
		await handled;
		connection.reset();
		await connection.closed;
		open();
		await expect.poll(() => lines.length).toBe(1);
		expect(lines).toMatchObject([{ status: 202 }]);
		expect(await accepted()).toHaveLength(1);
	});

	it("that is refused before its body has come may send the body, and then another request", async () => {
		const { bytesOf, port, keys, taken } = await openBoth();
		using connection = new RawConnection(port);
		const bytes = bytesOf({ headers: { authorization: `Bearer ${keys.read}` } });
		await connection.write(bytes.subarray(0, -10));
		expect((await connection.answer()).status).toBe(403);
		await connection.write(bytes.subarray(-10));
		await connection.write(bytesOf({}));
		expect((await connection.answer()).status).toBe(202);
		expect(taken()).toBe(2);
	});

	it("that is refused before its body has come, and does not send it, is disconnected", async () => {
		const { bytesOf, port, keys, clock } = await openBoth();
		using connection = new RawConnection(port);
		const bytes = bytesOf({ headers: { authorization: `Bearer ${keys.read}` } });
		await connection.write(bytes.subarray(0, -10));
		expect((await connection.answer()).status).toBe(403);
		await expect
			.poll(() => {
				clock.advance(500);
				return connection.isClosed;
			})
			.toBe(true);
		expect(connection.unread).toBe("");
	});

	it("that sends many requests at once gets their responses in order, also beside those of the app", async () => {
		const { bytesOf, port, taken } = await openBoth();
		using connection = new RawConnection(port);
		const sends = [{}, { body: "{" }, { path: "./events?" }, { method: "GET", body: "" }, { body: "[]" }, {}];
		await connection.write(Buffer.concat(sends.map(bytesOf)));
		const statuses: number[] = [];
		// oxlint-disable-next-line no-await-in-loop -- one after the other
		while (statuses.length < sends.length) statuses.push((await connection.answer()).status);
		expect(statuses).toEqual([202, 400, 202, 200, 400, 202]);
		expect(connection.unread).toBe("");
		expect(taken()).toBe(4);
	});

	it("that sends its body byte by byte is understood", async () => {
		const { bytesOf, port, accepted } = await openBoth();
		using connection = new RawConnection(port);
		for (const byte of bytesOf({})) await connection.write(Buffer.of(byte));
		expect((await connection.answer()).status).toBe(202);
		expect(await accepted()).toMatchObject([{ type: "a.b", dataJson: '{"n":1.0}' }]);
	});
});
