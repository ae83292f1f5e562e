// Makes the OpenAPI 3.1 document from the route table.
import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";

import { TAGS, type AnswerDoc, type Route } from "../request/route.ts";
import { problemSchema } from "../resources/common/schemas.ts";

/** The document as an object, ready for `JSON.stringify`. */
export type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

const DESCRIPTION = `Fanfare sends webhooks: signed, retried and logged. No accepted event is ever lost.

- Bodies are JSON in UTF-8. Names are in camelCase. Times are integers, in milliseconds since the epoch.
- Send your key in the header \`Secret-Key\`, or as \`Authorization: Bearer <key>\`.
- Errors are \`{"message", "code", "requestId", "issues"?}\`. Unknown fields and query parameters are refused with 400.
- A 503 has a \`Retry-After\` header. Try again then; with an \`idempotencyKey\`, a repeated send is accepted only once.
- Lists are newest first unless the call says otherwise. Their parameters are \`?limit=1..1000&page=<cursor>\`.`;

/**
 * The whole API as a document; the same for the same arguments, byte for byte. `publicUrl` is the address of the server;
 * if it is null, the server is the one that the document was loaded from.
 */
export function openApiDocument(routes: readonly Route[], version: string, publicUrl: string | null): OpenApiDocument {
	const host = new OpenAPIHono();
	const registry = host.openAPIRegistry;
	registry.registerComponent("securitySchemes", "SecretKey", { type: "apiKey", in: "header", name: "Secret-Key" });
	registry.registerComponent("securitySchemes", "Bearer", { type: "http", scheme: "bearer" });
	for (const route of routes) registry.registerPath(pathConfig(route));
	return host.getOpenAPI31Document({
		openapi: "3.1.0",
		info: {
			title: "Fanfare",
			version,
			description: DESCRIPTION,
			license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
		},
		servers: [{ url: publicUrl ?? "/" }],
		tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
	});
}

function pathConfig(route: Route): RouteConfig {
	return {
		operationId: route.id,
		method: route.method,
		path: route.path,
		tags: [route.tag],
		summary: route.summary,
		description: `${route.description}${accessNote(route)}`,
		security: security(route),
		request: {
			...(route.query !== undefined && { query: route.query }),
			...(route.body !== undefined && {
				body: {
					required: route.body.optional !== true,
					content: { "application/json": { schema: route.body.schema, example: route.body.example } },
				},
			}),
		},
		parameters: pathParameters(route.path),
		responses: {
			...Object.fromEntries(Object.entries(route.answers).map(([status, doc]) => [status, answerConfig(doc)])),
			...errorAnswers(route),
		},
	};
}

/** OpenAPI 3.1 allows roles in any scheme: here the scope, and `workspace` if a key of one project is not enough. */
function security({ access }: Route): NonNullable<RouteConfig["security"]> {
	if (access === null) return [];
	const roles = access.wholeWorkspace ? [access.scope, "workspace"] : [access.scope];
	return [{ SecretKey: roles }, { Bearer: roles }];
}

function accessNote({ access }: Route): string {
	if (access === null) return "\n\nNeeds no key.";
	return `\n\nNeeds a key${access.wholeWorkspace ? " of the whole workspace" : ""} with the scope \`${access.scope}\`.`;
}

function pathParameters(path: string): NonNullable<RouteConfig["parameters"]> {
	return [...path.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name = ""]) => ({
		name,
		in: "path",
		required: true,
		schema: { type: "string" },
	}));
}

function answerConfig({
	description,
	schema,
	contentType = "application/json",
}: AnswerDoc): RouteConfig["responses"][string] {
	return { description, content: { [contentType]: { schema: schema ?? { type: "string" } } } };
}

const errorContent = { "application/json": { schema: problemSchema } };

/** The usual errors of a route, and those that it describes itself. */
function errorAnswers(route: Route): RouteConfig["responses"] {
	const texts: Record<number, string> = {
		400: "The request is not valid; `issues` says where.",
		...(route.access !== null && { 401: "The key is missing or unknown.", 403: forbiddenText(route.access) }),
		...(route.path.includes("{") && { 404: "Nothing has this id, or the key does not open its project." }),
		...(route.method !== "get" && { 413: "The body is too large." }),
		500: "Internal error.",
		...(!(503 in route.answers) && { 503: "The server is overloaded or shutting down; see `Retry-After`." }),
		...route.errors,
	};
	return Object.fromEntries(
		Object.entries(texts).map(([status, description]) => [status, { description, content: errorContent }]),
	);
}

function forbiddenText({ wholeWorkspace }: NonNullable<Route["access"]>): string {
	return wholeWorkspace
		? "The key lacks the required scope, or opens only one project."
		: "The key lacks the required scope.";
}
