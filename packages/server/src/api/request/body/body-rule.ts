// The usual rule for a body: a JSON object that its schema describes.
import type { z } from "@hono/zod-openapi";

import { invalidRequest } from "../../../core/errors.ts";
import type { BodyRule } from "../route.ts";
import { nestedDuplicateIssues } from "./json-body.ts";
import { validate } from "./validate.ts";

/** Of calls that manage something; sends have limits of their own. */
export const MANAGEMENT_MAX_BYTES = 1_024 * 1_024;

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
