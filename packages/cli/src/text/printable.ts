// Makes text from others safe to print on a terminal.

// oxlint-disable-next-line no-control-regex -- these are the characters to replace
const CONTROL = /[\u0000-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;
// oxlint-disable-next-line no-control-regex -- the same without tab and line feed
const CONTROL_IN_LINES = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/**
 * Replaces control characters, with which a name or a response could move the cursor or pretend to be something else, by
 * their escapes. With `lines`, line feeds and tabs stay.
 */
export function printable(text: string, { lines = false } = {}): string {
	return text.replaceAll(lines ? CONTROL_IN_LINES : CONTROL, (character) => {
		const code = character.codePointAt(0) ?? 0;
		return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
	});
}

// oxlint-disable-next-line no-control-regex -- JSON has no others of the characters to replace
const CONTROL_IN_JSON = /[\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** The value as JSON on one line, safe to print: characters that a terminal would obey are escaped, which changes no value. */
export function printableJson(value: object): string {
	return JSON.stringify(value).replaceAll(
		CONTROL_IN_JSON,
		(character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}
