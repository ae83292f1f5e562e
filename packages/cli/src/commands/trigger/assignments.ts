// The option `--set data.total=99`: changes values of an event's data.
import { InvalidArgumentError } from "commander";

import { usageError } from "../../frame/failure.ts";
import { isExactNumber, parseExactly } from "../../frame/values.ts";

/** A value to set. */
export interface Assignment {
	/** The names of fields and the numbers of items that lead to it, without `data`. */
	readonly path: readonly string[];
	readonly value: unknown;
}

const MAX_DEPTH = 32;

/** Reads one, after those before it. The value is JSON; what is no JSON is text. */
export function collectAssignment(text: string, earlier: readonly Assignment[] = []): readonly Assignment[] {
	const at = text.indexOf("=");
	const [root, ...path] = text.slice(0, Math.max(0, at)).split(".");
	if (at < 1 || root !== "data" || path.includes("") || path.length > MAX_DEPTH) {
		throw new InvalidArgumentError("It must be a path and a value, such as data.total=99 or data.items.0.name=cup.");
	}
	return [...earlier, { path, value: valueOf(text.slice(at + 1)) }];
}

/** The data with the values set. What was given is not changed. */
export function withAssignments(data: unknown, assignments: readonly Assignment[]): unknown {
	return assignments.reduce((changed, { path, value }) => set(changed, path, value, "data"), data);
}

function set(data: unknown, [name, ...rest]: readonly string[], value: unknown, where: string): unknown {
	if (name === undefined) return value;
	if (Array.isArray(data)) {
		const index = /^\d{1,6}$/.test(name) ? Number(name) : -1;
		if (index < 0 || index > data.length) throw usageError(`--set: ${where} has ${data.length} items, and no ${name}.`);
		return data.toSpliced(index, 1, set(data[index], rest, value, `${where}.${name}`));
	}
	if (data !== undefined && (typeof data !== "object" || data === null || isExactNumber(data))) {
		throw usageError(`--set: ${where} is no object, so that it has no ${name}.`);
	}
	const fields = new Map(Object.entries(data ?? {}));
	fields.set(name, set(fields.get(name), rest, value, `${where}.${name}`));
	// Not by assignment: `__proto__` is a name as any other.
	return Object.fromEntries(fields);
}

function valueOf(text: string): unknown {
	try {
		return parseExactly(text);
	} catch {
		return text;
	}
}
