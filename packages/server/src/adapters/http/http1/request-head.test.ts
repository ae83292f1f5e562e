// The head of a request: what is in it, and what cannot be brought into it.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { headersRejection, requestHead } from "./request-head.ts";

/** Text with control characters, white space, and characters that are not Latin-1. */
const anyText = fc.array(fc.nat(0x2ff), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes));
const PARTS = { host: "example.com:8443", path: "/hook?a=b", bodyLength: 12 };

it("has the request line, the host, the given headers and the length", () => {
	const headers = { "content-type": "application/json", "x-a": "\xfc", "Content-Length": "12", Connection: "close" };
	expect(headersRejection(headers, 12)).toBeNull();
	expect(requestHead({ ...PARTS, headers })).toBe(
		"POST /hook?a=b HTTP/1.1\r\nhost: example.com:8443\r\nconnection: keep-alive\r\n" +
			"content-type: application/json\r\nx-a: \xfc\r\ncontent-length: 12\r\n\r\n",
	);
});

describe("headers are refused", () => {
	it.each([
		["host", "host header"],
		["Transfer-Encoding", "transfer-encoding"],
		["keep-alive", "keep-alive"],
		["UPGRADE", "upgrade"],
		["expect", "expect"],
		["content-length", "content-length"],
	])("that would change what the receiver reads: %s", (name, words) => {
		expect(headersRejection({ [name]: "1" }, 12)).toContain(words);
	});

	it("if a line could be added by any name or value, and never with their values", () => {
		const text = fc.oneof(anyText, fc.constantFrom("a\r\nb: c", "a\n", "\0", ""));
		const name = fc.oneof(text, fc.constantFrom("webhook-id", "x-a", "x\r\n\r\n"));
		fc.assert(
			fc.property(fc.dictionary(name, text, { maxKeys: 4 }), (headers) => {
				const rejection = headersRejection(headers, 12);
				if (rejection !== null) return;
				const lines = requestHead({ ...PARTS, headers }).split(/[\r\n\0]/);
				const own = Object.keys(headers).filter((key) => /^(connection|content-length)$/i.test(key));
				// Each line ends with two characters; there are four of our own and an empty one.
				expect(lines).toHaveLength((Object.keys(headers).length - own.length + 5) * 2 + 1);
			}),
			{ numRuns: runs(100) },
		);
		expect(headersRejection({ "x-a": "s3cret\n" }, 12)).not.toContain("s3cret");
	});
});

it("paths of URLs have no white space and no line break, whatever they are made of", () => {
	fc.assert(
		fc.property(anyText, anyText, (a, b) => {
			const url = URL.parse(`https://example.com/${a}?${b}`);
			expect(`${url?.pathname}${url?.search}`).toMatch(/^[\x21-\x7e]+$/);
		}),
		{ numRuns: runs(500) },
	);
});
