// Text as people count it, and what of it is fit to be stored and shown.

const CONTROL = /\p{Cc}/u;

/** The number of code points, which is what other languages than JavaScript call a string's length. */
export function characterCount(text: string): number {
	let count = 0;
	for (const _ of text) count++;
	return count;
}

/** Why a text of `min` to `max` characters is refused; null if it is fine. `lines` allows line ends and tabs. */
export function textIssue(text: string, min: number, max: number, lines: boolean): string | null {
	const length = characterCount(text);
	if (length < min || length > max) return `must have ${min}–${max} characters, got ${length}`;
	if (!text.isWellFormed()) return "must not contain lone surrogates";
	if (CONTROL.test(lines ? text.replaceAll(/[\r\n\t]/g, "") : text)) return "must not contain control characters";
	return null;
}
