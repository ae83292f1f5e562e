// JSON, indented for reading, with all digits of its numbers.
import { jsonLines } from "../../parts/code/json-tokens.ts";
import { TextBlock } from "./copy.tsx";

/** Texts beyond this are shown as they are. */
const MOST_INDENTED = 256 * 1_024;

export function JsonBlock({ text, label }: { readonly text: string; readonly label: string }) {
	const lines = text.length <= MOST_INDENTED ? jsonLines(text) : null;
	const shown = lines === null ? text : lines.map((line) => line.map((token) => token.text).join("")).join("\n");
	return <TextBlock text={shown} label={label} />;
}
