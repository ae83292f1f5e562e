// The filters of deliveries that are wanted less often, behind a button.
import { Button, Popover } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { DeliveriesFilter } from "../../app/search.ts";
import { FormShape } from "../../parts/feedback/skeletons.tsx";
import { lazyPart, Part } from "../../parts/layout/part.tsx";
import type { LessWanted } from "./more-fields.tsx";

const fields = lazyPart("more-fields", async () => (await import("./more-fields.tsx")).MoreFields);

interface MoreFiltersProps {
	readonly search: DeliveriesFilter;
	readonly onChange: (wanted: Readonly<Record<keyof LessWanted, string | undefined>>) => void;
}

export function MoreFilters({ search: { customer = "", event = "", error = "" }, onChange }: MoreFiltersProps) {
	// Before somebody opens it.
	useQuery(fields);
	const [isOpen, setOpen] = useState(false);
	// What is typed stays when it is closed.
	const [texts, setTexts] = useState<LessWanted>({ customer, event, error });
	const applied = [customer, event, error].join(" ");
	const [former, setFormer] = useState(applied);
	if (former !== applied) {
		// From outside, such as a link.
		setFormer(applied);
		setTexts({ customer, event, error });
	}
	const textOrNone = (text: string) => (text === "" ? undefined : text);
	const apply = (wanted: LessWanted) => {
		setOpen(false);
		onChange({
			customer: textOrNone(wanted.customer),
			event: textOrNone(wanted.event),
			error: textOrNone(wanted.error),
		});
	};
	return (
		<Popover opened={isOpen} onChange={setOpen} position="bottom-end" width="18rem" shadow="md" trapFocus returnFocus>
			<Popover.Target>
				<Button className="more-filters" size="xs" variant="default" onClick={() => setOpen(!isOpen)}>
					More filters
				</Button>
			</Popover.Target>
			<Popover.Dropdown>
				<Part
					of={fields}
					props={{ texts, applied: error, onChange: setTexts, onApply: apply, onClose: () => setOpen(false) }}
					label="the filters"
				>
					<FormShape fields={3} />
				</Part>
			</Popover.Dropdown>
		</Popover>
	);
}
