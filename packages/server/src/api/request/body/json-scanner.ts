// Checks that a large text is JSON and finds the members of its outermost object, in steps, and without building anything:
// `JSON.parse` takes up to half a second for 5 MiB of small values, and can't be interrupted.
import type { MemberSpan } from "../../../core/raw-json.ts";

/** A member of the outermost object. */
export interface ScannedMember extends MemberSpan {
	/** The number of values and names in its value, itself included. */
	readonly values: number;
}

/** The text is not JSON. `position` is the place of the first character that can't stand there. */
export class JsonSyntaxError extends Error {
	override readonly name = "JsonSyntaxError";
	readonly position: number;

	constructor(position: number) {
		super(`unexpected text at position ${position}`);
		this.position = position;
	}
}

/** What may come next. */
const VALUE = 0;
const VALUE_OR_END = 1;
const NAME = 2;
const NAME_OR_END = 3;
const COLON = 4;
/** After a value: a comma, the end of the object or list, or the end of the text. */
const AFTER = 5;
/** The rest of a string that is a value, or that is a name. */
const IN_STRING = 6;
const IN_NAME = 7;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON_SIGN = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const ESCAPES = new Set('"\\/bfnrtu'.split("").map((letter) => letter.charCodeAt(0)));
const LITERALS: Readonly<Record<number, string>> = { 0x74: "true", 0x66: "false", 0x6e: "null" };
/** Whatever can stand in a string as it is. A compiled expression is some ten times as fast as a loop. */
// oxlint-disable-next-line no-control-regex -- JSON allows none of them in a string
const PLAIN_CHARACTERS = /[^"\\\u0000-\u001f]*/y;
const FIRST_DEPTH = 1_024;

/**
 * Scans one text. Accepts exactly what `JSON.parse` accepts, at any depth, and stops early at the member after the limit.
 *
 * @example
 * const scanner = new JsonScanner('{"a": [1, 2]}', 10);
 * while (!scanner.step(65_536)) await nextTurn();
 * scanner.members; // [{ name: "a", start: 6, end: 12, values: 3 }]
 */
export class JsonScanner {
	readonly #text: string;
	readonly #memberLimit: number;
	#position = 0;
	#state = VALUE;
	/** For each open object or list, 1 if it is an object. */
	#open = new Uint8Array(FIRST_DEPTH);
	#depth = 0;
	#values = 0;
	#name = "";
	#nameStart = 0;
	#valueStart = 0;
	#valuesBefore = 0;
	readonly #members: ScannedMember[] = [];

	constructor(text: string, memberLimit: number) {
		this.#text = text;
		this.#memberLimit = memberLimit;
	}

	/** The members of the outermost object so far, in order, including duplicates. Empty if it is no object. */
	get members(): readonly ScannedMember[] {
		return this.#members;
	}

	/** True if the object has more members than the limit. The rest of the text was not looked at. */
	get hasTooMany(): boolean {
		return this.#members.length > this.#memberLimit;
	}

	/**
	 * Scans about `characters` more. True if the scan is complete. Throws `JsonSyntaxError`. Numbers and the plain parts of
	 * strings are not interrupted.
	 */
	step(characters: number): boolean {
		const text = this.#text;
		const stop = Math.min(text.length, this.#position + characters);
		while (this.#position < stop) {
			if (this.#state >= IN_STRING) this.#skipString();
			else this.#skipStructure(stop);
			if (this.hasTooMany) return true;
		}
		if (this.#position < text.length) return false;
		if (this.#state !== AFTER || this.#depth > 0) throw new JsonSyntaxError(text.length);
		return true;
	}

	/**
	 * Skips everything between strings, until a string begins or a member ends. The state is in variables here: most nasty
	 * texts are spent in this loop.
	 */
	#skipStructure(stop: number): void {
		const text = this.#text;
		let position = this.#position;
		let state = this.#state;
		let depth = this.#depth;
		let values = this.#values;
		let isObject = depth > 0 && this.#open[depth - 1] === 1;
		let hasValueEnded = false;
		while (position < stop && state < IN_STRING && !(hasValueEnded && depth === 1)) {
			hasValueEnded = false;
			const code = text.charCodeAt(position);
			if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
				position++;
			} else if (state === AFTER && code === COMMA && depth > 0) {
				position++;
				state = isObject ? NAME : VALUE;
			} else if (code === COLON_SIGN && state === COLON) {
				position++;
				state = VALUE;
			} else if (isEnd(code, state, depth, isObject)) {
				position++;
				depth--;
				isObject = depth > 0 && this.#open[depth - 1] === 1;
				state = AFTER;
				hasValueEnded = true;
			} else if (code === QUOTE && (state === NAME || state === NAME_OR_END)) {
				if (depth === 1) this.#nameStart = position;
				values++;
				position++;
				state = IN_NAME;
			} else if (state <= VALUE_OR_END) {
				if (depth === 1) this.#memberBegins(position, values);
				values++;
				if (code === OPEN_LIST || code === OPEN_OBJECT) {
					isObject = code === OPEN_OBJECT;
					this.#push(depth, isObject);
					depth++;
					position++;
					state = isObject ? NAME_OR_END : VALUE_OR_END;
				} else if (code === QUOTE) {
					position++;
					state = IN_STRING;
				} else {
					position = plainValueEnd(text, position, code);
					state = AFTER;
					hasValueEnded = true;
				}
			} else {
				throw new JsonSyntaxError(position);
			}
		}
		this.#position = position;
		this.#state = state;
		this.#depth = depth;
		this.#values = values;
		if (hasValueEnded) this.#valueEnded();
	}

	#skipString(): void {
		const text = this.#text;
		PLAIN_CHARACTERS.lastIndex = this.#position;
		PLAIN_CHARACTERS.test(text);
		const position = PLAIN_CHARACTERS.lastIndex;
		const code = text.charCodeAt(position);
		if (code === BACKSLASH) {
			this.#position = escapeEnd(text, position);
			return;
		}
		if (code !== QUOTE) throw new JsonSyntaxError(position);
		this.#position = position + 1;
		if (this.#state === IN_STRING) {
			this.#state = AFTER;
			this.#valueEnded();
			return;
		}
		this.#state = COLON;
		if (this.#depth === 1) this.#name = nameIn(text.slice(this.#nameStart, this.#position));
	}

	#memberBegins(position: number, values: number): void {
		this.#valueStart = position;
		this.#valuesBefore = values;
	}

	/** A value ends at the position. Directly inside the outermost object, it is a member. */
	#valueEnded(): void {
		if (this.#depth !== 1 || this.#open[0] !== 1) return;
		const values = this.#values - this.#valuesBefore;
		this.#members.push({ name: this.#name, start: this.#valueStart, end: this.#position, values });
	}

	#push(depth: number, isObject: boolean): void {
		if (depth === this.#open.length) {
			const larger = new Uint8Array(this.#open.length * 2);
			larger.set(this.#open);
			this.#open = larger;
		}
		this.#open[depth] = isObject ? 1 : 0;
	}
}

/** True for a bracket that ends the innermost object or list, where it may end. */
function isEnd(code: number, state: number, depth: number, isObject: boolean): boolean {
	if (code === CLOSE_LIST) return depth > 0 && !isObject && (state === AFTER || state === VALUE_OR_END);
	return code === CLOSE_OBJECT && depth > 0 && isObject && (state === AFTER || state === NAME_OR_END);
}

function nameIn(quoted: string): string {
	return quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}

/** The end of a number, of `true`, `false` or `null`. */
function plainValueEnd(text: string, start: number, code: number): number {
	if (code === MINUS || isDigit(code)) return numberEnd(text, start);
	const literal = LITERALS[code];
	if (literal === undefined || !text.startsWith(literal, start)) throw new JsonSyntaxError(start);
	return start + literal.length;
}

function numberEnd(text: string, start: number): number {
	let position = text.charCodeAt(start) === MINUS ? start + 1 : start;
	position = text.charCodeAt(position) === ZERO ? position + 1 : digitsEnd(text, position);
	if (text[position] === ".") position = digitsEnd(text, position + 1);
	if (text[position] !== "e" && text[position] !== "E") return position;
	const sign = text[position + 1];
	return digitsEnd(text, sign === "+" || sign === "-" ? position + 2 : position + 1);
}

/** The end of an escape that begins at the position. */
function escapeEnd(text: string, position: number): number {
	const letter = text.charCodeAt(position + 1);
	if (!ESCAPES.has(letter)) throw new JsonSyntaxError(Math.min(position + 1, text.length));
	if (letter !== 0x75) return position + 2;
	for (let digit = position + 2; digit < position + 6; digit++) {
		if (!isHexDigit(text.charCodeAt(digit))) throw new JsonSyntaxError(Math.min(digit, text.length));
	}
	return position + 6;
}

/** The end of one or more digits. */
function digitsEnd(text: string, start: number): number {
	let position = start;
	while (isDigit(text.charCodeAt(position))) position++;
	if (position === start) throw new JsonSyntaxError(position);
	return position;
}

function isDigit(code: number): boolean {
	return code >= ZERO && code <= NINE;
}

function isHexDigit(code: number): boolean {
	return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}
