// Checks text: its length as people count it, and no characters that cannot be stored or shown.

const CONTROL = /\p{Cc}/u;

/** The number of code points. JavaScript's `length` counts UTF-16 units instead. */
export function characterCount(text: string): number {
	let count = 0;
	for (const _ of text) count++;
	return count;
}

/**
 * The reason to refuse a text that should have `min` to `max` characters; null if it is valid. `lines` allows line ends
 * and tabs.
 */
export function textIssue(text: string, min: number, max: number, lines: boolean): string | null {
	const length = characterCount(text);
	if (length < min || length > max) return `must have ${min}–${max} characters, got ${length}`;
	if (!text.isWellFormed()) return "must not contain lone surrogates";
	if (CONTROL.test(lines ? text.replaceAll(/[\r\n\t]/g, "") : text)) return "must not contain control characters";
	return null;
}
