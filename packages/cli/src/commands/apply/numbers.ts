// Numbers in files of `fanfare apply`: they stay as they are written, since JSON allows more digits than JavaScript's numbers keep, and an
// example may have such ids, or a price of 1.10.
import { isAlias, isScalar, Scalar, visit, type Document, type ScalarTag } from "yaml";

import { exactNumber, isExactNumber } from "../../frame/values.ts";
import { FileProblem, type Path } from "./desired.ts";

/** A number that JSON has, too. YAML reads all of them as numbers. */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Reads and writes numbers of JSON as they are written. */
export const EXACT_NUMBERS: ScalarTag = {
	tag: "tag:yaml.org,2002:float",
	default: true,
	test: JSON_NUMBER,
	identify: isExactNumber,
	resolve: (text) => (String(Number(text)) === text ? Number(text) : exactNumber(text)),
	stringify: ({ value }) => (isExactNumber(value) ? value.rawJSON : String(value)),
};

/** Makes text of the names in maps that are exact numbers: JSON has no others. */
export function nameByText(document: Document): void {
	visit(document, {
		Pair(_, pair) {
			const key = isAlias(pair.key) ? pair.key.resolve(document) : pair.key;
			if (!isScalar(key) || !isExactNumber(key.value)) return;
			const name = new Scalar(key.source ?? key.value.rawJSON);
			pair.key = Object.assign(name, { range: key.range, anchor: pair.key === key ? key.anchor : undefined });
		},
	});
}

/**
 * A value of YAML as one of JSON: whole numbers in other notations become numbers, or exact ones. Throws a `FileProblem` for what JSON
 * does not have. What aliases share is shared again.
 */
export function jsonValue(value: unknown, path: Path = [], done = new Map<object, unknown>()): unknown {
	if (typeof value === "bigint") {
		const number = Number(value);
		return Number.isSafeInteger(number) ? number : exactNumber(String(value));
	}
	if (typeof value === "number" && !Number.isFinite(value)) {
		throw new FileProblem(path, `must be a number that JSON has, got ${value}`);
	}
	if (value === null || typeof value !== "object" || isExactNumber(value)) return value;
	const known = done.get(value);
	if (known !== undefined) return known;
	const converted = Array.isArray(value)
		? value.map((entry, index) => jsonValue(entry, [...path, index], done))
		: Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, jsonValue(entry, [...path, name], done)]));
	done.set(value, converted);
	return converted;
}
