// Compares a response with the OpenAPI document: its status, its body, field by field, and the code of its error must be in it.
import { isDeepStrictEqual } from "node:util";

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

import type { RequestLine } from "../../ports/log.ts";
import { exportOpenApiDocument } from "../documents/exported.ts";
import { apiRoutes } from "../resources/table.ts";

const routes = new Map(apiRoutes().map((route) => [`${route.method.toUpperCase()} ${route.path}`, route]));

interface Response {
	readonly $ref?: string;
	readonly content?: Readonly<
		Record<string, { readonly schema: object; readonly examples?: Readonly<Record<string, unknown>> }>
	>;
}

/** The document as JSON. */
export interface PlainDocument {
	readonly paths: Readonly<
		Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>>
	>;
	readonly components: {
		readonly schemas: Readonly<Record<string, object>>;
		readonly responses: Readonly<Record<string, Response>>;
	};
}

export const plainDocument = JSON.parse(JSON.stringify(exportOpenApiDocument("1"))) as PlainDocument;

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ ...plainDocument, $id: "document" });
const validators = new Map<object, ValidateFunction>();

/** What is wrong with a value by a schema of the document; null if it fits. */
export function schemaProblem(schema: object, value: unknown): string | null {
	let validate = validators.get(schema);
	if (validate === undefined) validators.set(schema, (validate = compile(schema)));
	return validate(value) ? null : ajv.errorsText(validate.errors);
}

function compile(schema: object): ValidateFunction {
	return ajv.compile(
		JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/')) as object,
	);
}

/** The content of a response in the document, also if it is a component; undefined if the response is not documented. */
export function documentedContent({ $ref, content }: Response): Response["content"] {
	return $ref === undefined ? content : plainDocument.components.responses[$ref.replace(/^.*\//, "")]?.content;
}

/** Throws if the document does not describe a JSON response of this request. */
export function requireDocumented({ route, method, status, code }: RequestLine, json: unknown): void {
	if (route === null) return;
	const call = `${method} ${route}`;
	const operation = plainDocument.paths[route]?.[method.toLowerCase().replace("head", "get")];
	const response = operation?.responses[String(status)];
	const media = response === undefined ? undefined : documentedContent(response)?.["application/json"];
	if (media === undefined) throw new Error(`${call} responded with ${status}, which the OpenAPI document lacks`);
	const problem = schemaProblem(media.schema, json);
	if (problem !== null)
		throw new Error(`${call} responded with ${status} and a body that its schema refuses: ${problem}`);
	const schema = routes.get(call)?.answers[status]?.schema;
	if (schema !== undefined && !isDeepStrictEqual(schema.parse(json), json))
		throw new Error(`${call} responded with ${status} and fields that its schema lacks: ${JSON.stringify(json)}`);
	if (code === null || code in (media.examples ?? {})) return;
	throw new Error(
		`${call} responded with ${code}, which the OpenAPI document does not list: name it in the \`errors\` of the route, in backticks`,
	);
}
