// Sends that take the lean path, and requests that do not: by name, with the status of the response.

export const KIB = 1_024;
/** The largest body that may take the lean path. */
const LARGEST = 16 * KIB;
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/** What most senders send. */
export const EVENT = '{"type":"a.b","data":{"n":1.0}}';

/** Such an event of so many bytes. */
export const eventOf = (bytes: number) => EVENT.replace("1.0", `"${"x".repeat(bytes - EVENT.length + 1)}"`);
const fields = (json: string) => `{"type":"a","data":1,${json}}`;
export const batch = (...events: readonly string[]) => `{"events":[${events.join(",")}]}`;

/** A request as bytes. What is omitted is as most senders write it. */
export interface Sent {
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

export const TAKEN: readonly (readonly [name: string, status: number, sent: Sent])[] = [
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

export const NOT_TAKEN: readonly (readonly [name: string, status: number, sent: Sent])[] = [
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
