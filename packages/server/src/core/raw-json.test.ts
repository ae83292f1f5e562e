import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { elementSpans, memberSpans } from "./raw-json.ts";

const space = fc.stringMatching(/^[ \t\n\r]{0,3}$/);
/** A JSON text with its own spacing, number notation and escapes. */
const text: fc.Arbitrary<string> = fc.letrec<{ value: string; string: string }>((tie) => ({
	string: fc
		.array(
			fc.oneof(
				fc.constantFrom("\\\\", '\\"', "\\u0022", "\\/", "{", "}", "[", "]", ",", ":", "é", "💥"),
				fc.stringMatching(/^[a-z]$/),
			),
			{
				maxLength: 6,
			},
		)
		.map((parts) => `"${parts.join("")}"`),
	value: fc.oneof(
		{ maxDepth: 4, depthSize: "small" },
		fc.constantFrom("1", "-0", "1.0", "1E+2", "0.10e-7", "123456789012345678901234567890", "true", "false", "null"),
		tie("string"),
		fc
			.tuple(fc.array(fc.tuple(space, tie("value"), space), { maxLength: 4 }), space)
			.map(([items, empty]) => `[${items.length === 0 ? empty : items.map((parts) => parts.join("")).join(",")}]`),
		fc
			.tuple(fc.array(fc.tuple(space, tie("string"), space, tie("value")), { maxLength: 4 }), space)
			.map(
				([items, empty]) =>
					`{${items.length === 0 ? empty : items.map(([s, k, t, v]) => `${s}${k}${t}:${v}`).join(",")}}`,
			),
	),
})).value;
const name = fc.stringMatching(/^[a-z]{1,6}$/);

describe("memberSpans", () => {
	it("finds each value exactly as it was written, whatever its spacing, notation and escapes", () => {
		fc.assert(
			fc.property(
				fc.uniqueArray(fc.tuple(name, text, space, space), { selector: ([key]) => key, maxLength: 6 }),
				(members) => {
					const json = ` {${members.map(([key, value, a, b]) => `${a}"${key}"${b}:${a}${value}${b}`).join(",")}} `;
					JSON.parse(json);
					const found = memberSpans(json).map(({ name, start, end }) => [name, json.slice(start, end)]);
					expect(found).toEqual(members.map(([key, value]) => [key, value]));
				},
			),
		);
	});

	it("reads escaped names and reports duplicates", () => {
		const spans = memberSpans('{"d\\u0061ta":1,"data":2,"a\\"b":3}');
		expect(spans.map(({ name }) => name)).toEqual(["data", "data", 'a"b']);
	});

	it("skips nesting of any depth without using the stack", () => {
		const deep = "[".repeat(100_000) + "]".repeat(100_000);
		const [span] = memberSpans(`{"data":${deep}}`);
		expect(span).toEqual({ name: "data", start: 8, end: 8 + deep.length });
	});
});

describe("elementSpans", () => {
	it("finds each element exactly as it was written", () => {
		fc.assert(
			fc.property(fc.array(fc.tuple(space, text, space), { maxLength: 6 }), (elements) => {
				const json = `[${elements.map((parts) => parts.join("")).join(",")}]`;
				const found = elementSpans(json).map(({ start, end }) => json.slice(start, end));
				expect(found).toEqual(elements.map(([, value]) => value));
			}),
		);
	});
});
