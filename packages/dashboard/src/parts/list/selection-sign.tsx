// How many rows are selected, which of them the list does not show any more, and the button that selects none.
import { Button } from "@mantine/core";

import { Icon } from "../layout/icon.tsx";
import { count } from "../text/format.ts";
import type { Selection } from "./use-selection.ts";

interface SelectionSignProps {
	readonly selection: Selection;
}

export function SelectionSign({ selection: { selected, goneCount, clear } }: SelectionSignProps) {
	if (selected.size + goneCount === 0) return null;
	const gone = goneCount === 0 ? "" : `, ${count(goneCount)} more not shown`;
	const onClear = () => {
		clear();
		// The button goes away with the selection. The keyboard goes on where another one begins.
		const [next] = ["[data-select-all]", "#content"].flatMap((one) => document.querySelector<HTMLElement>(one) ?? []);
		next?.focus({ preventScroll: true });
	};
	return (
		<Button size="xs" variant="subtle" color="gray" rightSection={<Icon name="cross" size={14} />} onClick={onClear}>
			<span className="unseen">Clear the selection: </span>
			{`${count(selected.size)} selected${gone}`}
		</Button>
	);
}
