// How much work a pattern can be for an engine that backtracks, and for one that does not.
import type { AST } from "@eslint-community/regexpp";

/** Upper bounds. Each is Infinity where there is none. */
interface Cost {
	/** The number of ways in which it can match at one place, apart from its unlimited quantifiers. */
	readonly ways: number;
	/** The number of unlimited quantifiers. */
	readonly unlimited: number;
	/** The longest match in characters, apart from unlimited quantifiers; also about the size of its program. */
	readonly length: number;
}

const SINGLE: Cost = { ways: 1, unlimited: 0, length: 1 };
const NOTHING: Cost = { ways: 1, unlimited: 0, length: 0 };
const UNKNOWN: Cost = { ways: Infinity, unlimited: Infinity, length: Infinity };

/** What native code may try at each character of the text, or in all if the work does not grow with the text. */
const MAX_STEPS_PER_CHARACTER = 256;
const MAX_STEPS_IN_ALL = 100_000;

/**
 * Whether native code, which backtracks, takes time at most linear in the text: the pattern has at most one unlimited quantifier if
 * it begins with `^`, none otherwise, and few ways to match apart from that. This is so for most patterns that people write.
 */
export function isSurelyFast({ alternatives }: AST.Pattern): boolean {
	const { ways, unlimited, length } = costOfAny(alternatives);
	const isAnchored = alternatives.every(
		({ elements: [first] }) => first?.type === "Assertion" && first.kind === "start",
	);
	const degree = unlimited + (isAnchored ? 0 : 1);
	const steps = ways * Math.max(1, length);
	return degree === 0 ? steps <= MAX_STEPS_IN_ALL : degree === 1 && steps <= MAX_STEPS_PER_CHARACTER;
}

/** About how many instructions the pattern has once its quantifiers are written out. */
export function programSize({ alternatives }: AST.Pattern): number {
	return costOfAny(alternatives).length;
}

function costOfAny(alternatives: readonly AST.Alternative[]): Cost {
	return alternatives
		.map(({ elements }) => elements.map(costOf).reduce(inSequence, NOTHING))
		.reduce((a, b) => ({ ways: a.ways + b.ways, unlimited: a.unlimited + b.unlimited, length: a.length + b.length }));
}

function inSequence(a: Cost, b: Cost): Cost {
	return { ways: a.ways * b.ways, unlimited: a.unlimited + b.unlimited, length: a.length + b.length };
}

function costOf(node: AST.Element): Cost {
	switch (node.type) {
		case "Character":
		case "CharacterSet":
		case "CharacterClass":
			return SINGLE;
		case "Group":
		case "CapturingGroup":
			return costOfAny(node.alternatives);
		case "Quantifier":
			return costOfMany(costOf(node.element), node);
		case "Assertion":
			return node.kind === "lookahead" || node.kind === "lookbehind" ? costOfAny(node.alternatives) : NOTHING;
		case "Backreference":
		case "ExpressionCharacterClass":
			return UNKNOWN;
	}
}

function costOfMany(inner: Cost, { min, max }: AST.Quantifier): Cost {
	if (max === Infinity) {
		// With one way to match inside, only the number of repetitions is open.
		const isSimple = inner.ways === 1 && inner.unlimited === 0;
		const length = inner.length * Math.max(1, min);
		return isSimple ? { ways: 1, unlimited: 1, length } : { ways: Infinity, unlimited: Infinity, length };
	}
	return {
		ways: inner.ways === 1 ? max - min + 1 : inner.ways ** max * (max - min + 1),
		unlimited: inner.unlimited * max,
		length: inner.length * max,
	};
}
