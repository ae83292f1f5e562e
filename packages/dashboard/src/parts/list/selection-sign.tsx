// How many rows are selected, which of them the list does not show any more, and the buttons that select none, or all that match.
import { Button } from "@mantine/core";

import { Icon } from "../layout/icon.tsx";
import { count } from "../text/format.ts";
import type { Selection } from "./use-selection.ts";

interface SelectionSignProps {
	readonly selection: Selection;
	/** What all that match are, if the list is not loaded to its end and all of them can be changed: `All 1,204 that match`. */
	readonly all?: string | null;
}

export function SelectionSign({ selection: { selected, goneCount, isAll, clear }, all = null }: SelectionSignProps) {
	if (selected.size + goneCount === 0) return null;
	const gone = goneCount === 0 ? "" : `, ${count(goneCount)} more not shown`;
	return (
		<>
			<Button size="xs" variant="subtle" color="gray" rightSection={<Icon name="cross" size={14} />} onClick={clear}>
				<span className="unseen">Clear the selection: </span>
				{`${count(selected.size)} selected${gone}`}
			</Button>
			{/* Somebody who selects all that are shown often means those below, too. What changes all needs no selection. */}
			{isAll && all !== null && (
				<Button size="xs" variant="subtle" onClick={clear}>
					{all}
				</Button>
			)}
		</>
	);
}
