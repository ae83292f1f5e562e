// Edits what a query has loaded.
import type { Query } from "@tanstack/react-query";

/**
 * Edits what a query has loaded, and leaves everything else of it as it is: one that must be fetched again must still be. `edited` returns the
 * same object if nothing is different.
 */
export function editQuery<Data>(query: Query, edited: (data: Data) => Data): void {
	const former = query.state.data as Data | undefined;
	if (former === undefined) return;
	const data = edited(former);
	if (data !== former) query.setState({ data });
}

/** Edits it also once more when an answer has come that is on its way, which may be older than what is told here. */
export function editQueryTwice<Data>(query: Query, edited: (data: Data) => Data): void {
	const change = () => editQuery(query, edited);
	if (query.state.fetchStatus === "fetching") query.promise?.then(change).catch(() => {});
	change();
}
