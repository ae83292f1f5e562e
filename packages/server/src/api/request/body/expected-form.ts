// How objects and lists of a body are written, for errors that refuse what is not one. Made from the schemas, never from what came.
import { z } from "@hono/zod-openapi";

/** The forms of schemas whose fields do not tell them. */
export const forms = z.registry<{ readonly form: string }>();
/** More optional fields than these are only hinted at. */
const FIELDS_SHOWN = 3;

/**
 * What was expected and what came. The value itself is not repeated: it may be a secret.
 *
 * @example
 * expectedForm("an object", z.strictObject({ contents: z.string() }), "whsec_…");
 * // an object such as {"contents": "…"}, got a string
 */
export function expectedForm(expected: string, schema: unknown, value: unknown): string {
	const form = formOf(schema);
	return `${expected}${form === null ? "" : ` such as ${form}`}, got ${kindOf(value)}`;
}

/** What a JSON value is, in words. */
export function kindOf(value: unknown): string {
	if (value === null) return "null";
	if (Array.isArray(value)) return "an array";
	return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Null for schemas of plain values. */
function formOf(schema: unknown): string | null {
	if (!(schema instanceof z.ZodType)) return null;
	const registered = forms.get(schema);
	if (registered !== undefined) return registered.form;
	if (schema instanceof z.ZodArray) return `[${placeholder(schema.element)}]`;
	return schema instanceof z.ZodObject ? objectForm(schema) : null;
}

/** Its required fields; if there are none, the first ones. Fields that may be anything are there to be ignored or seldom used. */
function objectForm({ shape }: z.ZodObject): string {
	const fields = Object.entries(shape).map(([name, schema]) => ({ name, ...unwrapped(schema) }));
	const required = fields.filter(({ isOptional }) => !isOptional);
	const optional = fields.filter(({ schema }) => !(schema instanceof z.ZodUnknown));
	const shown = required.length > 0 ? required : optional.slice(0, FIELDS_SHOWN);
	const members = shown.map(({ name, schema }) => `${JSON.stringify(name)}: ${placeholder(schema)}`);
	const hasMore = required.length === 0 && optional.length > FIELDS_SHOWN;
	return `{${[...members, ...(hasMore ? ["…"] : [])].join(", ")}}`;
}

/** The schema under its `optional()` and `nullable()`, and whether the first was there. */
function unwrapped(schema: z.core.$ZodType): { readonly schema: z.core.$ZodType; readonly isOptional: boolean } {
	if (!(schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)) return { schema, isOptional: false };
	const inner = unwrapped(schema.unwrap());
	return { schema: inner.schema, isOptional: inner.isOptional || schema instanceof z.ZodOptional };
}

function placeholder(schema: z.core.$ZodType): string {
	if (schema instanceof z.ZodString || schema instanceof z.ZodEnum) return '"…"';
	if (schema instanceof z.ZodArray) return "[…]";
	return schema instanceof z.ZodObject ? "{…}" : "…";
}
