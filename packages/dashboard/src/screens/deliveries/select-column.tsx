// The column of check boxes.
import { Checkbox } from "@mantine/core";

import type { Column } from "../../parts/layout/table.tsx";
import type { Selection } from "../../parts/list/use-selection.ts";

interface SelectColumnOptions<Row> {
	readonly selection: Selection;
	/** What a row is called beside its id. */
	readonly nameOf: (row: Row) => string;
}

export function selectColumn<Row extends { readonly id: string }>({
	selection: { selected, isAll, toggle, toggleAll },
	nameOf,
}: SelectColumnOptions<Row>): Column<Row> {
	return {
		name: "Select",
		width: "1.75rem",
		phone: "hide",
		head: (
			<Checkbox
				size="xs"
				data-select-all
				aria-label="Select all that are shown"
				checked={isAll}
				indeterminate={!isAll && selected.size > 0}
				onChange={toggleAll}
			/>
		),
		cell: (row) => (
			<div className="above">
				<Checkbox
					size="xs"
					aria-label={`Select ${nameOf(row)} ${row.id}`}
					checked={selected.has(row.id)}
					onChange={() => toggle(row.id)}
				/>
			</div>
		),
	};
}
