// Turns a JSON schema into rows for a table of fields.

/** The part of JSON Schema that Fanfare's document uses. */
export interface JsonSchema {
	readonly $ref?: string;
	readonly type?: string | readonly string[];
	readonly description?: string;
	readonly properties?: Readonly<Record<string, JsonSchema>>;
	readonly required?: readonly string[];
	readonly items?: JsonSchema;
	readonly enum?: readonly unknown[];
	readonly anyOf?: readonly JsonSchema[];
	readonly allOf?: readonly JsonSchema[];
	readonly oneOf?: readonly JsonSchema[];
	readonly additionalProperties?: boolean | JsonSchema;
	readonly minimum?: number;
	readonly maximum?: number;
	readonly minLength?: number;
	readonly maxLength?: number;
	readonly minItems?: number;
	readonly maxItems?: number;
	readonly example?: unknown;
}

export interface FieldRow {
	/** Such as `spec.retries.maxRetries`, or `events[].type` for a field of the entries of a list. */
	readonly path: string;
	readonly type: TypeText;
	readonly required: boolean;
	readonly description: string;
}

/** A type in words. `link` is the name of the schema that it refers to. */
export interface TypeText {
	readonly text: string;
	readonly link: string | null;
}

/** The fields of an object; those of nested objects follow their parent. Named schemas become links. */
export function fieldRows(schema: JsonSchema, prefix = ""): FieldRow[] {
	const inherited = (schema.allOf ?? []).flatMap((part) => (part.$ref === undefined ? fieldRows(part, prefix) : []));
	const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
		const path = prefix + name;
		const required = schema.required?.includes(name) ?? false;
		const row = {
			path,
			type: typeText(field),
			required,
			description: [field.description, bounds(field)].filter(Boolean).join(" "),
		};
		return [row, ...innerRows(field, path)];
	});
	return [...inherited, ...own];
}

/** The names of the schemas that this one extends. */
export function parents(schema: JsonSchema): string[] {
	return (schema.allOf ?? []).flatMap(({ $ref }) => ($ref === undefined ? [] : [refName($ref)]));
}

/**
 * The variants of a `oneOf`, each named by the value that tells it apart: `event.accepted` for `{"kind":
 * "event.accepted", …}`.
 */
export function variants({ oneOf = [] }: JsonSchema): { readonly name: string; readonly schema: JsonSchema }[] {
	const valuesOf = (schema: JsonSchema, field: string) => schema.properties?.[field]?.enum?.join(", ") ?? "";
	const [telling = ""] = Object.keys(oneOf[0]?.properties ?? {}).filter(
		(field) => new Set(oneOf.map((schema) => valuesOf(schema, field))).size === oneOf.length,
	);
	return oneOf.map((schema) => ({ name: valuesOf(schema, telling), schema }));
}

export function typeText(schema: JsonSchema): TypeText {
	if (schema.$ref !== undefined) return { text: refName(schema.$ref), link: refName(schema.$ref) };
	if (schema.enum !== undefined)
		return { text: schema.enum.map((value) => JSON.stringify(value)).join(" | "), link: null };
	if (schema.anyOf !== undefined)
		return { text: schema.anyOf.map((part) => typeText(part).text).join(" | "), link: null };
	const types = [schema.type ?? "any"].flat();
	const { text, link } =
		types.includes("array") && schema.items !== undefined
			? listType(schema.items)
			: { text: mainType(types, schema), link: null };
	return { text: types.includes("null") ? `${text} | null` : text, link };
}

function listType(items: JsonSchema): TypeText {
	const { text, link } = typeText(items);
	return { text: text.includes("|") ? `(${text})[]` : `${text}[]`, link };
}

function mainType(types: readonly string[], schema: JsonSchema): string {
	const main = types.filter((type) => type !== "null").join(" | ");
	return main === "object" && typeof schema.additionalProperties === "object" ? "map of strings" : main;
}

function innerRows(field: JsonSchema, path: string): FieldRow[] {
	if (field.items?.properties !== undefined) return fieldRows(field.items, `${path}[].`);
	return field.properties === undefined ? [] : fieldRows(field, `${path}.`);
}

function bounds(schema: JsonSchema): string {
	const range = between(schema.minimum, schema.maximum, "");
	const length = between(schema.minLength, schema.maxLength, " characters");
	const entries = between(schema.minItems, schema.maxItems, " entries");
	return [range, length, entries].filter((text) => text !== "").join(" ");
}

function between(min: number | undefined, max: number | undefined, unit: string): string {
	if (max === undefined) return "";
	return min === undefined ? `At most ${format(max)}${unit}.` : `${format(min)}–${format(max)}${unit}.`;
}

function format(value: number): string {
	return value.toLocaleString("en-US");
}

function refName(ref: string): string {
	return ref.slice(ref.lastIndexOf("/") + 1);
}
