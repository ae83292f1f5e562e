// Where a change of many deliveries is made, in words: of which list, and of which project.
import type { DeliveriesSearch } from "../../../app/search.ts";
import { projectElsewhere, type ShownProject } from "../../../parts/text/project-elsewhere.ts";
import { filtersOf, filterWords, type Known } from "../filter-words.ts";
import type { BulkChange } from "./bulk-changes.ts";

/**
 * The list that a search shows, whatever its statuses; empty if it shows all deliveries.
 *
 * @example
 * listWords({ type: "order.*", customer: "acme", status: "Failed" }, known); // "Event type order.*; Customer acme"
 */
export function listWords(search: DeliveriesSearch, known: Known): string {
	const filters = filtersOf(search).filter(([name]) => name !== "status");
	return filters.map(([name, value]) => filterWords(name, value, known)).join("; ");
}

/** The project of a change, if another one is shown, and its list; empty for all deliveries of the project that is shown. */
export function whereOf(change: Pick<BulkChange, "projectId" | "listName">, shown: ShownProject): string {
	const parts = [projectElsewhere(change.projectId, shown), change.listName];
	return parts.filter((part) => part !== "").join("; ");
}
