// A button that copies a text, and a block of text with one.
import { useState } from "react";

import { PlainText } from "../../parts/code/plain-text.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { copyText } from "../../parts/text/copy-text.ts";
import { useTexts } from "../texts/reader.tsx";

const DONE_MS = 1_500;

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
	const texts = useTexts();
	const [isDone, setDone] = useState(false);
	const copy = async () => {
		await copyText(text);
		setDone(true);
		setTimeout(() => setDone(false), DONE_MS);
	};
	const name = isDone ? texts.copied : `${texts.copy}: ${label}`;
	return (
		<button type="button" className="copy" aria-label={name} title={name} onClick={() => void copy()}>
			<Icon name={isDone ? "check" : "copy"} size={15} />
		</button>
	);
}

/** Code and data are read from left to right in every language. */
export function TextBlock({
	text,
	label,
	hasLines = false,
}: {
	readonly text: string;
	readonly label: string;
	readonly hasLines?: boolean;
}) {
	return (
		<div className="code" dir="ltr">
			<pre className={hasLines ? "lines" : undefined} tabIndex={0} role="region" aria-label={label}>
				<PlainText text={text} />
			</pre>
			<CopyButton text={text} label={label} />
		</div>
	);
}
