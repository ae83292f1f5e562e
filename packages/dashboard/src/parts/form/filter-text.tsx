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
	/** Whether it stays in sight while others are folded, though it is empty. */
	readonly isKept?: boolean;
	/** What is applied of a text; undefined if that is nothing. Defaults to all of it. */
	readonly read?: (text: string) => string | undefined;
	/** What to say then. */
	readonly expected?: string;
	readonly onChange: (value: string | undefined) => void;
}

const readAll = (text: string) => text;

export function FilterText({
	label,
	placeholder,
	value = "",
	isFirst = false,
	isKept = false,
	read = readAll,
	expected,
	onChange,
}: FilterTextProps) {
	const [text, setText] = useState(value);
	const [isWrong, setWrong] = useState(false);
	const [applied, setApplied] = useState(value);
	if (applied !== value) {
		// From outside, such as a link.
		setApplied(value);
		setText(value);
		setWrong(false);
	}
	const apply = (event?: FormEvent) => {
		event?.preventDefault();
		const typed = text.trim();
		const wanted = typed === "" ? undefined : read(typed);
		setWrong(typed !== "" && wanted === undefined);
		if (typed !== "" && wanted === undefined) return;
		setText(wanted ?? "");
		if ((wanted ?? "") !== value) onChange(wanted);
	};
	return (
		<form onSubmit={apply} className="filter">
			<TextInput
				data-filter={isFirst || undefined}
				data-kept={isKept || undefined}
				aria-label={label}
				placeholder={placeholder}
				leftSection={isFirst ? <Icon name="search" size={16} /> : undefined}
				maxLength={512}
				value={text}
				error={isWrong && expected}
				onChange={({ currentTarget }) => {
					setText(currentTarget.value);
					setWrong(false);
				}}
				onBlur={() => apply()}
			/>
		</form>
	);
}
