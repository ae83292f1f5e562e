// How bytes are read as a response: what is accepted, what is refused, and that no cut between pieces changes it.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { hostileBytes, validResponse } from "./test/hostile-bytes.ts";
import { readByNode, type NodesOpinion } from "./test/node-client.ts";
import { piecesOf, readResponse, type ReadResponse } from "./test/read-response.ts";

const read = (text: string, isClosed = false) => readResponse([Buffer.from(text, "latin1")], isClosed);
const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

describe("a response", () => {
	it("has a status, headers and a body", () => {
		const text = `${OK}Content-Type: text/plain\r\nX-A:1\r\nx-a: \t 2 \t\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nhi`;
		expect(read(text)).toEqual({
			started: 1,
			informational: 0,
			status: 200,
			headers: { "content-type": "text/plain", "x-a": "1, 2", "x-empty": "", "content-length": "2" },
			body: Buffer.from("hi"),
			end: "complete",
			length: text.length,
			isKept: true,
			keepAliveS: null,
		});
	});

	it.each([
		["with a length", `${OK}content-length: 3\r\n\r\nabc`, "abc"],
		["of length 0", `${OK}content-length: 0\r\n\r\n`, ""],
		["in chunks", `${CHUNKED}3\r\nabc\r\n0a;x="y z"\r\n0123456789\r\n000;a\r\n\r\n`, "abc0123456789"],
		["in chunks, with trailers", `${CHUNKED}1\r\na\r\n0\r\nExpires: never\r\n\r\n`, "a"],
		["in no chunks", `${CHUNKED}0\r\n\r\n`, ""],
		["that is compressed and in chunks", `${OK}transfer-encoding: gzip, Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`, "a"],
		["without a reason phrase", "HTTP/1.1 200\r\ncontent-length: 1\r\n\r\na", "a"],
		["of HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", "a"],
		["with a status of its own", "HTTP/1.1 999 \r\ncontent-length: 1\r\n\r\na", "a"],
		["after line breaks", `\r\n\r\n${OK}content-length: 1\r\n\r\na`, "a"],
	])("ends where its body ends: %s", (_what, text, body) => {
		const rest = "HTTP/1.1 500 X\r\n\r\n";
		expect(read(text + rest)).toMatchObject({ end: "complete", length: text.length, body: Buffer.from(body) });
		expect(read(text)).toMatchObject({ end: "complete", length: text.length });
		for (let size = 0; size < text.length; size += 1) {
			expect(read(text.slice(0, size), true)).toMatchObject({ end: "open" });
		}
	});

	it.each([
		["no length", "HTTP/1.1 200 OK\r\n\r\n"],
		["a coding that is not chunked", `${OK}transfer-encoding: identity\r\n\r\n`],
	])("ends with the connection, which is not kept: %s", (_what, head) => {
		expect(read(`${head}abc`)).toMatchObject({ end: "open", body: Buffer.from("abc") });
		expect(read(`${head}abc`, true)).toMatchObject({ end: "complete", body: Buffer.from("abc"), isKept: false });
	});

	it.each([204, 304])("has no body with the status %i, whatever its headers say", (status) => {
		for (const [header, isKept] of [
			["", true],
			["content-length: 0\r\n", true],
			["content-length: 5\r\n", false],
			["transfer-encoding: chunked\r\n", false],
		] as const) {
			const head = `HTTP/1.1 ${status} X\r\n${header}\r\n`;
			expect(read(`${head}12345`)).toMatchObject({ end: "complete", length: head.length, isKept });
		}
	});

	it("comes after informational ones, which are read over", () => {
		const text = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: </a>\r\ncontent-length: 7\r\n\r\n${OK}content-length: 0\r\n\r\n`;
		expect(read(text)).toMatchObject({
			started: 3,
			informational: 2,
			status: 200,
			headers: { "content-length": "0" },
			end: "complete",
		});
	});

	it.each<[string, string, boolean]>([
		["1.1", "", true],
		["1.1", "Connection: close\r\n", false],
		["1.1", "Connection: x, CLOSE ,y\r\n", false],
		["1.1", "Connection: x\r\nConnection: close\r\n", false],
		["1.1", "Connection: closed\r\n", true],
		["1.0", "", false],
		["1.0", "Connection: Keep-Alive\r\n", true],
		["1.0", "Connection: keep-alive, close\r\n", false],
		["1.0", "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", false],
	])("of HTTP/%s with %j leaves the connection open: %s", (version, headers, isKept) => {
		const framing = headers.includes("chunked") ? "\r\n0\r\n\r\n" : "content-length: 0\r\n\r\n";
		expect(read(`HTTP/${version} 200 OK\r\n${headers}${framing}`)).toMatchObject({ end: "complete", isKept });
	});

	it.each([
		["timeout=5", 5],
		["max=3, timeout=120", 120],
		["timeout=x", null],
		["max=3", null],
	])("says for how long the connection is kept: %s", (value, keepAliveS) => {
		expect(read(`${OK}keep-alive: ${value}\r\ncontent-length: 0\r\n\r\n`)).toMatchObject({ keepAliveS });
	});

	it("has at most 16 KiB of headers and 500 of them, in the head and in the trailers", () => {
		const line = (length: number) => `x-a:   ${"b".repeat(length - 3)}\r\n`;
		const many = (count: number) => "a:\r\n".repeat(count);
		for (const head of [OK, `${CHUNKED}0\r\n`]) {
			expect(read(head + line(16_383)).end).toBe("open");
			expect(read(head + line(16_384)).end).toBe("too_large");
			expect(read(`${head}${"n".repeat(16_384)}`).end).toBe("too_large");
			expect(read(head + many(500)).end).toBe("open");
			expect(read(`${head}${many(500)}b`).end).toBe("too_many");
		}
	});

	it("does not confuse headers with the properties of objects", () => {
		const { headers } = read(`${OK}__proto__: a\r\nconstructor: b\r\ntoString: c\r\ncontent-length: 0\r\n\r\n`);
		expect(Object.entries(headers)).toEqual([
			["constructor", "b"],
			["tostring", "c"],
			["content-length", "0"],
		]);
	});
});

describe("bytes that are no response are refused at the first byte that shows it", () => {
	it.each([
		["another protocol", "2", "not_http"],
		["TLS", "\x16", "not_http"],
		["lower case", "h", "not_http"],
		["white space before it", " ", "not_http"],
		["HTTP/2", "HTTP/2", "not_http"],
		["HTTP/1.2", "HTTP/1.2", "not_http"],
		["HTTP/1.10", "HTTP/1.10", "not_http"],
		["two spaces", "HTTP/1.1  ", "not_http"],
		["a short status", "HTTP/1.1 20 ", "not_http"],
		["a long status", "HTTP/1.1 2000", "not_http"],
		["a signed status", "HTTP/1.1 +", "not_http"],
		["a status below 100", "HTTP/1.1 099 ", "status"],
		["101", "HTTP/1.1 101 X\r\n\r\n", "status"],
		["101 with a protocol", "HTTP/1.1 101 X\r\nupgrade: h2c\r\n\r\n", "upgrade"],
		["101 after 100", "HTTP/1.1 100 X\r\n\r\nHTTP/1.1 101 X\r\n\r\n", "status"],
		["a status line that ends with LF alone", "HTTP/1.1 200 OK\n", "header"],
		["a status line that ends with CR alone", "HTTP/1.1 200 OK\rX", "header"],
		["a NUL in the reason phrase", "HTTP/1.1 200 \0", "header"],
		["a header without a name", `${OK}:`, "header"],
		["a header without a colon", `${OK}abc\r`, "header"],
		["white space after a name", `${OK}a `, "header"],
		["white space before the first header", `${OK} `, "header"],
		["a continued line", `${OK}a: b\r\n `, "header"],
		["a line continued by a tab", `${OK}a: b\r\n\t`, "header"],
		["a bare CR", `${OK}a: b\rc`, "header"],
		["a bare LF", `${OK}a: b\n`, "header"],
		["a NUL", `${OK}a: \0`, "header"],
		["another control character", `${OK}a: b\x1b`, "header"],
		["DEL", `${OK}a: b\x7f`, "header"],
		["a name that is not ASCII", `${OK}\xe4`, "header"],
		["a bare CR before the body", `${OK}a: b\r\n\rX`, "header"],
		["two lengths", `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\n`, "length"],
		["the same length twice", `${OK}content-length: 1\r\nContent-Length: 1\r\n\r\n`, "length"],
		["a list of lengths", `${OK}content-length: 1, 1\r\n\r\n`, "length"],
		["an empty length", `${OK}content-length:\r\n\r\n`, "length"],
		["a signed length", `${OK}content-length: +1\r\n\r\n`, "length"],
		["a negative length", `${OK}content-length: -1\r\n\r\n`, "length"],
		["a hexadecimal length", `${OK}content-length: 0x1\r\n\r\n`, "length"],
		["a fraction", `${OK}content-length: 1.0\r\n\r\n`, "length"],
		["an endless length", `${OK}content-length: ${"9".repeat(16)}\r\n\r\n`, "length"],
		["white space in a length", `${OK}content-length: 1 1\r\n\r\n`, "length"],
		["a length and chunks", `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, "length"],
		["chunks and a length", `${OK}transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n`, "length"],
		["a length and another coding", `${OK}transfer-encoding: identity\r\ncontent-length: 1\r\n\r\n`, "length"],
		["chunks in chunks", `${OK}transfer-encoding: chunked, chunked\r\n\r\n`, "length"],
		["chunks inside of another coding", `${OK}transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n\r\n`, "length"],
		[
			"a length and chunks without a body",
			"HTTP/1.1 204 X\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
			"length",
		],
		["a chunk without a size", `${CHUNKED}\r`, "chunk"],
		["a chunk's size of a letter too much", `${CHUNKED}g`, "chunk"],
		["a negative chunk", `${CHUNKED}-`, "chunk"],
		["a chunk's size with a prefix", `${CHUNKED}0x`, "chunk"],
		["white space after a chunk's size", `${CHUNKED}1 `, "chunk"],
		["white space before a chunk's size", `${CHUNKED} `, "chunk"],
		["a chunk that is too large for a number", `${CHUNKED}${"f".repeat(14)}`, "chunk"],
		["a chunk's size that ends with LF alone", `${CHUNKED}1\n`, "chunk"],
		["a chunk's size that ends with CR alone", `${CHUNKED}1\ra`, "chunk"],
		["a bare LF in a chunk's extension", `${CHUNKED}1;a\n`, "chunk"],
		["a chunk that is longer than its size", `${CHUNKED}1\r\nab`, "chunk"],
		["a chunk that ends with LF alone", `${CHUNKED}1\r\na\n`, "chunk"],
		["a chunk that ends with CR alone", `${CHUNKED}1\r\na\rb`, "chunk"],
		["a trailer without a colon", `${CHUNKED}0\r\nabc\r`, "header"],
		["a continued trailer", `${CHUNKED}0\r\na: b\r\n `, "header"],
	] as const)("%s", (_what, text, fault) => {
		expect(read(text)).toMatchObject({ end: fault });
		expect(read(text.slice(0, -1)).end).toBe("open");
		expect(readResponse([...Buffer.from(text, "latin1")].map((byte) => Buffer.of(byte)))).toEqual(read(text));
	});
});

describe("bytes of any kind", () => {
	const cuts = fc.array(fc.nat(400), { maxLength: 12 });

	it("are read alike in whatever pieces they come", () => {
		fc.assert(
			fc.property(
				fc.oneof(
					hostileBytes,
					validResponse.map((text) => Buffer.from(text, "latin1")),
				),
				cuts,
				fc.boolean(),
				(bytes, cuts, isClosed) => {
					const whole = readResponse([bytes], isClosed);
					expect(readResponse(piecesOf(bytes, cuts), isClosed)).toEqual(whole);
					expect(
						readResponse(
							[...bytes].map((byte) => Buffer.of(byte)),
							isClosed,
						),
					).toEqual(whole);
				},
			),
			{ numRuns: runs(300) },
		);
	});

	it("that are a response are read as one", () => {
		fc.assert(
			fc.property(validResponse, (text) => {
				expect(read(text, true).end).toBe("complete");
			}),
			{ numRuns: runs(300) },
		);
	});

	it("are accepted only if Node's own client reads them alike", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.oneof(
					hostileBytes,
					validResponse.map((text) => Buffer.from(text, "latin1")),
				),
				async (bytes) => {
					const ours = readResponse([bytes], true);
					if (ours.end !== "complete") return;
					expect(opinionOf(ours)).toEqual(comparable(await readByNode(bytes.subarray(0, ours.length))));
				},
			),
			{ numRuns: runs(300) },
		);
	});
});

const opinionOf = ({ status, headers, body }: ReadResponse) => ({ status, headers, body: body.toString("latin1") });

function comparable(opinion: NodesOpinion | null) {
	if (opinion === null) return "refused";
	const headers: Record<string, string> = {};
	for (const [name, value] of opinion.headers) {
		headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value;
	}
	return { status: opinion.status, headers, body: opinion.body.toString("latin1") };
}
