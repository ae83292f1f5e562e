// Shows the form of an object or a list, for the error that refuses a plain value there. Only the schema is used.
import { z } from "@hono/zod-openapi";

/** Forms for schemas that do not define fields, such as maps: register the schema here with its form. */
export const schemaForms = z.registry<{ readonly form: string }>();
/** The number of optional fields that a form shows; if there are more, `…` follows. */
const FIELDS_SHOWN = 3;

/**
 * Says what was expected and what came instead. The value itself is not repeated, since it may be a secret.
 *
 * @example
 * expectedForm("an object", z.strictObject({ contents: z.string() }), "whsec_…");
 * // an object such as {"contents": "…"}, got a string
 */
export function expectedForm(expected: string, schema: unknown, value: unknown): string {
	const form = formOf(schema);
	return `${expected}${form === null ? "" : ` such as ${form}`}, got ${kindOf(value)}`;
}

/** The type of a JSON value, in words. */
export function kindOf(value: unknown): string {
	if (value === null) return "null";
	if (Array.isArray(value)) return "an array";
	return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** The form of a schema, such as `{"contents": "…"}`; null for schemas of plain values. */
function formOf(schema: unknown): string | null {
	if (!(schema instanceof z.ZodType)) return null;
	const registered = schemaForms.get(schema);
	if (registered !== undefined) return registered.form;
	if (schema instanceof z.ZodArray) return `[${placeholder(schema.element)}]`;
	return schema instanceof z.ZodObject ? objectForm(schema) : null;
}

/** Shows the required fields; if there are none, the first optional ones, without those that accept any value. */
function objectForm({ shape }: z.ZodObject): string {
	const fields = Object.entries(shape).map(([name, schema]) => ({ name, ...unwrapped(schema) }));
	const required = fields.filter(({ isOptional }) => !isOptional);
	const optional = fields.filter(({ schema }) => !(schema instanceof z.ZodUnknown));
	const shown = required.length > 0 ? required : optional.slice(0, FIELDS_SHOWN);
	const members = shown.map(({ name, schema }) => `${JSON.stringify(name)}: ${placeholder(schema)}`);
	const hasMore = required.length === 0 && optional.length > FIELDS_SHOWN;
	return `{${[...members, ...(hasMore ? ["…"] : [])].join(", ")}}`;
}

/** The schema inside `optional()`, `nullable()` and `preprocess()`, and whether `optional()` was among them. */
function unwrapped(schema: z.core.$ZodType): { readonly schema: z.core.$ZodType; readonly isOptional: boolean } {
	if (schema instanceof z.ZodPipe) return unwrapped(schema.out);
	if (!(schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)) return { schema, isOptional: false };
	const inner = unwrapped(schema.unwrap());
	return { schema: inner.schema, isOptional: inner.isOptional || schema instanceof z.ZodOptional };
}

function placeholder(schema: z.core.$ZodType): string {
	if (schema instanceof z.ZodString || schema instanceof z.ZodEnum) return '"…"';
	if (schema instanceof z.ZodArray) return "[…]";
	return schema instanceof z.ZodObject ? "{…}" : "…";
}
