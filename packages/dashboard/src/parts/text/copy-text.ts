// Copies texts, also where browsers have no clipboard for scripts.

/** Copies a text. Pages that came over plain HTTP have no clipboard, so an invisible field takes its place. */
export async function copyText(text: string): Promise<void> {
	const { clipboard } = navigator as Partial<Navigator>;
	if (clipboard !== undefined) return clipboard.writeText(text);
	const field = document.createElement("textarea");
	field.value = text;
	field.className = "unseen";
	document.body.append(field);
	field.select();
	document.execCommand("copy");
	field.remove();
}
