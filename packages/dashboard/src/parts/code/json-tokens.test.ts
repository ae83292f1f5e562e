import fc from "fast-check";
import { expect, it } from "vitest";

import { jsonLines, prettyText } from "./json-tokens.ts";

const shown = (text: string) =>
	jsonLines(text)
		?.map((line) => line.map((token) => token.text).join(""))
		.join("\n");

it("keeps every digit", () => {
	expect(shown('{"id":12345678901234567890,"f":0.10000000000000000555,"e":1E+400}')).toBe(
		'{\n  "id": 12345678901234567890,\n  "f": 0.10000000000000000555,\n  "e": 1E+400\n}',
	);
});

it("indents as JSON.stringify does", () => {
	fc.assert(
		fc.property(fc.jsonValue(), (value) => {
			const expected = JSON.stringify(value, null, 2);
			expect(shown(JSON.stringify(value))).toBe(expected);
			expect(shown(expected)).toBe(expected);
		}),
	);
});

it("tells keys from texts", () => {
	expect(jsonLines('{"a":"b"}')?.[1]).toEqual([
		{ kind: "mark", text: "  " },
		{ kind: "key", text: '"a"' },
		{ kind: "mark", text: ": " },
		{ kind: "text", text: '"b"' },
	]);
});

it.each([
	"",
	"plain text",
	"{",
	"}",
	"[1",
	"[}",
	'"open',
	"<html>",
	'{"a":undefined}',
	"10 20",
	"20 000",
	"true false",
	'"a" "b"',
	"[1 2]",
	'{"a" 1}',
	"[1,]",
	"1.2.3",
])("takes %s for text that is not JSON", (text) => {
	expect(jsonLines(text)).toBeNull();
	expect(prettyText(text)).toBe(text);
});
