// Patterns mean the same in each engine, and no pattern that RE2 can run takes more than linear time.
import { RegExpParser } from "@eslint-community/regexpp";
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, it } from "vitest";

import { toLinearPattern } from "./linear-pattern.ts";
import { createPatternCompiler, engineOf } from "./patterns.ts";

/** The pattern for RE2; null if there is none. */
function linear(source: string): string | null {
	return toLinearPattern(new RegExpParser().parsePattern(source, 0, source.length, { unicode: true }));
}

const CHARACTERS = [
	..."a b 1 9 _ - . @ \t \n".split(" "),
	" ",
	"\u00a0",
	"\u2028",
	"\ufeff",
	"\u017f",
	"é",
	"😀",
	"\ud83d",
	"\ude00",
	"\0",
];
/** Short, since native code takes exponential time for some of the patterns. */
const texts = fc.array(fc.constantFrom(...CHARACTERS), { maxLength: 6 }).map((parts) => parts.join(""));

const ATOMS = [
	"a",
	"b",
	"1",
	"_",
	"-",
	"@",
	" ",
	String.raw`\.`,
	".",
	String.raw`\d`,
	String.raw`\D`,
	String.raw`\w`,
	String.raw`\W`,
	String.raw`\s`,
	String.raw`\S`,
	String.raw`\n`,
	String.raw`\t`,
	String.raw`\x00`,
	String.raw`\x61`,
	String.raw`\u0062`,
	String.raw`\u{1F600}`,
	"😀",
	"é",
	"[ab]",
	"[^ab]",
	"[^]",
	"[]",
	"[a-z0-9]",
	String.raw`[^\s@]`,
	String.raw`[\W\d]`,
	String.raw`[^\D_]`,
	String.raw`[\-\]b]`,
	"^",
	"$",
	String.raw`\b`,
	String.raw`\B`,
	String.raw`[\b]`,
	String.raw`\cJ`,
	"[😀-😂]",
	String.raw`\ud83d\ude00`,
	String.raw`\ud83d`,
];
const CANNOT_REPEAT = new Set(["^", "$", String.raw`\b`, String.raw`\B`]);
const QUANTIFIERS = ["", "*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}", "{0}"];

const DEPTH = fc.createDepthIdentifier();
const { pattern: patterns } = fc.letrec<{ pattern: string; sequence: string; term: string }>((tie) => ({
	pattern: fc.array(tie("sequence"), { minLength: 1, maxLength: 3 }).map((all) => all.join("|")),
	sequence: fc.array(tie("term"), { maxLength: 3 }).map((all) => all.join("")),
	term: fc.oneof(
		{ maxDepth: 2, depthIdentifier: DEPTH },
		fc
			.tuple(fc.constantFrom(...ATOMS), fc.constantFrom(...QUANTIFIERS))
			.map(([atom, quantifier]) => (CANNOT_REPEAT.has(atom) ? atom : atom + quantifier)),
		fc
			.tuple(fc.constantFrom("(", "(?:"), tie("pattern"), fc.constantFrom("", "*", "?", "{2}"))
			.map(([open, inner, quantifier]) => `${open}${inner})${quantifier}`),
	),
}));

/**
 * Whether the native engine finds a match, tried at each place: its own search is wrong for some patterns that can match only at the
 * start (V8 14.6 says once it has compiled `(?:^[^]+?a^[^]+?a)?` that it matches nowhere in `a`; it matches the empty text).
 */
function matchesSomewhere(source: string, text: string): boolean {
	const native = new RegExp(source, "uy");
	let at = 0;
	const matchesHere = () => {
		native.lastIndex = at;
		return native.test(text);
	};
	for (const character of text) {
		if (matchesHere()) return true;
		at += character.length;
	}
	return matchesHere();
}

describe("a pattern for RE2", () => {
	it("matches in the same texts as the native one", () => {
		fc.assert(
			fc.property(patterns, fc.array(texts, { minLength: 5, maxLength: 5 }), (source, all) => {
				const program = RE2JS.compile(linear(source) ?? "");
				for (const text of all) expect([text, program.test(text)]).toEqual([text, matchesSomewhere(source, text)]);
			}),
			{ numRuns: runs(150) },
		);
	});

	it("knows the same characters in its classes", () => {
		for (const source of [String.raw`^\s$`, String.raw`^\w$`, String.raw`^\d$`, "^.$", String.raw`^[^\S\d]$`]) {
			const native = new RegExp(source, "u");
			const program = RE2JS.compile(linear(source) ?? "");
			const differing: number[] = [];
			// All of the first plane, where all special characters are, and some of each other one.
			for (let codePoint = 0; codePoint <= 0x10_ff_ff; codePoint += codePoint < 0x1_00_00 ? 1 : 61) {
				const text = String.fromCodePoint(codePoint);
				if (program.test(text) !== native.test(text)) differing.push(codePoint);
			}
			expect([source, differing]).toEqual([source, []]);
		}
	});

	it.each([
		["look-ahead", "^(?=.*a)b"],
		["look-behind", "(?<=a)b"],
		["a back-reference", String.raw`(a)\1`],
		["a named back-reference", String.raw`(?<n>a)\k<n>`],
		["a property of Unicode", String.raw`\p{L}+`],
		["a large count", "(a+){1,2000}"],
		["flags of its own", "(?i:a)"],
	])("does not exist for %s, which stays native", (_what, source) => {
		expect([linear(source), engineOf(source)]).toEqual([null, "native"]);
		expect(createPatternCompiler()(source, "u")).toEqual(new RegExp(source, "u"));
	});
});

describe("the engine of a pattern", () => {
	it.each([
		"^[A-Z]{3}-\\d{4}$",
		"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
		"^(pending|paid|shipped|cancelled)$",
		"^.{1,255}$",
		"^\\d+$",
		"^[a-z]+(?:-x)?$",
		"abc",
		"^https://",
	])("is native code for %s, which is surely fast", (source) => expect(engineOf(source)).toBe("native"));

	it.each([
		"^(a+)+$",
		"a+",
		"^a*a*$",
		"^(a|a)*$",
		`${"(?:a|a)".repeat(40)}b`,
		`^${"a?".repeat(30)}${"a".repeat(30)}$`,
		"^(?:(?:a{0,9}){0,9})+$",
		"(?:a{0,9}){9}b",
		"^a{1,200}b*c{200}",
	])("is RE2 for %s", (source) => expect(engineOf(source)).toBe("linear"));
});

/** Each of them makes native code take exponential time, or quadratic time where the text is long. */
const EVIL: readonly (readonly [source: string, text: string])[] = [
	["^(a+)+$", `${"a".repeat(50_000)}!`],
	["(x+x+)+y", "x".repeat(50_000)],
	[String.raw`^(\w+\s?)*$`, `${"word ".repeat(10_000)}!`],
	["^(a|a)*$", `${"a".repeat(50_000)}!`],
	["^(a|aa|aaa|aaaa|a{5})+$", `${"a".repeat(50_000)}!`],
	["^([a-zA-Z0-9_.-]+)+@x$", "a".repeat(50_000)],
	[`${"(?:a|a)".repeat(40)}b`, "a".repeat(50_000)],
	[`^${"a?".repeat(40)}${"a".repeat(40)}$`, "a".repeat(39)],
	[String.raw`\s+$`, `${" ".repeat(200_000)}x`],
	["^(?:.*,){9}.*!$", ",".repeat(50_000)],
	["^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(50_000)],
];

it.each(EVIL)("an evil pattern ends: %s", (source, text) => {
	// Native code takes minutes to ages for these, so that the test would time out.
	expect(createPatternCompiler()(source, "u").test(text)).toBe(false);
});

it("only so many patterns of a schema are compiled for RE2, and the others have the same meaning", () => {
	const compile = createPatternCompiler();
	const results = Array.from({ length: 400 }, (_, n) => compile(`^(a${n}+)+$`, "u"));
	expect(results.filter((pattern) => pattern instanceof RegExp)).toHaveLength(100);
	for (const [n, pattern] of results.entries())
		expect([pattern.test(`a${n}`), pattern.test("b")]).toEqual([true, false]);
});

it.each(["(", "[z-a]", String.raw`\-`, "a{2,1}", "(?<n>a)(?<n>b)"])("the invalid pattern %s is an error", (source) => {
	expect(() => createPatternCompiler()(source, "u")).toThrow(SyntaxError);
});

it("a pattern that is nested deeply stays native", () => {
	const source = `${"(".repeat(20_000)}${")".repeat(20_000)}`;
	expect(["native", "linear"]).toContain(engineOf(source));
});
