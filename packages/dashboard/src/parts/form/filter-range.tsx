// A filter by time: what is of the last hour, day, week or month.
import { Select } from "@mantine/core";

import { oneOf, RANGES, SPANS, type Range } from "../../app/search.ts";

interface FilterRangeProps {
	/** What a choice begins with, such as `Accepted in the`. */
	readonly words: string;
	readonly value: Range | undefined;
	readonly onChange: (value: Range | undefined) => void;
}

export function FilterRange({ words, value, onChange }: FilterRangeProps) {
	return (
		<Select
			className="filter"
			aria-label="Time"
			placeholder="Any time"
			clearable
			data={RANGES.map((range) => ({ value: range, label: `${words} last ${SPANS[range]}` }))}
			value={value ?? null}
			onChange={(range) => onChange(oneOf(RANGES, range))}
		/>
	);
}
