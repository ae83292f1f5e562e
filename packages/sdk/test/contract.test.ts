// Compares the SDK's types with the server's OpenAPI document, with the compiler.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

interface Schema {
	readonly $ref?: string;
	readonly allOf?: readonly Schema[];
	readonly anyOf?: readonly Schema[];
	readonly oneOf?: readonly Schema[];
	readonly enum?: readonly unknown[];
	readonly type?: string | readonly string[];
	readonly items?: Schema;
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly required?: readonly string[];
	readonly additionalProperties?: Schema;
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const document = JSON.parse(readFileSync(path("../../../docs/openapi.json"), "utf8")) as {
	readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

/** Pairs of the wire's type and the SDK's type, without the fields that differ on purpose. */
const PAIRS: readonly (readonly [wire: string, sdk: string])[] = [
	["wire.Workspace", "sdk.Workspace"],
	['Omit<wire.Project, "eventTypes">', 'Omit<sdk.ProjectFields, "eventTypePolicy">'],
	["wire.Key", "sdk.Key"],
	["wire.NewKey", "sdk.CreatedKey"],
	['Omit<wire.Webhook, "retries">', 'Omit<sdk.Webhook, "retries">'],
	["wire.WebhookTest", "sdk.WebhookTest"],
	["wire.Deleted", "sdk.Deleted"],
	// OpenAPI cannot express a required field of any type.
	['Omit<wire.EventType, "example">', 'Omit<sdk.EventType, "example">'],
	["wire.Event", "sdk.Event"],
	['Omit<wire.EventWithData, "data">', 'Omit<sdk.EventWithData, "data">'],
	["wire.Erasure", "sdk.Erasure"],
	["wire.Delivery", "sdk.Delivery"],
	["wire.DeliveryWithAttempts", "sdk.DeliveryDetail"],
	["wire.Attempt", "sdk.Attempt"],
	["wire.DeliveriesChanged", "sdk.ManyChanged"],
	["wire.Replay", "sdk.Replay"],
	["wire.ReplayEstimate", "sdk.ReplayEstimate"],
	["wire.Stats", "sdk.Stats"],
	["wire.AuditEntry", "sdk.AuditEntry"],
];

function typeOf(schema: Schema): string {
	if (schema.$ref !== undefined) return schema.$ref.replace(/^.*\//, "");
	if (schema.allOf !== undefined) return schema.allOf.map(typeOf).join(" & ");
	const either = schema.anyOf ?? schema.oneOf;
	if (either !== undefined) return either.map((each) => `(${typeOf(each)})`).join(" | ");
	if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
	const types = schema.type === undefined ? [] : [schema.type].flat();
	return types.length === 0 ? "unknown" : types.map((type) => typeNamed(type, schema)).join(" | ");
}

function typeNamed(type: string, { items = {}, properties, required = [], additionalProperties = {} }: Schema): string {
	if (type === "integer") return "number";
	if (type === "array") return `readonly (${typeOf(items)})[]`;
	if (type !== "object") return type;
	if (properties === undefined) return `Readonly<Record<string, ${typeOf(additionalProperties)}>>`;
	const fields = Object.entries(properties).map(
		([name, field]) => `readonly ${name}${required.includes(name) ? "" : "?"}: ${typeOf(field)}`,
	);
	return `{ ${fields.join("; ")} }`;
}

const program = `
	import type * as sdk from ${JSON.stringify(path("../src/index.ts"))};
	namespace wire {
		${Object.entries(document.components.schemas)
			.map(([name, schema]) => `export type ${name} = ${typeOf(schema)};`)
			.join("\n")}
	}
	type OptionalKeys<T> = { [K in keyof T]-?: {} extends Pick<T, K> ? K : never }[keyof T];
	interface Differences<Wire, Sdk> {
		readonly missing: Exclude<keyof Wire, keyof Sdk>;
		readonly neverSent: Exclude<keyof Sdk, keyof Wire>;
		readonly alwaysThere: Exclude<OptionalKeys<Sdk>, OptionalKeys<Wire>>;
	}
	type None = Record<"missing" | "neverSent" | "alwaysThere", never>;
	${PAIRS.map(
		([wire, sdk], n) => `
			export const value${n}: ${sdk} = null! as ${wire};
			export const differences${n}: None = null! as Differences<${wire}, ${sdk}>;`,
	).join("")}
	// The last kind is for the SDK itself, which reconnects or reports a gap.
	type Told<T extends { readonly kind: string }> = T extends unknown ? ("gap" extends T["kind"] ? never : T) : never;
	export const item: sdk.StreamItem = null! as Told<wire.StreamItem>;
`;

it("has a type for every response that matches the server's contract: no missing field, and no optional field that is always present", async () => {
	const folder = mkdtempSync(`${tmpdir()}/fanfare-contract-`);
	try {
		writeFileSync(`${folder}/contract.mts`, program);
		const compilerOptions = {
			noEmit: true,
			strict: true,
			exactOptionalPropertyTypes: true,
			target: "es2024",
			lib: ["es2024"],
			module: "nodenext",
			allowImportingTsExtensions: true,
			types: ["node"],
			typeRoots: [path("../../../node_modules/@types")],
			skipLibCheck: true,
		};
		writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ["contract.mts"] }));
		const tsc = path("../../../node_modules/typescript/bin/tsc");
		const errors = await new Promise<string>((resolve) => {
			execFile(process.execPath, [tsc, "--project", folder], (_error, stdout, stderr) => resolve(stdout + stderr));
		});
		expect(errors).toBe("");
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
});
