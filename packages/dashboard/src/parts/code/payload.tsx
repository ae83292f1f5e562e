// A body as text: indented and coloured if it is JSON of a usual size, exactly as it was otherwise.
import { SegmentedControl } from "@mantine/core";
import { useMemo, useState } from "react";

import { CopyButton } from "../text/copy.tsx";
import { count } from "../text/format.ts";
import { jsonLines, MOST_COLORED } from "./json-tokens.ts";
import { PlainText } from "./plain-text.tsx";

interface PayloadProps {
	readonly text: string;
	/** What it is, such as `Request body`. */
	readonly label: string;
	/** What is missing, such as that only the first 4 KiB are kept. */
	readonly note?: string;
}

export function Payload({ text, label, note }: PayloadProps) {
	const [form, setForm] = useState("pretty");
	const lines = useMemo(() => (text.length <= MOST_COLORED ? jsonLines(text) : null), [text]);
	const isPretty = form === "pretty" && lines !== null;
	if (text === "") return <p className="dim flat">Empty.</p>;
	return (
		<div className="stack tight">
			<div className="bar">
				{lines !== null && (
					<SegmentedControl
						size="xs"
						aria-label={`Form of: ${label}`}
						data={[
							{ value: "pretty", label: "Pretty" },
							{ value: "raw", label: "As sent" },
						]}
						value={form}
						onChange={setForm}
					/>
				)}
				<span className="dim num">{count(text.length)} characters</span>
				{note !== undefined && <span className="dim">{note}</span>}
			</div>
			<div className="code">
				<pre tabIndex={0} role="region" aria-label={label}>
					{isPretty ? (
						lines.map((line, index) => (
							<span key={index}>
								{line.map(({ kind, text }, place) => (
									<span key={place} className={kind === "mark" ? undefined : `tok-${kind}`}>
										<PlainText text={text} />
									</span>
								))}
								{"\n"}
							</span>
						))
					) : (
						<PlainText text={text} />
					)}
				</pre>
				<div className="code-copy">
					<CopyButton text={text} label={`Copy: ${label}`} />
				</div>
			</div>
		</div>
	);
}
