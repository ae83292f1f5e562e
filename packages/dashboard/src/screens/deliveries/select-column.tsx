// The column of check boxes.
import type { Delivery } from "@fanfare/sdk";
import { Checkbox } from "@mantine/core";

import type { Column } from "../../parts/layout/table.tsx";

interface SelectColumnOptions {
	readonly selected: ReadonlySet<string>;
	readonly onToggle: (id: string) => void;
}

export function selectColumn({ selected, onToggle }: SelectColumnOptions): Column<Delivery> {
	return {
		name: "Select",
		width: "1.25rem",
		phone: "hide",
		isNameHidden: true,
		cell: ({ id, eventType }) => (
			<div className="above">
				<Checkbox
					size="xs"
					aria-label={`Select ${eventType} ${id}`}
					checked={selected.has(id)}
					onChange={() => onToggle(id)}
				/>
			</div>
		),
	};
}
