// Which event types a filter wants. Written anew, so that the server's own matching is compared with something.

/** Whether a filter of event types wants a type; null wants every type but those of own events. */
export function wants(filter: readonly string[] | null, type: string): boolean {
	if (filter === null) return !type.startsWith("fanfare.");
	return filter.some((entry) => (entry.endsWith(".*") ? type.startsWith(entry.slice(0, -1)) : entry === type));
}
