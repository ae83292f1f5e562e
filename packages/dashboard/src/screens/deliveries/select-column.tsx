// The column of check boxes.
import { Checkbox } from "@mantine/core";

import type { Column } from "../../parts/layout/table.tsx";

interface SelectColumnOptions<Row> {
	readonly selected: ReadonlySet<string>;
	readonly onToggle: (id: string) => void;
	/** What a row is called beside its id. */
	readonly nameOf: (row: Row) => string;
}

export function selectColumn<Row extends { readonly id: string }>({
	selected,
	onToggle,
	nameOf,
}: SelectColumnOptions<Row>): Column<Row> {
	return {
		name: "Select",
		width: "1.75rem",
		phone: "hide",
		isNameHidden: true,
		cell: (row) => (
			<div className="above">
				<Checkbox
					size="xs"
					aria-label={`Select ${nameOf(row)} ${row.id}`}
					checked={selected.has(row.id)}
					onChange={() => onToggle(row.id)}
				/>
			</div>
		),
	};
}
