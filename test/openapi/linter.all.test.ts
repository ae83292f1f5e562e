// The OpenAPI document by an independent linter: its structure, its references, its examples and its security.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createConfig, lintFromString } from "@redocly/openapi-core";
import { expect, it } from "vitest";

const path = join(fileURLToPath(new URL("../..", import.meta.url)), "docs/openapi.json");
const document = readFileSync(path, "utf8");

/** The document as JSON. */
interface Editable {
	readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
	readonly components: { readonly schemas: Readonly<Record<string, { readonly example?: object }>> };
}

async function problems(source: string): Promise<string[]> {
	// All rules that Redocly recommends, as errors, but for one: /docs only leads elsewhere, with a 302.
	const config = await createConfig({ extends: ["recommended-strict"], rules: { "operation-2xx-response": "off" } });
	const found = await lintFromString({ source, absoluteRef: path, config });
	return found.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ""}`);
}

it("finds nothing in docs/openapi.json", async () => expect(await problems(document)).toEqual([]));

it.each<[string, (document: Editable) => void, string]>([
	[
		"an example that its schema refuses",
		(doc) => Object.assign(doc.components.schemas["Webhook"]!.example!, { id: 7 }),
		"no-invalid-schema-examples",
	],
	[
		"a reference to nothing",
		(doc) => Object.assign(doc.components.schemas, { A: { $ref: "#/components/schemas/B" } }),
		"no-unresolved-refs",
	],
	[
		"a call without a 4xx",
		(doc) => Object.assign(doc.paths["/healthz"]!["get"]!, { responses: { 200: { description: "ok" } } }),
		"operation-4xx-response",
	],
])("finds %s", async (_name, change, rule) => {
	const changed = JSON.parse(document) as Editable;
	change(changed);
	expect((await problems(JSON.stringify(changed))).join("\n")).toContain(rule);
});
