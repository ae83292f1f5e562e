// Schemas that several nouns share. Each checks a value, explains what it expects, and describes itself in the OpenAPI
// document.
import { z } from "@hono/zod-openapi";

import { CUSTOMER_ID_MAX_LENGTH, CUSTOMER_ID_PATTERN, isCustomerId } from "../../../core/access/customer.ts";
import { TAG_MAX_LENGTH, TAG_PATTERN } from "../../../core/event.ts";
import { isId, type IdPrefix } from "../../../core/ids.ts";
import { PAGE_LIMIT } from "../../../core/page.ts";
import { expectedForm, schemaForms } from "../../request/body/expected-form.ts";
import { shortText } from "./bounded.ts";
import { textIssue, type TextRules } from "./characters.ts";

/** The last time with a year of four digits: 9999-12-31T23:59:59.999Z. */
export const MAX_TIME_MS = 253_402_300_799_999;

/** Text of `min` to `max` code points, without control characters and those that change the direction of text. */
export function text(min: number, max: number, rules: TextRules = {}): z.ZodString {
	return z
		.string()
		.superRefine((value, context) => {
			const message = textIssue(value, min, max, rules);
			if (message !== null) context.addIssue({ code: "custom", message });
		})
		.openapi({ minLength: min, maxLength: max });
}

/** A name of 1 to `max` code points that is not only white space. */
export function nameText(max: number, rules: TextRules = {}): z.ZodString {
	return text(1, max, rules).refine((name) => name.trim() !== "", {
		error: "must not be only white space",
		abort: true,
	});
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number): z.ZodInt {
	return z.int().min(min).max(max);
}

/** A time: integer milliseconds since the epoch. */
export const timeMs = integer(0, MAX_TIME_MS).openapi({ example: 1_723_633_671_620 });

/** A time in a response, so without bounds. */
export const timeOut = z.int().openapi({ description: "Milliseconds since the epoch.", example: 1_723_633_671_620 });

/** The revision of an object in a response. */
export const revisionOut = z.int().openapi({ description: "Rises with each change of the object.", example: 7 });

/** The revision that a change was made on. */
export const revisionIn = integer(1, Number.MAX_SAFE_INTEGER).openapi({
	description:
		"The `revision` that your change was made on. If somebody else has changed the object since, the response is a 409 " +
		"and nothing changes. If omitted, the fields in the body are changed in any case.",
	example: 7,
});

/** An id with this prefix, such as `webhook_…`. */
export function idText(prefix: IdPrefix): z.ZodString {
	return z
		.string()
		.refine((id) => isId(prefix, id), `must be an id such as ${prefix}_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77`)
		.openapi({ example: `${prefix}_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77` });
}

/** The id of a customer: a string of the product's own. */
export const customerIdText = shortText(CUSTOMER_ID_MAX_LENGTH)
	.refine(isCustomerId, `must have 1–${CUSTOMER_ID_MAX_LENGTH} of the characters A–Z a–z 0–9 . _ : -`)
	.openapi({ minLength: 1, pattern: CUSTOMER_ID_PATTERN.source, example: "acme" });

/** A tag of an event. */
export const tagText = z
	.string()
	.regex(TAG_PATTERN, {
		error: `must have 1–${TAG_MAX_LENGTH} of the characters A–Z a–z 0–9 . _ : / = @ -, and begin with a letter or a digit`,
	})
	.openapi({ maxLength: TAG_MAX_LENGTH, example: "order:4711" });

/** The customer that something belongs to, in a response. */
export const customerIdOut = z.string().optional().openapi({ description: "Present only if set.", example: "acme" });

/** A whole number in a query parameter: digits only. */
export function integerParameter(min: number, max: number, description: string): z.ZodType<number, string> {
	const expected = `must be a whole number from ${min} to ${max}`;
	return z
		.string()
		.regex(/^\d{1,16}$/, expected)
		.transform(Number)
		.refine((value) => value >= min && value <= max, expected)
		.openapi({ type: "integer", minimum: min, maximum: max, description });
}

/** The query parameters of every list. */
export const pageQuery = {
	limit: integerParameter(
		PAGE_LIMIT.min,
		PAGE_LIMIT.max,
		`The largest number of rows. Defaults to ${PAGE_LIMIT.default}. A page of large rows ends at about 4 MB.`,
	).optional(),
	page: shortText(400)
		.optional()
		.openapi({ description: "`nextPage` or `prevPage` of an earlier response, unchanged." }),
};

/** The query parameters of lists that can be filtered by date. */
export const timeRangeQuery = {
	after: integerParameter(
		0,
		MAX_TIME_MS,
		"Only what was created at this time or later. Milliseconds since the epoch.",
	).optional(),
	before: integerParameter(
		0,
		MAX_TIME_MS,
		"Only what was created before this time. Milliseconds since the epoch.",
	).optional(),
};

/** The response of a list: a page of rows, with cursors. */
export function listOf<T extends z.ZodType>(
	row: T,
): z.ZodObject<{ nextPage: z.ZodNullable<z.ZodString>; prevPage: z.ZodNullable<z.ZodString>; data: z.ZodArray<T> }> {
	return z.object({
		nextPage: z.string().nullable().openapi({ description: "Cursor to the next rows; null on the last page." }),
		prevPage: z.string().nullable().openapi({ description: "Cursor to the previous rows; null on the first page." }),
		data: z.array(row).openapi({ description: "The rows of this page." }),
	});
}

/** The response of a list whose pages may end early, because looking for matches would take too long. */
export function scannedListOf<T extends z.ZodType>(row: T) {
	return listOf(row).extend({
		scannedTo: timeOut.optional().openapi({
			description:
				"Present only if the page ended early: how far it has looked, as the date of the order of the list. All rows up to there that match " +
				"are in this page.",
		}),
	});
}

/** The limits of a `stringMap`. */
export interface StringMapRules {
	readonly maxEntries: number;
	/** The reason to refuse a name; null if it is valid. */
	readonly nameIssue: (name: string) => string | null;
	/** The reason to refuse a value; null if it is valid. */
	readonly valueIssue: (value: string) => string | null;
}

/**
 * An object with any names, whose values are strings. The number of entries is checked before the entries themselves, and
 * before checks that the caller adds.
 */
export function stringMap(rules: StringMapRules): z.ZodType<Record<string, string>> {
	const map = z.custom<Record<string, string>>(() => true).register(schemaForms, { form: '{"name": "value"}' });
	return map
		.superRefine((value: unknown, context) => {
			if (typeof value !== "object" || value === null || Array.isArray(value)) {
				const message = `must be ${expectedForm("an object of strings", map, value)}`;
				context.addIssue({ code: "custom", message, continue: false });
				return;
			}
			const entries = Object.entries(value);
			if (entries.length > rules.maxEntries) {
				const message = `must have at most ${rules.maxEntries} entries, got ${entries.length}`;
				context.addIssue({ code: "custom", message, continue: false });
				return;
			}
			for (const [name, entry] of entries) {
				const message =
					rules.nameIssue(name) ?? (typeof entry === "string" ? rules.valueIssue(entry) : "must be a string");
				if (message !== null) context.addIssue({ code: "custom", message, path: [name] });
			}
		})
		.openapi({ type: "object", additionalProperties: { type: "string" }, maxProperties: rules.maxEntries });
}

/** For `superRefine`: adds an issue for each entry that repeats an earlier one. */
export function addDuplicateIssues(list: readonly string[], context: z.RefinementCtx): void {
	const seen = new Map<string, number>();
	for (const [index, entry] of list.entries()) {
		const first = seen.get(entry);
		if (first === undefined) seen.set(entry, index);
		else context.addIssue({ code: "custom", path: [index], message: `is the same as entry ${first}; list it once` });
	}
}

/** The body of an error response. */
export const problemSchema = z
	.object({
		message: z.string().openapi({ description: "A sentence that says what is wrong and what to do." }),
		code: z.string().openapi({ description: "Never changes its meaning, so that programs can depend on it." }),
		requestId: z.string().openapi({ description: "Also in the header `x-request-id`." }),
		issues: z
			.array(
				z.object({
					path: z
						.string()
						.openapi({ description: 'The path of the field, such as `spec.endpoint`; "" means the whole request.' }),
					message: z.string(),
				}),
			)
			.optional(),
	})
	.openapi("Error", {
		example: {
			message: "spec.endpoint: is required",
			code: "invalid_request",
			requestId: "req_6f1d2c0f4b8e4a3f9a7b1c2d3e4f5a6b",
			issues: [{ path: "spec.endpoint", message: "is required" }],
		},
	});

/** The response to every deletion. */
export const deletedSchema = z
	.object({
		id: z.string().openapi({ description: "The id of what was deleted." }),
		deleted: z.literal(true).openapi({ description: "Always true." }),
	})
	.openapi("Deleted", { example: { id: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7", deleted: true } });
