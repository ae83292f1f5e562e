// ResponseReader: which part of a response is kept.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ResponseReader } from "./response-reader.ts";

function read(chunks: readonly Uint8Array[], isComplete = true) {
	const reader = new ResponseReader({});
	for (const chunk of chunks) reader.add(Buffer.from(chunk));
	return reader.response(isComplete);
}

const text = (value: string) => [Buffer.from(value)];

describe("the body that is kept", () => {
	it("is the whole text if it is short", () => {
		fc.assert(
			fc.property(fc.string({ unit: "grapheme", maxLength: 500 }), fc.integer({ min: 1, max: 50 }), (body, size) => {
				fc.pre(!body.includes("\u0000") && body.isWellFormed());
				const bytes = Buffer.from(body);
				const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
					bytes.subarray(n * size, (n + 1) * size),
				);
				expect(read(chunks)).toEqual({ headers: {}, body, bodyTruncated: false });
			}),
		);
	});

	it("is the first 4 KiB if it is long, cut between characters", () => {
		fc.assert(
			fc.property(fc.constantFrom("a", "é", "€", "😀"), fc.integer({ min: 0, max: 4 }), (character, shift) => {
				const body = "x".repeat(shift) + character.repeat(5_000);
				const kept = read(text(body));
				expect(kept.bodyTruncated).toBe(true);
				expect(body.startsWith(kept.body)).toBe(true);
				expect(Buffer.byteLength(kept.body)).toBeGreaterThan(4_096 - 4);
				expect(Buffer.byteLength(kept.body)).toBeLessThanOrEqual(4_096);
			}),
		);
	});

	it("is whole at exactly 4 KiB, and cut one byte later", () => {
		expect(read(text("x".repeat(4_096)))).toMatchObject({ body: "x".repeat(4_096), bodyTruncated: false });
		expect(read(text("x".repeat(4_097)))).toMatchObject({ body: "x".repeat(4_096), bodyTruncated: true });
	});

	it("is a note with the size if it is not text", () => {
		expect(read([Uint8Array.of(0xff, 0xfe)]).body).toBe("[binary, 2 bytes]");
		expect(read([Buffer.from("a\u0000b")]).body).toBe("[binary, 3 bytes]");
		expect(read(text("x".repeat(4_093)).concat(Buffer.from([0xe2, 0x82]))).body).toBe("[binary, 4,095 bytes]");
		expect(read([Buffer.alloc(10_000, 0x80)])).toMatchObject({ body: "[binary, 10,000 bytes]", bodyTruncated: true });
		expect(read([Buffer.alloc(10_000, 0x80)], false).body).toBe("[binary, more than 10,000 bytes]");
	});

	it("is text even if a lost connection cut a character in two", () => {
		expect(read([Buffer.from("caf\u00e9").subarray(0, -1)], false)).toMatchObject({ body: "caf", bodyTruncated: true });
	});

	it("is empty if nothing was received", () => {
		expect(read([])).toEqual({ headers: {}, body: "", bodyTruncated: false });
	});
});

describe("the headers that are kept", () => {
	it("are those that fit into 8 KiB, retry-after first wherever it was", () => {
		const headers = { "x-a": "b".repeat(8_189), "x-b": ["1", "2"], "retry-after": "7" };
		expect(new ResponseReader(headers).response(true).headers).toEqual({ "x-b": "1, 2", "retry-after": "7" });
		const { "retry-after": _, ...others } = headers;
		expect(new ResponseReader(others).response(true).headers).toEqual({ "x-a": "b".repeat(8_189) });
	});
});
