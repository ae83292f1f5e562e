// A plain value where an object or a list belongs is refused with the expected form, in every body of the API.
import { describe, expect, it } from "vitest";

import { FanfareError } from "../../../core/errors.ts";
import { exportOpenApiDocument } from "../../documents/exported.ts";
import { apiRoutes } from "../../resources/table.ts";
import { parseJsonBody } from "./json-body.ts";

interface JsonSchema {
	readonly $ref?: string;
	readonly type?: string | readonly string[];
	readonly properties?: Readonly<Record<string, JsonSchema>>;
}

interface Document {
	readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
	readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: JsonSchema } } };
}

const VALUE = "value-that-may-be-a-secret";
const document = JSON.parse(JSON.stringify(exportOpenApiDocument("1"))) as Document;

/** The paths of all objects and lists in a schema, including the schema itself. */
function structures(schema: JsonSchema, path: readonly string[] = []): (readonly string[])[] {
	if (schema.$ref !== undefined) return structures(document.components.schemas[schema.$ref.split("/").at(-1)!]!, path);
	const isStructure = [schema.type ?? []].flat().some((type) => type === "object" || type === "array");
	const inner = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => structures(field, [...path, name]));
	return isStructure ? [path, ...inner] : inner;
}

/** A body with the value at the path, and nothing else. */
function bodyWith(path: readonly string[]): Uint8Array {
	const value = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), VALUE);
	return Buffer.from(JSON.stringify(value));
}

const bodies = apiRoutes().flatMap(({ id, method, path, body }) =>
	body === undefined ? [] : [{ id, method, path, body }],
);

describe.each(bodies)("a plain value in the body of $id", ({ method, path, body }) => {
	const { schema } = document.paths[path]![method]!.requestBody!.content["application/json"];

	it.each(structures(schema).map((at) => ({ at, name: at.join(".") })))(
		"at '$name' is refused with the form",
		({ at, name }) => {
			let error: unknown;
			try {
				body.read(parseJsonBody(bodyWith(at), body.schema));
			} catch (thrown) {
				error = thrown;
			}
			expect(error).toBeInstanceOf(FanfareError);
			const { issues, message } = error as FanfareError;
			const issue = issues?.find(({ path }) => path === name);
			expect(issue?.message).toMatch(/must be an? .*such as [[{].+[\]}], got a string\.?$/);
			expect(message + JSON.stringify(issues)).not.toContain(VALUE);
		},
	);
});
