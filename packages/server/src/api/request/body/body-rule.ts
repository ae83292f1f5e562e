// The usual rule for a body: a JSON object that its schema accepts.
import type { z } from "@hono/zod-openapi";

import { invalidRequest } from "../../../core/errors.ts";
import type { BodyRule } from "../route.ts";
import { nestedDuplicateIssues } from "./json-body.ts";
import { validate } from "./validate.ts";

/** The largest body of a management call, in bytes. Sends have their own limits. */
export const MANAGEMENT_MAX_BYTES = 1_024 * 1_024;

/** A rule for a body that only its schema checks. `example` is shown in the documents. */
export function jsonBody<T>(schema: z.ZodType<T>, example: unknown): BodyRule<T> {
	return {
		schema,
		example,
		maxBytes: MANAGEMENT_MAX_BYTES,
		read(json) {
			const value = validate(schema, json.value);
			const duplicates = nestedDuplicateIssues(json);
			if (duplicates.length > 0) throw invalidRequest(duplicates);
			return value;
		},
	};
}
