// Checks text: its length as people count it, and no characters that cannot be stored or shown.

const CONTROL = /\p{Cc}/u;
/** Embeddings, overrides and isolates: where a text is printed, they turn around what follows, so that one name looks like another. */
const TURNING = /[\u202A-\u202E\u2066-\u2069]/;
/** Characters besides control characters that end a line. */
const LINE_ENDS = /[\u2028\u2029]/;

/** The number of code points. JavaScript's `length` counts UTF-16 units instead. */
export function characterCount(text: string): number {
	let count = 0;
	for (const _ of text) count++;
	return count;
}

export interface TextRules {
	/** Whether it may have line ends and tabs. Defaults to false. */
	readonly lines?: boolean;
	/** Whether it may have characters that change the direction of what follows. Defaults to false. */
	readonly turns?: boolean;
	/** Whether it may be one that was stored when texts could have more characters: to find it, or to keep it. Defaults to false. */
	readonly stored?: boolean;
}

/** The reason to refuse a text that should have `min` to `max` characters; null if it is valid. */
export function textIssue(text: string, min: number, max: number, rules: TextRules = {}): string | null {
	const { lines = false, stored = false, turns = stored } = rules;
	const length = characterCount(text);
	if (length < min || length > max) return `must have ${min}–${max} characters, got ${length}`;
	if (!text.isWellFormed()) return "must not contain lone surrogates";
	if (CONTROL.test(lines ? text.replaceAll(/[\r\n\t]/g, "") : text)) return "must not contain control characters";
	if (!lines && !stored && LINE_ENDS.test(text)) return "must not contain line ends";
	const turn = turns ? null : TURNING.exec(text);
	if (turn === null) return null;
	const code = turn[0].charCodeAt(0).toString(16).toUpperCase();
	return `must not contain characters that change the direction of text (U+202A–U+202E, U+2066–U+2069), has U+${code}`;
}
