// Sections of a document that a program writes: everything between two markers, such as <!-- bench:budgets -->.

/**
 * The text with another content between the markers of `section`. Throws if the text lacks them; `file` names it in the error.
 *
 * @example replaceSection("a.md", "<!-- bench:budgets -->\nold\n<!-- /bench:budgets -->", "bench:budgets", "new")
 */
export function replaceSection(file: string, text: string, section: string, content: string): string {
	const [open, close] = [`<!-- ${section} -->`, `<!-- /${section} -->`];
	const [from, to] = [text.indexOf(open), text.indexOf(close)];
	if (from === -1 || to < from) throw new Error(`${file} must have ${open} and, below it, ${close}`);
	return `${text.slice(0, from + open.length)}\n\n${content}\n\n${text.slice(to)}`;
}
