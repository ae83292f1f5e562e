// The parts of a JSON text, for colours and for lines. What is shown is never parsed into values: numbers keep all their digits,
// and whatever is not JSON is shown as it is.

export type TokenKind = "key" | "text" | "value" | "mark";

export interface Token {
	readonly kind: TokenKind;
	readonly text: string;
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)|([{}[\],])|(\s+)/gy;

/** Colours are for texts up to this length; longer ones are shown plain, at once. */
export const MOST_COLORED = 64 * 1_024;

/** Deeper lines are not indented further: a text of nothing but opening brackets would become as long as the square of its length. */
const DEEPEST_INDENT = 32;
const INDENTS = Array.from({ length: DEEPEST_INDENT + 1 }, (_, depth) => "  ".repeat(depth));

/**
 * Breaks a JSON text into indented lines of tokens; null if it is not JSON. Only white space between tokens changes. What comes out is at
 * most some 70 times as long, however deep the text is.
 *
 * @example
 * jsonLines('{"a":12345678901234567890}'); // lines `{`, `  "a": 12345678901234567890`, `}`
 */
export function jsonLines(text: string): readonly (readonly Token[])[] | null {
	if (!isJson(text)) return null;
	const lines: Token[][] = [];
	let line: Token[] = [];
	let depth = 0;
	const breakLine = () => {
		lines.push(line);
		line = depth > 0 ? [{ kind: "mark", text: INDENTS[Math.min(depth, DEEPEST_INDENT)] ?? "" }] : [];
	};
	let last = "";
	for (const [, string, colon, value, mark, space] of text.matchAll(TOKEN)) {
		if (space !== undefined) continue;
		if (mark === "}" || mark === "]") {
			depth -= 1;
			if (last !== "{" && last !== "[") breakLine();
			line.push({ kind: "mark", text: mark });
		} else if (mark !== undefined) {
			line.push({ kind: "mark", text: mark });
			if (mark !== ",") depth += 1;
		} else {
			if (last === "{" || last === "[") breakLine();
			if (string !== undefined) line.push({ kind: colon === undefined ? "text" : "key", text: string });
			if (colon !== undefined) line.push({ kind: "mark", text: ": " });
			if (value !== undefined) line.push({ kind: "value", text: value });
		}
		if (mark === ",") breakLine();
		// An object or list inside another begins on the line after the opening mark.
		if ((mark === "{" || mark === "[") && (last === "{" || last === "[")) moveToNewLine();
		last = mark ?? "v";
	}
	lines.push(line);
	return lines;

	/** Moves the mark that was just written to a line of its own: it is the first element of a list. */
	function moveToNewLine(): void {
		const moved = line.pop();
		depth -= 1;
		breakLine();
		depth += 1;
		if (moved !== undefined) line.push(moved);
	}
}

/** Whether it is JSON as a whole: tokens of JSON side by side, such as `10 20`, would be joined. */
function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}

/** The same JSON with a line for each value. A text that is no JSON, or longer than `most` characters, stays as it is. */
export function prettyText(text: string, most = MOST_COLORED): string {
	const lines = text.length <= most ? jsonLines(text) : null;
	return lines?.map((line) => line.map((token) => token.text).join("")).join("\n") ?? text;
}
