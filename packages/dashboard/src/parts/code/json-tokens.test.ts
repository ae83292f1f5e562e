import { runs } from "@fanfare/testkit/runs";
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
		{ numRuns: runs(100) },
	);
});

it("indents no further than 32 levels, so that deep texts stay bounded, and keeps every digit there", () => {
	const number = "12345678901234567890.10";
	const deep = (depth: number) => `${"[".repeat(depth)}${number}${"]".repeat(depth)}`;
	const usual = 32;
	expect(shown(deep(usual))?.split("\n")[usual]).toBe(`${"  ".repeat(usual)}${number}`);
	const depth = 8 * 1_024;
	const text = deep(depth);
	const pretty = prettyText(text, text.length);
	expect(pretty.length).toBeLessThan(70 * text.length);
	expect(pretty.split("\n")[depth]).toBe(`${"  ".repeat(usual)}${number}`);
	expect(pretty.replaceAll(/\s/g, "")).toBe(text);
	// Also where each level has a name.
	const named = `${'{"a":'.repeat(depth / 4)}${number}${"}".repeat(depth / 4)}`;
	expect(prettyText(named, named.length).replaceAll(/\s/g, "")).toBe(named);
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
