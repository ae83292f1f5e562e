// Examples of responses, put together from those of their schemas, so that a route needs none of its own.

/** The part of a schema that examples are made from. */
interface Schema {
	readonly $ref?: string;
	readonly example?: unknown;
	readonly type?: string | readonly string[];
	readonly enum?: readonly unknown[];
	readonly allOf?: readonly Schema[];
	readonly oneOf?: readonly Schema[];
	readonly anyOf?: readonly Schema[];
	readonly items?: Schema;
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly additionalProperties?: Schema | boolean;
}

type Schemas = Readonly<Record<string, unknown>>;

/** An example of a value with this schema; undefined if its schemas have too few examples to make one. */
export function exampleOf(schema: object, schemas: Schemas): unknown {
	return exampleIn(schema, schemas);
}

function exampleIn(schema: Schema, schemas: Schemas): unknown {
	if (schema.example !== undefined) return schema.example;
	if (schema.$ref !== undefined) {
		const named = schemas[schema.$ref.replace("#/components/schemas/", "")] as Schema | undefined;
		return named === undefined ? undefined : exampleIn(named, schemas);
	}
	if (schema.allOf !== undefined) return merged(schema.allOf.map((part) => exampleIn(part, schemas)));
	const either = schema.oneOf ?? schema.anyOf;
	if (either !== undefined) return either.map((part) => exampleIn(part, schemas)).find((value) => value !== undefined);
	if (schema.enum !== undefined) return schema.enum[0];
	const types = [schema.type].flat();
	if (types.includes("object")) return objectExample(schema, schemas);
	if (types.includes("array")) {
		const item = exampleIn(schema.items ?? {}, schemas);
		return item === undefined ? undefined : [item];
	}
	return types.includes("null") ? null : undefined;
}

function objectExample({ properties, additionalProperties }: Schema, schemas: Schemas): unknown {
	if (properties === undefined) return additionalProperties === undefined ? undefined : {};
	const fields = Object.entries(properties).map(([name, field]) => [name, exampleIn(field, schemas)] as const);
	return fields.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(fields);
}

function merged(parts: readonly unknown[]): unknown {
	const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
	return parts.every(isObject) ? Object.assign({}, ...parts) : undefined;
}
