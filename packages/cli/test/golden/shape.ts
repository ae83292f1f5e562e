// The shape of what a command prints with `--json`: the path of each member and the type of its value, without the values.

/** Members whose own members depend on the machine or on what was sent. */
const OPEN = new Set(["headers", "warnings", "metadata", "labels"]);
/** Members whose values programs read as words. */
const LITERAL = new Set(["object", "kind"]);

/** Numbers that are null if nothing was measured, which depends on the machine. */
const MEASURED = new Set(
	"p50 p95 p99 p50Ms p99Ms oldestDueMs lookupMs connectMs tlsMs firstByteMs lastUsedDate".split(" "),
);

/** Each line is a member of one of the objects, such as `lastAttempt.responseCode: number`. */
export function shapeOf(objects: readonly unknown[]): string[] {
	const types = new Map<string, Set<string>>();
	for (const object of objects) gather(object, "", types);
	return [...types].map(([path, found]) => `${path}: ${[...found].toSorted().join(" | ")}`);
}

function gather(value: unknown, path: string, types: Map<string, Set<string>>): void {
	const add = (type: string) => void types.set(path, (types.get(path) ?? new Set()).add(type));
	const name = path.split(".").at(-1) ?? "";
	if (MEASURED.has(name) && typeof value === "number") return add("number or null");
	if (value === null) return add(MEASURED.has(name) ? "number or null" : "null");
	if (Array.isArray(value)) {
		if (OPEN.has(name)) return add("list");
		if (value.length === 0) return add("[]");
		for (const one of value) gather(one, `${path}[]`, types);
		return undefined;
	}
	if (typeof value !== "object") return add(LITERAL.has(name) ? JSON.stringify(value) : typeof value);
	if (OPEN.has(name)) return add("map");
	const members = Object.entries(value);
	if (members.length === 0) add("{}");
	for (const [member, inside] of members) gather(inside, path === "" ? member : `${path}.${member}`, types);
	return undefined;
}
