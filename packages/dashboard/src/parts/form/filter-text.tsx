// A filter that is typed, and applied by Enter or on leaving the field.
import { TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";

import { Icon } from "../layout/icon.tsx";

interface FilterTextProps {
	/** What it filters by, such as `Event type`. */
	readonly label: string;
	readonly placeholder: string;
	/** What is applied now. */
	readonly value: string | undefined;
	/** Whether `/` leads to it. One filter of a screen has this. */
	readonly isFirst?: boolean;
	readonly onChange: (value: string | undefined) => void;
}

export function FilterText({ label, placeholder, value = "", isFirst = false, onChange }: FilterTextProps) {
	const [text, setText] = useState(value);
	const [applied, setApplied] = useState(value);
	if (applied !== value) {
		// From outside, such as a link.
		setApplied(value);
		setText(value);
	}
	const apply = (event?: FormEvent) => {
		event?.preventDefault();
		if (text.trim() !== value) onChange(text.trim() === "" ? undefined : text.trim());
	};
	return (
		<form onSubmit={apply} className="filter">
			<TextInput
				data-filter={isFirst || undefined}
				aria-label={label}
				placeholder={placeholder}
				leftSection={isFirst ? <Icon name="search" size={16} /> : undefined}
				maxLength={512}
				value={text}
				onChange={({ currentTarget }) => setText(currentTarget.value)}
				onBlur={() => apply()}
			/>
		</form>
	);
}
