// The fields of all bodies and queries of the API, from the OpenAPI document, for tests that try values in each of them.
import { exportOpenApiDocument } from "../documents/exported.ts";
import { apiRoutes } from "../resources/table.ts";
import type { Caller } from "./caller.ts";
import { shownAnswer } from "./shown-answer.ts";

export type Kind = "object" | "array" | "string" | "number" | "boolean" | "null";

/** A place for a value in the body of a call. Elements of a list have the index 0, entries of a map the name `name`. */
export interface BodyField {
	readonly at: readonly (string | number)[];
	/** The kinds of JSON values that the schema allows; null if it allows any value. */
	readonly kinds: readonly Kind[] | null;
	/** The names of an object's fields; null for anything else, and for maps. */
	readonly names: readonly string[] | null;
}

export interface CallWithBody {
	readonly id: string;
	readonly method: string;
	readonly schema: JsonSchema;
	/** As in the document. */
	readonly path: string;
	readonly maxBytes: number;
	readonly example: object;
	/** All fields, also those inside others. The first one is the body itself. */
	readonly fields: readonly BodyField[];
}

export interface QueryParameter {
	readonly method: string;
	readonly path: string;
	readonly name: string;
	readonly schema: JsonSchema;
}

export interface JsonSchema {
	readonly $ref?: string;
	readonly type?: string | readonly string[];
	readonly properties?: Readonly<Record<string, JsonSchema>>;
	readonly additionalProperties?: JsonSchema | boolean;
	readonly items?: JsonSchema;
	readonly anyOf?: readonly JsonSchema[];
	readonly enum?: readonly string[];
	readonly pattern?: string;
	readonly minLength?: number;
	readonly maxLength?: number;
	readonly maxItems?: number;
	readonly maxProperties?: number;
}

interface Operation {
	readonly requestBody?: {
		readonly content: { readonly "application/json": { readonly schema: JsonSchema; readonly example: object } };
	};
	readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: JsonSchema }[];
}

interface Document {
	readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const document = JSON.parse(JSON.stringify(exportOpenApiDocument("test"))) as Document;

/** All calls that take a body. */
export function callsWithBody(): readonly CallWithBody[] {
	return apiRoutes().flatMap(({ id, method, path, body }) => {
		const content = document.paths[path]?.[method]?.requestBody?.content["application/json"];
		if (content === undefined || body === undefined) return [];
		const { maxBytes } = body;
		const { example, schema } = content;
		return [{ id, method: method.toUpperCase(), path, maxBytes, example, schema, fields: fieldsOf(schema) }];
	});
}

/** All query parameters of all calls. */
export function queryParameters(): readonly QueryParameter[] {
	return apiRoutes().flatMap(({ method, path }) =>
		(document.paths[path]?.[method]?.parameters ?? []).flatMap((parameter) =>
			parameter.in === "query"
				? [{ method: method.toUpperCase(), path, name: parameter.name, schema: parameter.schema }]
				: [],
		),
	);
}

/** A schema of the document, also if it is a component. */
export function resolved(schema: JsonSchema): JsonSchema {
	return schema.$ref === undefined ? schema : resolved(document.components.schemas[schema.$ref.split("/").at(-1)!]!);
}

function fieldsOf(schema: JsonSchema, at: readonly (string | number)[] = []): BodyField[] {
	if (schema.$ref !== undefined) return fieldsOf(resolved(schema), at);
	const { anyOf, properties, items, additionalProperties } = schema;
	if (anyOf !== undefined) return merged(anyOf.flatMap((option) => fieldsOf(option, at)));
	const inner = Object.entries(properties ?? {}).flatMap(([name, field]) => fieldsOf(field, [...at, name]));
	if (items !== undefined) inner.push(...fieldsOf(items, [...at, 0]));
	if (typeof additionalProperties === "object") inner.push(...fieldsOf(additionalProperties, [...at, "name"]));
	return [{ at, kinds: kindsOf(schema), names: properties === undefined ? null : Object.keys(properties) }, ...inner];
}

/** Alternatives for a value are one field, which takes what any of them takes. */
function merged(alternatives: readonly BodyField[]): BodyField[] {
	const fields = new Map<string, BodyField>();
	for (const field of alternatives) {
		const place = JSON.stringify(field.at);
		const known = fields.get(place) ?? field;
		const kinds = known.kinds === null || field.kinds === null ? null : [...new Set([...known.kinds, ...field.kinds])];
		fields.set(place, { at: field.at, kinds, names: known.names ?? field.names });
	}
	return [...fields.values()];
}

function kindsOf({ type }: JsonSchema): Kind[] | null {
	if (type === undefined) return null;
	return [type].flat().map((name) => (name === "integer" ? "number" : (name as Kind)));
}

/** The example of a call with the JSON text at the field, as JSON. */
export function bodyWith(call: CallWithBody, at: BodyField["at"], json: string): string {
	const placeholder = "the value under test";
	const body = replaced(call.example, at, placeholder);
	return JSON.stringify(body).replace(JSON.stringify(placeholder), () => json);
}

function replaced(value: unknown, at: BodyField["at"], inner: unknown): unknown {
	const [name, ...rest] = at;
	if (name === undefined) return inner;
	if (typeof name === "number") {
		const [first, ...others] = Array.isArray(value) ? (value as unknown[]) : [];
		return [replaced(first, rest, inner), ...others];
	}
	const object = typeof value === "object" && value !== null ? value : {};
	return { ...object, [name]: replaced(object[name as keyof typeof object], rest, inner) };
}

/** Creates what the paths of the calls name, so that only their bodies can be wrong. Returns the path of a call. Throws if that fails. */
export async function openPaths(api: Caller): Promise<(path: string) => string> {
	const { project } = api;
	const made = async (method: string, path: string, body: object) => {
		const answer = await api.call(method, path, body);
		if (answer.status >= 300) throw new Error(`${method} ${path} of the test itself ${shownAnswer(api, answer)}`);
		return answer;
	};
	const spec = { endpoint: "http://127.0.0.1:1/", retries: { maxRetries: 0 } };
	const webhook = await made("POST", "./batch/webhooks", { name: "a", spec });
	await made("PUT", "./event-types/user.created", { example: 1 });
	const event = await made("POST", "./events", { type: "user.created", data: 1 });
	const ids: Readonly<Record<string, string>> = {
		projectId: project.id,
		webhookId: webhook.json["id"] as string,
		eventId: event.json["id"] as string,
		eventType: "user.created",
	};
	return (path) => path.replaceAll(/\{(\w+)\}/g, (whole, name: string) => ids[name] ?? whole);
}
