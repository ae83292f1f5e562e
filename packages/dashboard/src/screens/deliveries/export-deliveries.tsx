// Downloads all deliveries that match the filter, after counting them.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { DeliveriesSearch } from "../../app/search.ts";
import { ExportButton } from "../../parts/list/export-button.tsx";
import { useProject } from "../../session/caller.ts";
import { hasFilter } from "./filters.tsx";
import { countQuery, filterOf } from "./queries.ts";

interface ExportDeliveriesProps {
	readonly search: DeliveriesSearch;
	readonly words: readonly [one: string, several: string];
	readonly isEmpty: boolean;
}

export function ExportDeliveries({ search, words, isEmpty }: ExportDeliveriesProps) {
	const project = useProject();
	const [isOpen, setOpen] = useState(false);
	const { data: matching } = useQuery({ ...countQuery(project, search), enabled: isOpen });
	return (
		<ExportButton
			words={words}
			contents="State, last response and times of each delivery, without payloads"
			exporter={project.deliveries}
			isEmpty={isEmpty}
			isFiltered={hasFilter(search)}
			filterOf={() => filterOf(search, Date.now())}
			matching={matching}
			onOpenChange={setOpen}
		/>
	);
}
