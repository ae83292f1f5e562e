// JSON that somebody typed: where it is wrong, at which line each value is, and its numbers with all their digits.
//
// JSON.parse says where an error is in words that differ from browser to browser, and it rounds large numbers, so neither is used for that.

export interface JsonText {
	/** The value to send; undefined if the text is wrong. */
	readonly value?: unknown;
	/** What is wrong with the text, and in which line; undefined if nothing is. */
	readonly error?: JsonError;
	/** The line of the value at a path such as `lines.0.price`, or of the nearest one around it. */
	readonly lineOf: (path: string) => number;
}

export interface JsonError {
	/** From 1. */
	readonly line: number;
	readonly message: string;
}

/** Engines that keep the text of a number have these; TypeScript's own types do not know them yet. */
interface ExactJson {
	rawJSON?: (text: string) => unknown;
	parse: (
		text: string,
		reviver: (this: unknown, name: string, value: unknown, context?: { readonly source?: string }) => unknown,
	) => unknown;
}

const exact = JSON as unknown as ExactJson;
const DEEPEST = 200;
const STRING = /"(?:[^"\\\n]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])/y;
const WORD = /(?:true|false|null)(?!\w)/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * Reads a JSON text.
 *
 * @example
 * readJson('{"a": 12345678901234567890}').value; // JSON.stringify writes the number with all its digits
 * readJson('{\n"a" 1}').error; // { line: 2, message: "expected : after the name" }
 */
export function readJson(text: string): JsonText {
	const places = new Map<string, number>();
	const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
	const lineOf = (path: string): number => {
		for (let known = path; ; known = known.slice(0, Math.max(0, known.lastIndexOf(".")))) {
			const offset = places.get(known);
			if (offset !== undefined) return lineAt(offset);
			if (known === "") return 1;
		}
	};
	try {
		new Scanner(text, places).scanAll();
		return { value: parseExact(text), lineOf };
	} catch (error) {
		if (!(error instanceof Refusal)) throw error;
		return { error: { line: lineAt(error.offset), message: error.message }, lineOf };
	}
}

/** Text that is no JSON, and where. */
class Refusal extends Error {
	readonly offset: number;

	constructor(offset: number, message: string) {
		super(message);
		this.offset = offset;
	}
}

/** Goes through a JSON text once, and notes where each value begins. */
class Scanner {
	readonly #text: string;
	readonly #places: Map<string, number>;
	#at = 0;

	constructor(text: string, places: Map<string, number>) {
		this.#text = text;
		this.#places = places;
	}

	scanAll(): void {
		this.#value("", 0);
		this.#take(SPACE);
		if (this.#at < this.#text.length) this.#refuse("expected nothing more after the value");
	}

	#value(path: string, depth: number): void {
		this.#take(SPACE);
		this.#places.set(path, this.#at);
		if (depth > DEEPEST) this.#refuse(`expected at most ${DEEPEST} levels`);
		const first = this.#text[this.#at];
		if (first === "{") this.#object(path, depth);
		else if (first === "[") this.#list(path, depth);
		else if (first === '"') this.#string();
		else if (this.#take(NUMBER) === null && this.#take(WORD) === null) {
			this.#refuse(first === undefined ? "expected a value, but the text ends" : "expected a value");
		}
	}

	#object(path: string, depth: number): void {
		this.#at += 1;
		if (this.#takeMark("}")) return;
		do {
			this.#take(SPACE);
			const at = this.#at;
			const name = this.#string("expected a name in double quotes");
			if (!this.#takeMark(":")) this.#refuse("expected : after the name");
			const inside = path === "" ? name : `${path}.${name}`;
			this.#value(inside, depth + 1);
			// The line of the name, which is where people look for the field.
			this.#places.set(inside, at);
		} while (this.#takeMark(","));
		if (!this.#takeMark("}")) this.#refuse("expected , or } after the value");
	}

	#list(path: string, depth: number): void {
		this.#at += 1;
		if (this.#takeMark("]")) return;
		let index = 0;
		do {
			this.#value(path === "" ? String(index) : `${path}.${index}`, depth + 1);
			index += 1;
		} while (this.#takeMark(","));
		if (!this.#takeMark("]")) this.#refuse("expected , or ] after the value");
	}

	#string(otherwise = "expected the end of the text in quotes in the same line, with known escapes"): string {
		const start = this.#at;
		const literal = this.#take(STRING);
		if (literal === null) return this.#refuse(otherwise);
		try {
			return String(JSON.parse(literal));
		} catch {
			this.#at = start;
			return this.#refuse("expected no control characters, such as tabs, in a text in quotes");
		}
	}

	#takeMark(mark: string): boolean {
		this.#take(SPACE);
		if (this.#text[this.#at] !== mark) return false;
		this.#at += 1;
		return true;
	}

	#take(pattern: RegExp): string | null {
		pattern.lastIndex = this.#at;
		const [found] = pattern.exec(this.#text) ?? [];
		if (found === undefined) return null;
		this.#at += found.length;
		return found;
	}

	#refuse(message: string): never {
		throw new Refusal(this.#at, message);
	}
}

/** The value of a text that is JSON, with numbers that are written again as they were typed. */
function parseExact(text: string): unknown {
	const { rawJSON } = exact;
	if (rawJSON === undefined) {
		const rounded = roundedNumber(text);
		if (rounded === null) return JSON.parse(text);
		throw new Refusal(rounded, "expected a number that this browser does not round; a newer version keeps it");
	}
	return exact.parse(text, (_name, value, context) => {
		const source = context?.source;
		return typeof value === "number" && source !== undefined && String(value) !== source ? rawJSON(source) : value;
	});
}

/** Where the first number begins that would be written with another value; null if there is none. */
function roundedNumber(text: string): number | null {
	const token = /"(?:[^"\\]|\\.)*"|(-?\d[\d.eE+-]*)/g;
	for (const { 1: number, index } of text.matchAll(token)) {
		if (number !== undefined && digitsOf(String(Number(number))) !== digitsOf(number)) return index;
	}
	return null;
}

/** The digits of a number that its value depends on, wherever its point is. Those of too large a number are none. */
function digitsOf(number: string): string {
	const [digits = ""] = number.replace(/^-/, "").split(/e/i);
	const all = digits.replace(".", "").replace(/^0+/, "");
	let end = all.length;
	// Not by /0+$/, which begins anew at each zero: the number may be as long as the text.
	while (all[end - 1] === "0") end -= 1;
	return all.slice(0, end);
}
