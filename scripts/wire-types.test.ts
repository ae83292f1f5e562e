// The types that are generated from an OpenAPI document.
import { expect, it } from "vitest";

import { renderWireTypes, type WireSchema } from "./wire-types.ts";

const render = (schema: WireSchema) => renderWireTypes({ components: { schemas: { Thing: schema } }, paths: {} });
const typeOf = (schema: WireSchema) => /export type Thing = ([^]*?);\n\n/.exec(render(schema))?.[1];

it.each<[WireSchema, string]>([
	[{}, "unknown"],
	[{ type: "integer" }, "number"],
	[{ type: ["string", "null"] }, "string | null"],
	[{ type: "string", enum: ["a", "b"] }, '"a" | "b"'],
	[{ type: "array", items: { type: ["string", "null"] } }, "ReadonlyArray<string | null>"],
	[{ type: "object", additionalProperties: { type: "string" } }, "Readonly<Record<string, string>>"],
	[{ $ref: "#/components/schemas/Other" }, "Other"],
	[{ allOf: [{ $ref: "#/components/schemas/Other" }, { type: "string" }] }, "Other & string"],
	[{ oneOf: [{ type: "string" }, { type: "boolean" }] }, "string | boolean"],
])("the type of %j is %s", (schema, type) => {
	expect(typeOf(schema)).toBe(type);
});

it("an optional field may be undefined only in an object that refuses other fields, which is an input", () => {
	const schema = { type: "object", required: ["id"], properties: { id: { type: "string" }, n: { type: "integer" } } };
	expect(typeOf(schema)).toBe("{\n\treadonly id: string;\n\treadonly n?: number;\n}");
	expect(typeOf({ ...schema, additionalProperties: false })).toContain("readonly n?: number | undefined;");
});

it("refuses a keyword that it does not know, since the type could be wrong", () => {
	expect(() => render({ type: "object", properties: { a: { not: {} } as WireSchema } })).toThrow('A schema has "not"');
});
