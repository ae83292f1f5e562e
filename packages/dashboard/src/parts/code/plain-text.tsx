// Text of strangers. Marks that turn the direction of what follows show where they are, and turn nothing.
import type { ReactNode } from "react";

/** Embeddings, overrides and isolates, by which a text can look like another one. */
const MARKS = /[\u202a-\u202e\u2066-\u2069]/g;
/** A browser stays quick with so many. */
const MOST_MARKS = 2_000;
/** Stands for those beyond. */
const REPLACEMENT = "\ufffd";

/** The text stays what it is, also when it is selected and copied, but for marks beyond `MOST_MARKS`, which are replaced. */
export function PlainText({ text }: { readonly text: string }): ReactNode {
	const parts: ReactNode[] = [];
	let end = 0;
	for (const { index } of text.matchAll(MARKS)) {
		if (parts.length >= 2 * MOST_MARKS) break;
		parts.push(text.slice(end, index), <Mark key={index} mark={text.charAt(index)} />);
		end = index + 1;
	}
	return end === 0 ? text : [...parts, text.slice(end).replaceAll(MARKS, REPLACEMENT)];
}

/** Alone in an element of its own, at whose end it ends. */
function Mark({ mark }: { readonly mark: string }) {
	return (
		<span className="turn" data-code={`U+${mark.charCodeAt(0).toString(16).toUpperCase()}`}>
			{mark}
		</span>
	);
}
