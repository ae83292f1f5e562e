// The scanner accepts what JSON.parse accepts, in steps of any size, and finds the same members as the spans of a parsed text.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { memberSpans } from "../../../core/raw-json.ts";
import { JsonScanner, JsonSyntaxError } from "./json-scanner.ts";

const NO_LIMIT = Infinity;
const PIECES =
	'{ } [ ] , : " \\ / "a" "\\u0061" "\\ud800" "é😀" "{" "\\"" true false null nul 0 -0 1 01 1. .5 1.5 -1.5e+10 1e5 1E-5 1e + - 9 \\u00 \\x'
		.split(" ")
		.concat(" ", "\n", "\t", "\u0000", "\u001f", "\u007f", "\u00a0", '"\n"', '"\u007f"');
/** Mostly invalid JSON, of everything that JSON is made of. */
const anyText = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(""));
const validText = fc.json({ maxDepth: 4 });
const spaced = validText.map((text) => text.replaceAll(/([,:[\]{}])/g, " $1\n"));
/** One character of a valid text is replaced, removed or doubled. */
const almostValid = fc
	.tuple(validText, fc.nat(), fc.constantFrom(...PIECES, ""))
	.map(([text, at, piece]) => text.slice(0, at % text.length) + piece + text.slice((at % text.length) + 1));

/** The scanner at the end; null if the text is not JSON. */
function scanned(text: string, step: number, memberLimit = NO_LIMIT): JsonScanner | null {
	const scanner = new JsonScanner(text, memberLimit);
	try {
		while (!scanner.step(step));
		return scanner;
	} catch (error) {
		expect(error).toBeInstanceOf(JsonSyntaxError);
		return null;
	}
}

function parses(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}

describe("the scanner", () => {
	it.each([
		["pieces", anyText, 1_500],
		["valid texts", validText, 200],
		["valid texts with spaces", spaced, 200],
		["almost valid texts", almostValid, 1_000],
	])("accepts exactly what JSON.parse accepts: %s", (_title, texts, numRuns) => {
		fc.assert(
			fc.property(texts, fc.constantFrom(1, 2, 7, 1_000), (text, step) => {
				expect(scanned(text, step) !== null).toBe(parses(text));
			}),
			{ numRuns: runs(numRuns) },
		);
	});

	it("finds the members of an object, with the number of values and names in each", () => {
		const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });
		const count = (value: unknown): number =>
			typeof value !== "object" || value === null
				? 1
				: Object.entries(value).reduce((sum, [, inner]) => sum + count(inner) + (Array.isArray(value) ? 0 : 1), 1);
		fc.assert(
			fc.property(object, fc.constantFrom(1, 3, 1_000), (value, step) => {
				const text = ` ${JSON.stringify(value)} `;
				const members = scanned(text, step)!.members;
				expect(members.map(({ name, start, end }) => ({ name, start, end }))).toEqual(memberSpans(text));
				expect(members.map(({ values }) => values)).toEqual(
					members.map(({ start, end }) => count(JSON.parse(text.slice(start, end)))),
				);
			}),
		);
	});

	it("finds no members in a list, and none of inner objects", () => {
		expect(scanned('[{"a":1},"b"]', 1)!.members).toEqual([]);
		expect(scanned('{"a":{"b":1},"c":[{"d":1}]}', 1)!.members.map(({ name }) => name)).toEqual(["a", "c"]);
	});

	it("stops at the member after the limit, and looks at nothing behind it", () => {
		const scanner = scanned('{"a":1,"b":2,"c":3,"d":4, no JSON', 1_000, 2)!;
		expect([scanner.hasTooMany, scanner.members.map(({ name }) => name)]).toEqual([true, ["a", "b", "c"]]);
		expect(scanned('{"a":1,"b":2}', 1_000, 2)!.hasTooMany).toBe(false);
	});

	it("accepts any depth", () => {
		const deep = '{"a":['.repeat(100_000) + "]}".repeat(100_000);
		expect(scanned(deep, 65_536)!.members).toHaveLength(1);
		expect(scanned(`${deep}]`, 65_536)).toBeNull();
	});

	it.each([
		['{"a":1,}', 7],
		["[1,2", 4],
		['{"a" 1}', 5],
		['["a\n"]', 3],
		["[1] 2", 4],
		['["\\x"]', 3],
	])("says where %j is broken", (text, position) => {
		const scanner = new JsonScanner(text, NO_LIMIT);
		expect(() => scanner.step(1_000)).toThrow(expect.objectContaining({ position }));
	});
});
