// JSON, indented for reading, with all digits of its numbers.
import { prettyText } from "../../parts/code/json-tokens.ts";
import { TextBlock } from "./copy.tsx";

/** Texts beyond this are shown as they are. */
const MOST_INDENTED = 256 * 1_024;

export function JsonBlock({ text, label }: { readonly text: string; readonly label: string }) {
	return <TextBlock text={prettyText(text, MOST_INDENTED)} label={label} />;
}
