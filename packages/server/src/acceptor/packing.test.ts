// Packing: what comes out on the other side is what went in, for every field.
import fc from "fast-check";
import { expect, it } from "vitest";

import type { ReadSend } from "../api/request/lean/lean-path.ts";
import { ResponsePacker, SendPacker, unpackResponses, unpackSends, type TextResponse } from "./packing.ts";

const text = fc.oneof(
	fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 12 }),
	fc.constantFrom("", "✓", "\ud800", "application/json"),
);
const name = fc.oneof(text, fc.constantFrom("host", "authorization", "__proto__", "constructor", "7"));
/** `fromEntries` defines properties, so that `__proto__` is one, too. */
const headers = fc
	.array(fc.tuple(name, text), { maxLength: 6 })
	.map((all): Record<string, string> => Object.fromEntries(all));
const send: fc.Arbitrary<ReadSend> = fc.record({
	path: fc.constantFrom("/projects/a/events", "/projects/a/events:batch", "/projects/b/events"),
	remoteAddress: fc.constantFrom(undefined, "127.0.0.1", "fe80::1%eth0"),
	headers,
	body: fc.uint8Array({ maxLength: 300 }),
});
const response: fc.Arbitrary<TextResponse> = fc.record({ status: fc.constantFrom(202, 400, 503), headers, body: text });

it("unpacks the sends of each group as they were packed", () => {
	fc.assert(
		fc.property(fc.array(fc.array(send, { minLength: 1, maxLength: 5 }), { maxLength: 3 }), (groups) => {
			const packer = new SendPacker();
			for (const group of groups) {
				for (const [id, each] of group.entries()) packer.add(id, each);
				const unpacked: [number, ReadSend][] = [];
				unpackSends(structuredClone(packer.take()), (id, each) => unpacked.push([id, each]));
				expect(unpacked).toEqual([...group.entries()]);
			}
		}),
	);
});

it("unpacks the responses of each group as they were packed", () => {
	fc.assert(
		fc.property(fc.array(fc.array(response, { minLength: 1, maxLength: 5 }), { maxLength: 3 }), (groups) => {
			const packer = new ResponsePacker();
			for (const group of groups) {
				for (const [id, each] of group.entries()) packer.add(id, each);
				const unpacked: [number, TextResponse][] = [];
				unpackResponses(structuredClone(packer.take()), (id, each) => unpacked.push([id, each]));
				expect(unpacked).toEqual([...group.entries()]);
			}
		}),
	);
});
