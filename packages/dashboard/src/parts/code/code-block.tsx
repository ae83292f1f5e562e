// Code or output to read and copy.
import { CopyButton } from "../text/copy.tsx";
import { PlainText } from "./plain-text.tsx";

interface CodeBlockProps {
	readonly text: string;
	/** What it is, such as `Verification in Go`. */
	readonly label: string;
	/** Whether lines stay whole and are scrolled, as for code. */
	readonly hasLines?: boolean;
}

export function CodeBlock({ text, label, hasLines = false }: CodeBlockProps) {
	return (
		<div className="code">
			<pre className={hasLines ? "lines" : undefined} tabIndex={0} role="region" aria-label={label}>
				<PlainText text={text} />
			</pre>
			<div className="code-copy">
				<CopyButton text={text} label={`Copy: ${label}`} />
			</div>
		</div>
	);
}
