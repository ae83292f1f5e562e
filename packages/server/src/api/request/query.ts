// Query strings: known parameters, once each.
import type { z } from "@hono/zod-openapi";

import { invalidRequest, type Issue } from "../../core/errors.ts";
import { cutName, validate } from "./body/validate.ts";

/** The parameters of a URL by the schema of its route. The Nexus SDK ends its query strings in `&`; that is no parameter. */
export function readQuery<T>(url: string, schema: z.ZodType<T> | undefined): T | undefined {
	const mark = url.indexOf("?");
	const search = mark === -1 ? "" : url.slice(mark + 1);
	if (search === "" && schema === undefined) return undefined;
	const values: Record<string, string> = Object.create(null);
	const issues: Issue[] = [];
	for (const [name, value] of new URLSearchParams(search)) {
		if (name in values) issues.push({ path: cutName(name), message: "stands more than once; write it once" });
		else if (schema === undefined) issues.push({ path: cutName(name), message: "this call takes no query parameters" });
		values[name] = value;
	}
	if (issues.length > 0) throw invalidRequest(issues);
	return schema === undefined ? undefined : validate(schema, values);
}
