// Translates a pattern of JSON Schema (ECMA-262 with the flag u) into the syntax of RE2, whose engine takes time linear in the
// text. A pattern that can't be translated exactly is left to the native engine.
import type { AST } from "@eslint-community/regexpp";

/** An inclusive range of code points. */
type Range = readonly [from: number, to: number];

const MAX_CODE_POINT = 0x10_ffff;
/** RE2 allows no larger count in a quantifier. */
const MAX_COUNT = 1_000;

const DIGITS: readonly Range[] = [[0x30, 0x39]];
const WORDS: readonly Range[] = [
	[0x30, 0x39],
	[0x41, 0x5a],
	[0x5f, 0x5f],
	[0x61, 0x7a],
];
const SPACES: readonly Range[] = [
	[0x09, 0x0d],
	[0x20, 0x20],
	[0xa0, 0xa0],
	[0x16_80, 0x16_80],
	[0x20_00, 0x20_0a],
	[0x20_28, 0x20_29],
	[0x20_2f, 0x20_2f],
	[0x20_5f, 0x20_5f],
	[0x30_00, 0x30_00],
	[0xfe_ff, 0xfe_ff],
];
const LINE_ENDS: readonly Range[] = [
	[0x0a, 0x0a],
	[0x0d, 0x0d],
	[0x20_28, 0x20_29],
];

/** Thrown where RE2 has no equal: look-around, back-references, properties of Unicode, large counts. */
class Untranslatable extends Error {}

/**
 * Returns a pattern, which was parsed with the flag u, in the syntax of RE2; null if it has no equal there. Both match in the same
 * texts, but need not match the same part of them.
 */
export function toLinearPattern(pattern: AST.Pattern): string | null {
	try {
		return alternatives(pattern.alternatives);
	} catch (error) {
		if (error instanceof Untranslatable) return null;
		throw error;
	}
}

function alternatives(list: readonly AST.Alternative[]): string {
	return list.map(({ elements }) => elements.map(element).join("")).join("|");
}

function element(node: AST.Element): string {
	switch (node.type) {
		case "Character":
			return literal(node.value);
		case "CharacterSet":
			return classOf(setRanges(node));
		case "CharacterClass":
			return classOf(classRanges(node));
		case "CapturingGroup":
			return `(?:${alternatives(node.alternatives)})`;
		case "Group":
			if (node.modifiers !== null) throw new Untranslatable();
			return `(?:${alternatives(node.alternatives)})`;
		case "Quantifier":
			return quantified(node);
		case "Assertion":
			return assertion(node);
		case "Backreference":
		case "ExpressionCharacterClass":
			throw new Untranslatable();
	}
}

function assertion(node: AST.Assertion): string {
	switch (node.kind) {
		case "start":
			return String.raw`\A`;
		case "end":
			return String.raw`\z`;
		case "word":
			return node.negate ? String.raw`\B` : String.raw`\b`;
		case "lookahead":
		case "lookbehind":
			throw new Untranslatable();
	}
}

/** Greedy or lazy makes no difference to whether there is a match. */
function quantified({ element: inner, min, max }: AST.Quantifier): string {
	if (min > MAX_COUNT || (max > MAX_COUNT && max !== Infinity)) throw new Untranslatable();
	return `(?:${element(inner)}){${min},${max === Infinity ? "" : max}}`;
}

function literal(codePoint: number): string {
	return `\\x{${codePoint.toString(16)}}`;
}

function classRanges(node: AST.CharacterClass): Range[] {
	if (node.unicodeSets) throw new Untranslatable();
	const ranges = node.elements.flatMap((part): readonly Range[] => {
		if (part.type === "Character") return [[part.value, part.value]];
		return part.type === "CharacterClassRange" ? [[part.min.value, part.max.value]] : setRanges(part);
	});
	return node.negate ? complement(ranges) : sorted(ranges);
}

function setRanges(node: AST.CharacterSet): Range[] {
	switch (node.kind) {
		case "any":
			return complement(LINE_ENDS);
		case "digit":
			return node.negate ? complement(DIGITS) : [...DIGITS];
		case "space":
			return node.negate ? complement(SPACES) : [...SPACES];
		case "word":
			return node.negate ? complement(WORDS) : [...WORDS];
		case "property":
			throw new Untranslatable();
	}
}

/** RE2 has no empty class, so that nothing is written as the complement of everything. */
function classOf(ranges: readonly Range[]): string {
	if (ranges.length === 0) return `[^${rangeText([0, MAX_CODE_POINT])}]`;
	return `[${ranges.map(rangeText).join("")}]`;
}

function rangeText([from, to]: Range): string {
	return `${literal(from)}-${literal(to)}`;
}

function complement(ranges: readonly Range[]): Range[] {
	const gaps: Range[] = [];
	let next = 0;
	for (const [from, to] of sorted(ranges)) {
		if (from > next) gaps.push([next, from - 1]);
		next = Math.max(next, to + 1);
	}
	if (next <= MAX_CODE_POINT) gaps.push([next, MAX_CODE_POINT]);
	return gaps;
}

function sorted(ranges: readonly Range[]): Range[] {
	return [...ranges].sort(([a], [b]) => a - b);
}
