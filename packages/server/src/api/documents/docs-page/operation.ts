// The part of /docs about one call: its parameters, body and responses, and an example.
import { html } from "hono/html";

import { codeBlock, fieldTable, inline, prose, typeLink, type Html } from "./parts.ts";
import { typeText, type JsonSchema } from "./schema.ts";

export interface Operation {
	readonly operationId: string;
	readonly tags: readonly string[];
	readonly summary: string;
	readonly description: string;
	readonly security: readonly unknown[];
	readonly parameters?: readonly Parameter[];
	readonly requestBody?: { readonly content: Content };
	readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

interface Parameter {
	readonly name: string;
	readonly in: string;
	readonly required?: boolean;
	readonly description?: string;
	readonly schema: JsonSchema;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;

/** The article about one call. `server` is the address in its example. */
export function operationArticle(
	method: string,
	path: string,
	operation: Operation,
	schemas: Readonly<Record<string, JsonSchema>>,
	server: string,
): Html {
	const id = operation.operationId;
	const body = operation.requestBody?.content["application/json"];
	const query = (operation.parameters ?? []).filter((parameter) => parameter.in === "query");
	return html`<article aria-labelledby="${id}">
		<h3 id="${id}"><a href="#${id}">${operation.summary}</a></h3>
		<p class="call"><span class="method ${method}">${method}</span> <code>${path}</code></p>
		${prose(operation.description)}
		${
			query.length === 0
				? ""
				: html`<h4>Query</h4>
						${parameterTable(query)}`
		}
		${
			body === undefined
				? ""
				: html`<h4>Body</h4>
						${bodyPart(body.schema, schemas)}`
		}
		<h4>Example</h4>
		${codeBlock(curl(server, method, path, operation), `curl for: ${operation.summary}`)}
		<details>
			<summary>Responses</summary>
			${answerTable(operation)}
		</details>
	</article>`;
}

/** The fields of a body, and a link to its schema if it has a name. */
function bodyPart(schema: JsonSchema, schemas: Readonly<Record<string, JsonSchema>>): Html {
	const { link } = typeText(schema);
	const named = link === null ? undefined : schemas[link];
	return named === undefined
		? fieldTable(schema)
		: html`<p>${typeLink(schema)}</p>
				${fieldTable(named)}`;
}

function parameterTable(parameters: readonly Parameter[]): Html {
	return html`<div class="wide">
		<table>
			<thead>
				<tr>
					<th scope="col">Name</th>
					<th scope="col">Type</th>
					<th scope="col">Meaning</th>
				</tr>
			</thead>
			<tbody>
				${parameters.map(
					({ name, schema, description }) =>
						html`<tr>
							<td><code>${name}</code></td>
							<td>${typeText(schema).text}</td>
							<td>${inline(description ?? "")}</td>
						</tr> `,
				)}
			</tbody>
		</table>
	</div>`;
}

function answerTable(operation: Operation): Html {
	return html`<div class="wide">
		<table>
			<thead>
				<tr>
					<th scope="col">Status</th>
					<th scope="col">Body</th>
					<th scope="col">Meaning</th>
				</tr>
			</thead>
			<tbody>
				${Object.entries(operation.responses).map(
					([status, { description, content }]) =>
						html`<tr>
							<td>${status}</td>
							<td>${answerType(content)}</td>
							<td>${inline(description)}</td>
						</tr> `,
				)}
			</tbody>
		</table>
	</div>`;
}

function answerType(content: Content | undefined): Html | string {
	const [entry] = Object.entries(content ?? {});
	if (entry === undefined) return "";
	const [contentType, { schema }] = entry;
	if (contentType !== "application/json") {
		return schema.$ref === undefined ? contentType : html`${contentType} of ${typeLink(schema)}`;
	}
	const item = schema.properties?.["data"]?.items;
	return schema.$ref === undefined && item !== undefined ? html`list of ${typeLink(item)}` : typeLink(schema);
}

function curl(server: string, method: string, path: string, operation: Operation): string {
	const body = operation.requestBody?.content["application/json"]?.example;
	const verb = method === "get" ? "" : ` -X ${method.toUpperCase()}`;
	const key = operation.security.length === 0 ? "" : ` \\\n  -H "Secret-Key: $SECRET_KEY"`;
	const data =
		body === undefined ? "" : ` \\\n  -H "Content-Type: application/json" \\\n  -d '${JSON.stringify(body)}'`;
	// With braces, since in zsh the `:t` of `$WEBHOOK_ID:test` would be a modifier.
	const url = path.replaceAll(
		/\{([A-Za-z]+)\}/g,
		(_, name: string) => `\${${name.replaceAll(/[A-Z]/g, "_$&").toUpperCase()}}`,
	);
	return `curl${verb} "${server}${url}"${key}${data}`;
}
