// The engines for the patterns of schemas. Native code where it surely takes no more than linear time, RE2 where the pattern can be
// translated, and native code for the rest: for that, the validator's limits of time apply.
import { RegExpParser } from "@eslint-community/regexpp";
import { RE2JS } from "re2js";

import { toLinearPattern } from "./linear-pattern.ts";
import { isSurelyFast, programSize } from "./pattern-cost.ts";

/** The part of `RegExp` that ajv uses. */
export interface Pattern {
	test(text: string): boolean;
}

/** Which engine runs a pattern. */
export type Engine = "native" | "linear";

/** An RE2 program takes about 0.3 ms to compile, so that a schema may have only so many. */
const MAX_LINEAR_PATTERNS = 300;
/** A larger program takes more time for each character than is worth it. */
const MAX_PROGRAM_SIZE = 500;

const parser = new RegExpParser();

/**
 * Makes the function that compiles the patterns of one schema, for ajv's option `code.regExp`. A pattern has the syntax and the
 * meaning of ECMA-262 with the flag u, whichever engine runs it. Throws a `SyntaxError` for an invalid one.
 */
export function createPatternCompiler(): { (source: string, flags: string): Pattern; code: string } {
	let linearCount = 0;
	const compile = (source: string, flags: string): Pattern => {
		const native = new RegExp(source, flags);
		const linear = flags === "u" && linearCount < MAX_LINEAR_PATTERNS ? linearSource(source) : null;
		if (linear === null) return native;
		linearCount++;
		return new LinearPattern(native, linear);
	};
	// The name in the code that ajv generates, which is never written to a file.
	return Object.assign(compile, { code: "compilePattern" });
}

/** A pattern for RE2, however long its program is. Throws if RE2 can't run it. */
export function createLinearPattern(source: string): Pattern {
	const linear = toLinearPattern(parser.parsePattern(source, 0, source.length, { unicode: true }));
	if (linear === null) throw new SyntaxError(`RE2 has no equal for ${source}`);
	return RE2JS.compile(linear);
}

/** Which engine runs the pattern in a schema with few patterns. */
export function engineOf(source: string): Engine {
	return linearSource(source) === null ? "native" : "linear";
}

/** The pattern in the syntax of RE2; null if native code is to run it. */
function linearSource(source: string): string | null {
	try {
		const pattern = parser.parsePattern(source, 0, source.length, { unicode: true });
		if (isSurelyFast(pattern) || programSize(pattern) > MAX_PROGRAM_SIZE) return null;
		return toLinearPattern(pattern);
	} catch (error) {
		// Deeply nested groups exhaust the parser's stack, and syntax newer than the parser is an error of its own.
		if (error instanceof RangeError || error instanceof SyntaxError) return null;
		throw error;
	}
}

/** A pattern that RE2 runs. Compiled when it is first used: most checks use few of a schema's patterns. */
class LinearPattern implements Pattern {
	readonly #native: RegExp;
	readonly #source: string;
	#program: Pattern | null = null;

	constructor(native: RegExp, source: string) {
		this.#native = native;
		this.#source = source;
	}

	test(text: string): boolean {
		this.#program ??= this.#compile();
		return this.#program.test(text);
	}

	/** ajv tells patterns apart by it. */
	toString(): string {
		return this.#native.toString();
	}

	#compile(): Pattern {
		try {
			return RE2JS.compile(this.#source);
		} catch {
			// RE2 has limits of its own, such as for quantifiers in quantifiers.
			return this.#native;
		}
	}
}
