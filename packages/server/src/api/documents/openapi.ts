// Makes the OpenAPI 3.1 document from the route table.
import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";

import { ACTOR_MAX_LENGTH } from "../../core/access/audit.ts";
import { ACTOR_HEADER } from "../request/audit-draft.ts";
import { TAGS, type AnswerDoc, type Route } from "../request/route.ts";
import { problemSchema } from "../resources/common/schemas.ts";
import { CODE_TEXTS, errorCodes } from "./parts/error-codes.ts";
import { exampleOf } from "./parts/examples.ts";
import { describeFields, pathParameterText } from "./parts/field-texts.ts";
import { receivedConfigs } from "./received/webhooks.ts";

/** The document as an object, ready for `JSON.stringify`. */
export type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

const DESCRIPTION = `Fanfare sends webhooks: signed, retried and logged. No accepted event is ever lost.

- Bodies are JSON in UTF-8. Names are in camelCase. Times are integers, in milliseconds since the epoch.
- Send your key, or the token of a portal session, in the header \`Secret-Key\`, or as \`Authorization: Bearer <key>\`. A page can sign in instead (\`POST /sessions\`): it then sends
  the cookie of its session together with the header \`Fanfare-Page: 1\`.
- Errors are \`{"message", "code", "requestId", "issues"?}\`; each call lists its codes. Unknown fields and query parameters are refused with 400.
- A 503 with a \`Retry-After\` header has changed nothing, or only a part of what a call on many objects changes. Try again then; with an \`idempotencyKey\`, a repeated send is accepted only once.
  One without it has the code \`outcome_unknown\`: perhaps the change was made.
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
	for (const config of receivedConfigs()) registry.registerWebhook(config);
	const document = host.getOpenAPI31Document({
		openapi: "3.1.0",
		info: {
			title: "Fanfare",
			version,
			description: DESCRIPTION,
			license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
		},
		servers: [{ url: publicUrl ?? "/" }],
		tags: Object.entries({ ...TAGS, Receiving: RECEIVING }).map(([name, description]) => ({ name, description })),
	});
	return completed(JSON.parse(JSON.stringify(document)) as OpenApiDocument);
}

const RECEIVING =
	"What your receivers get: `POST` requests to the endpoint of a webhook, signed by Standard Webhooks. They are no calls of this API.";

/** Adds the usual descriptions, examples of responses, and the examples of errors. */
function completed(document: OpenApiDocument): OpenApiDocument {
	describeFields(document.components?.schemas);
	describeFields(document.paths);
	const schemas = (document.components?.schemas ?? {}) as Readonly<Record<string, unknown>>;
	for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path as object))) {
		const { responses } = operation as { readonly responses: Readonly<Record<string, ResponseObject>> };
		for (const { content = {} } of Object.values(responses)) {
			// A line of NDJSON is an example of it.
			const media = content["application/json"] ?? content["application/x-ndjson"];
			if (media === undefined || "example" in media || "examples" in media) continue;
			const example = exampleOf(media.schema, schemas);
			if (example !== undefined) media.example = example;
		}
	}
	const text = JSON.stringify(document.paths);
	const examples = Object.entries(CODE_TEXTS)
		.filter(([code]) => text.includes(`"#/components/examples/${code}"`))
		.map(([code, message]) => [
			code,
			{ summary: message, value: { message, code, requestId: "req_6f1d2c0f4b8e4a3f9a7b1c2d3e4f5a6b" } },
		]);
	Object.assign(document.components ?? {}, { examples: Object.fromEntries(examples) });
	shareErrors(document);
	return document;
}

/** For each status, the error that most calls have becomes a component. Otherwise the document would be four times as long. */
function shareErrors(document: OpenApiDocument): void {
	const operations = Object.values(document.paths ?? {}).flatMap((path) => Object.values(path as object)) as {
		readonly responses: Record<string, object>;
	}[];
	const all = operations.flatMap(({ responses }) => Object.entries(responses));
	const shared: Record<string, object> = {};
	for (const [status, variants] of Map.groupBy(all, ([status]) => status)) {
		if (Number(status) < 400) continue;
		const [most] = [...Map.groupBy(variants, ([, response]) => JSON.stringify(response)).values()].sort(
			(a, b) => b.length - a.length,
		);
		const [[, response] = []] = most ?? [];
		if (most === undefined || response === undefined || most.length < 2) continue;
		const name = `Error${status}`;
		shared[name] = response;
		const text = JSON.stringify(response);
		for (const { responses } of operations) {
			const own = responses[status];
			if (own !== undefined && JSON.stringify(own) === text)
				responses[status] = { $ref: `#/components/responses/${name}` };
		}
	}
	Object.assign(document.components ?? {}, { responses: shared });
}

interface ResponseObject {
	readonly content?: Readonly<Record<string, { readonly schema: object; example?: unknown }>>;
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
		parameters: [...pathParameters(route.path), ...(typeof route.audit === "string" ? [ACTOR_PARAMETER] : [])],
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
	const key = `a key${access.wholeWorkspace ? " of the whole workspace" : ""} with the scope \`${access.scope}\``;
	return `\n\nNeeds ${key}${tokenNote(access.customers)}.`;
}

/** Whether a customer may make the call, too. */
function tokenNote(customers: NonNullable<Route["access"]>["customers"]): string {
	if (customers === null) return "";
	const capability = customers === "read" ? "" : ` with the capability \`${customers}\``;
	return `, or the token of a portal session${capability}, which sees only what is its customer's`;
}

const ACTOR_PARAMETER = {
	name: ACTOR_HEADER,
	in: "header" as const,
	required: false,
	schema: { type: "string" as const, maxLength: ACTOR_MAX_LENGTH, pattern: "^[!-~]+$" },
	description: "For whom you make the call, in your own terms: recorded in the audit log, beside the key.",
};

function pathParameters(path: string) {
	return [...path.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name = ""]) => ({
		name,
		in: "path" as const,
		required: true,
		schema: { type: "string" as const },
		...pathParameterText(name),
	}));
}

function answerConfig({
	description,
	schema,
	contentType = "application/json",
	text,
	example,
	headers,
}: AnswerDoc): RouteConfig["responses"][string] {
	const media = { schema: schema ?? { type: "string" as const }, ...(example !== undefined && { example }) };
	const content = { [contentType]: media };
	if (text !== undefined) content[text.contentType] = { schema: { type: "string" as const }, example: text.example };
	return { description, ...headersConfig(headers), content };
}

function headersConfig(headers: AnswerDoc["headers"] = {}) {
	const entries = Object.entries(headers).map(([name, description]) => [
		name,
		{ description, schema: { type: "string" as const } },
	]);
	return entries.length === 0
		? {}
		: { headers: Object.fromEntries(entries) as Record<string, { description: string }> };
}

const RETRY_AFTER = { "retry-after": "Seconds to wait before the next try." };

/** The errors of a route: the usual ones and its own, each with its codes and an example of each code. */
function errorAnswers(route: Route): RouteConfig["responses"] {
	const texts: Record<number, string> = {
		400: "The request is not valid; `issues` says where.",
		...(route.access !== null && {
			401: "The key is missing or unknown, or has expired.",
			403: forbiddenText(route.access),
		}),
		404: "Nothing has this id, or the key does not open its project.",
		408: "The request did not arrive in time.",
		409: "Others change the object all the time.",
		413: "The body is too large.",
		429: "Too many changes; see `Retry-After`. Nothing that ends something, such as a deletion, a pause or a revocation, is refused for that.",
		431: "The request line and headers are too large.",
		500: "Internal error.",
		503: "The server is overloaded, shutting down or without its store; see `Retry-After`.",
		...route.errors,
	};
	const answers = [...errorCodes(route)].filter(([status]) => !(status in route.answers));
	return Object.fromEntries(
		answers.map(([status, codes]) => {
			const list = codes.map((code) => `\`${code}\``).join(", ");
			const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
			return [
				status,
				{
					description: `${texts[status] ?? ""} Codes: ${list}.`.trim(),
					...(status === 429 || status === 503 ? headersConfig(RETRY_AFTER) : {}),
					content: { "application/json": { schema: problemSchema, examples } },
				},
			];
		}),
	);
}

function forbiddenText({ wholeWorkspace }: NonNullable<Route["access"]>): string {
	return wholeWorkspace
		? "The key lacks the required scope, or opens only one project."
		: "The key lacks the required scope.";
}
