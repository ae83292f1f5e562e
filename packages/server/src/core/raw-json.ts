// Finds the members of a JSON object in its text, so that `data` can be passed on exactly as it was written.

/** The place of a member's value: `json.slice(start, end)` is its text exactly as the producer wrote it. */
export interface MemberSpan {
	readonly name: string;
	readonly start: number;
	readonly end: number;
}

/**
 * The members of the object that begins at `at`, in order, including duplicates, but none after `limit` of them. Values are
 * skipped, not parsed. The text must be valid JSON; for any other text the result is meaningless.
 *
 * @example
 * memberSpans('{"a": 1.0}'); // [{ name: "a", start: 6, end: 9 }]
 */
export function memberSpans(json: string, at = 0, limit = Infinity): MemberSpan[] {
	const members: MemberSpan[] = [];
	let position = skipSpace(json, skipSpace(json, at) + 1);
	while (json[position] === '"') {
		const nameEnd = skipString(json, position);
		const quoted = json.slice(position, nameEnd);
		const name = quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
		const start = skipSpace(json, skipSpace(json, nameEnd) + 1);
		const end = skipValue(json, start);
		members.push({ name, start, end });
		position = skipSpace(json, end);
		if (json[position] !== "," || members.length >= limit) break;
		position = skipSpace(json, position + 1);
	}
	return members;
}

/** The same for the elements of the array that begins at `at`. Their names are their indexes. */
export function elementSpans(json: string, at = 0, limit = Infinity): MemberSpan[] {
	const elements: MemberSpan[] = [];
	let position = skipSpace(json, skipSpace(json, at) + 1);
	while (position < json.length && json[position] !== "]") {
		const end = skipValue(json, position);
		elements.push({ name: String(elements.length), start: position, end });
		position = skipSpace(json, end);
		if (json[position] !== "," || elements.length >= limit) break;
		position = skipSpace(json, position + 1);
	}
	return elements;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set(["{", "["]);

function skipValue(json: string, start: number): number {
	const first = json[start] ?? "";
	if (first === '"') return skipString(json, start);
	if (OPEN.has(first)) return skipNested(json, start);
	let end = start;
	while (end < json.length && !isDelimiter(json.charCodeAt(end))) end++;
	return end;
}

/** Skips an object or array by counting open brackets, without recursion, so that depth needs no stack. */
function skipNested(json: string, start: number): number {
	let depth = 0;
	let position = start;
	while (position < json.length) {
		const code = json.charCodeAt(position);
		if (code === QUOTE) {
			position = skipString(json, position);
			continue;
		}
		// `[` (0x5b) and `{` (0x7b) differ only in bit 0x20, and so do `]` (0x5d) and `}` (0x7d).
		if ((code | 0x20) === 0x7b) depth++;
		else if ((code | 0x20) === 0x7d && --depth === 0) return position + 1;
		position++;
	}
	return position;
}

function skipString(json: string, start: number): number {
	let end = json.indexOf('"', start + 1);
	while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
	return end === -1 ? json.length : end + 1;
}

function isEscaped(json: string, quote: number): boolean {
	let backslashes = 0;
	while (json.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
	return backslashes % 2 === 1;
}

function skipSpace(json: string, start: number): number {
	let position = start;
	while (isSpace(json.charCodeAt(position))) position++;
	return position;
}

function isSpace(code: number): boolean {
	return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function isDelimiter(code: number): boolean {
	return code === 0x2c || code === 0x5d || code === 0x7d || isSpace(code);
}
