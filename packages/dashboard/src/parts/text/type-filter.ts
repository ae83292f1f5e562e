// What a filter by event type can be.

const LONGEST = 256;
const ENTRY = /^[\w-]+(?:\.[\w-]+)*(?:\.\*)?$/;

/** Whether the server can look for it: the name of an event type, or a prefix such as `order.*`. */
export function isTypeFilter(text: string): boolean {
	return text.length <= LONGEST && ENTRY.test(text);
}
