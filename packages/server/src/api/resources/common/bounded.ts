// Texts and lists whose length is checked before anything else, and only if they are texts and lists: zod's own `min` and
// `max` come after the elements, and measure whatever has a `length`.
import { z } from "@hono/zod-openapi";

import { counted } from "../../../core/errors.ts";
import { expectedForm } from "../../request/body/expected-form.ts";
import { characterCount } from "./characters.ts";

/** Text of at most `max` code points, of any characters. */
export function shortText(max: number): z.ZodString {
	return z
		.string()
		.refine((value) => value.length <= max || characterCount(value) <= max, {
			error: ({ input }) => `must have at most ${max} characters, got ${characterCount(String(input))}`,
			abort: true,
		})
		.openapi({ maxLength: max });
}

/** A list of `min` to `max` entries. The number of entries is checked before the entries themselves. */
export function list<T extends z.ZodType>(
	element: T,
	{ min, max }: { readonly min: number; readonly max: number },
): z.ZodType<z.output<T>[]> {
	const entries = z.array(element).min(min).max(max);
	return z.preprocess((value: unknown, context) => {
		const message = lengthIssue(value, entries, min, max);
		const code = Array.isArray(value) ? ({ code: "custom" } as const) : NO_ARRAY;
		if (message !== null) context.addIssue({ ...code, message });
		return value;
	}, entries);
}

/** Tells values of another kind from lists with a wrong number of entries. */
const NO_ARRAY = { code: "invalid_type", expected: "array" } as const;

function lengthIssue(value: unknown, schema: z.ZodArray, min: number, max: number): string | null {
	if (value === undefined) return "is required";
	if (!Array.isArray(value)) return `must be ${expectedForm("an array", schema, value)}`;
	if (value.length > max) return `must have at most ${counted(max, "entry", "entries")}, got ${value.length}`;
	return value.length < min ? `must have at least ${counted(min, "entry", "entries")}, got ${value.length}` : null;
}
