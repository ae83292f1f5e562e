// One section of a document, as the search finds and shows it.

/** The index of the search is a list of these, as JSON. */
export interface FoundSection {
	/** The name of the page. */
	readonly page: string;
	/** The heading; empty for the beginning of the page. */
	readonly title: string;
	/** Relative to `/docs/`, such as `concepts#customers`. */
	readonly address: string;
	readonly text: string;
}
