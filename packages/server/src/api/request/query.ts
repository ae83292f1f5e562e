// Reads query strings. Unknown parameters, and parameters that appear twice, are refused.
import { z } from "@hono/zod-openapi";

import { invalidRequest, type Issue } from "../../core/errors.ts";
import { cutName, onePerField, validate } from "./body/validate.ts";

/** The one parameter with many names: `metadata.team=a&metadata.area=b` is `{"team": "a", "area": "b"}`. */
const MAP = "metadata";
/** More than any call takes. */
const MOST_PARAMETERS = 64;

/**
 * The query parameters of a URL, checked against the schema of its route; undefined if the route has none. Throws
 * `invalid_request`. An `&` at the end, as the Nexus SDK writes it, is no parameter.
 */
export function readQuery<T>(url: string, schema: z.ZodType<T> | undefined): T | undefined {
	const mark = url.indexOf("?");
	const search = mark === -1 ? "" : url.slice(mark + 1);
	if (search === "" && schema === undefined) return undefined;
	if (hasMoreThan(search, MOST_PARAMETERS)) {
		throw invalidRequest([{ path: "", message: `the query must have at most ${MOST_PARAMETERS} parameters` }]);
	}
	const values: Record<string, string | Record<string, string>> = Object.create(null);
	const map: Record<string, string> = Object.create(null);
	const hasMap = schema instanceof z.ZodObject && MAP in schema.shape;
	const issues: Issue[] = [];
	for (const [name, value] of new URLSearchParams(search)) {
		if (hasMap && name.startsWith(`${MAP}.`)) {
			const entry = name.slice(MAP.length + 1);
			if (entry in map) issues.push({ path: cutName(name), message: "appears more than once; send it once" });
			map[entry] = value;
			values[MAP] = map;
			continue;
		}
		if (hasMap && name === MAP) issues.push({ path: name, message: `name the entry, such as ${MAP}.team=a` });
		if (name in values) issues.push({ path: cutName(name), message: "appears more than once; send it once" });
		else if (schema === undefined) issues.push({ path: cutName(name), message: "this call takes no query parameters" });
		values[name] = value;
	}
	if (issues.length > 0) throw invalidRequest(onePerField(issues));
	return schema === undefined ? undefined : validate(schema, values);
}

/** Whether a query has more than `most` parameters, without looking at any of them. */
function hasMoreThan(search: string, most: number): boolean {
	let count = 1;
	const last = search.length - 1;
	for (let at = search.indexOf("&"); at !== -1 && at < last; at = search.indexOf("&", at + 1))
		if (++count > most) return true;
	return false;
}
