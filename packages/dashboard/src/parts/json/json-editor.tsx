// A field for JSON with line numbers. What is wrong stands under it, each with its line, and a click leads there.
import { Input } from "@mantine/core";
import { useId, useRef, type KeyboardEvent } from "react";

export interface LineIssue {
	/** From 1; undefined if it is about no line. */
	readonly line?: number;
	readonly message: string;
}

interface JsonEditorProps {
	readonly label: string;
	readonly description?: string;
	readonly text: string;
	readonly issues: readonly LineIssue[];
	readonly placeholder?: string;
	readonly onChange: (text: string) => void;
	/** For Ctrl+Enter. */
	readonly onSubmit?: () => void;
	readonly leastLines?: number;
}

const MOST_LINES = 26;

export function JsonEditor(props: JsonEditorProps) {
	const { label, description, text, issues, placeholder, onChange, onSubmit, leastLines = 8 } = props;
	const id = useId();
	const field = useRef<HTMLTextAreaElement>(null);
	const gutter = useRef<HTMLDivElement>(null);
	const lines = text.split("\n");
	const rows = Math.min(MOST_LINES, Math.max(leastLines, lines.length + 1));
	const wrong = new Set(issues.map(({ line }) => line));
	const goTo = (line: number) => {
		const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
		field.current?.focus();
		field.current?.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
	};
	const onKeyDown = (event: KeyboardEvent) => {
		if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || onSubmit === undefined) return;
		event.preventDefault();
		// Somebody who holds the keys down means it once.
		if (!event.repeat) onSubmit();
	};
	return (
		<div>
			<Input.Label htmlFor={id}>{label}</Input.Label>
			{description !== undefined && <Input.Description id={`${id}-about`}>{description}</Input.Description>}
			<div className="editor" data-wrong={issues.length > 0 || undefined}>
				<div className="editor-lines" ref={gutter} aria-hidden style={{ height: `calc(${rows} * 1.25rem + 1rem)` }}>
					{lines.map((_, index) => (
						<span key={index} data-wrong={wrong.has(index + 1) || undefined}>
							{index + 1}
						</span>
					))}
				</div>
				<textarea
					id={id}
					ref={field}
					rows={rows}
					wrap="off"
					spellCheck={false}
					autoCapitalize="off"
					autoComplete="off"
					placeholder={placeholder}
					value={text}
					aria-invalid={issues.length > 0}
					aria-describedby={`${id}-about ${id}-issues`}
					onChange={({ currentTarget }) => onChange(currentTarget.value)}
					onKeyDown={onKeyDown}
					onScroll={({ currentTarget }) => {
						if (gutter.current !== null) gutter.current.scrollTop = currentTarget.scrollTop;
					}}
				/>
			</div>
			<ul id={`${id}-issues`} className="editor-issues">
				{issues.map(({ line, message }, index) => (
					<li key={index}>
						{line === undefined ? (
							message
						) : (
							<button type="button" className="plain" onClick={() => goTo(line)}>
								<strong>Line {line}:</strong> {message}
							</button>
						)}
					</li>
				))}
			</ul>
		</div>
	);
}
