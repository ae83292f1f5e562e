// The part of /docs/api about one call: its parameters, body and responses, and an example.
import { html } from "hono/html";

import { sdkCall } from "../parts/sdk-calls.ts";
import { breakable, codeBlock, fieldTable, inline, prose, typeLink, type Html } from "./parts.ts";
import { typeText, type JsonSchema } from "./schema.ts";

export interface Operation {
	readonly operationId: string;
	readonly tags: readonly string[];
	readonly summary: string;
	readonly description: string;
	readonly security: readonly unknown[];
	readonly parameters?: readonly Parameter[];
	readonly requestBody?: { readonly content: Content };
	readonly responses: Readonly<
		Record<string, { readonly $ref?: string; readonly description: string; readonly content?: Content }>
	>;
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
		<p class="call"><span class="method ${method}">${method}</span> <code>${breakable(path)}</code></p>
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
		${examples(operation, curl(server, method, path, operation), typescriptExample(method, path, operation, server))}
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

/** A table of parameters or headers. */
export function parameterTable(parameters: readonly Parameter[]): Html {
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
							<td><code>${breakable(name)}</code></td>
							<td>${typeText(schema).text}</td>
							<td>${inline(description ?? "")}</td>
						</tr> `,
				)}
			</tbody>
		</table>
	</div>`;
}

/** A table of the responses by their status. */
export function answerTable(operation: Operation): Html {
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

/** The examples of a call, of which one is shown at a time. */
function examples(operation: Operation, curlExample: string, typescript: string | null): Html {
	const { operationId: id, summary } = operation;
	const tab = (language: string, name: string, isFirst: boolean) =>
		html`<input
				type="radio"
				name="language-${id}"
				id="${language}-${id}"
				data-language="${language}"
				${isFirst ? "checked" : ""}
			/><label for="${language}-${id}">${name}</label>`;
	return html`<div class="examples">
		${tab("curl", "curl", true)}${typescript === null ? "" : tab("typescript", "TypeScript", false)}
		<button type="button" data-copy data-script hidden>Copy</button>
		<div class="curl">${codeBlock(curlExample, `curl for: ${summary}`)}</div>
		${typescript === null ? "" : html`<div class="typescript">${codeBlock(typescript, `TypeScript for: ${summary}`)}</div>`}
	</div>`;
}

/** A program with the SDK; null for the calls that it does not make. */
export function typescriptExample(method: string, path: string, operation: Operation, server: string): string | null {
	if (operation.security.length === 0) return null;
	const body = operation.requestBody?.content["application/json"]?.example;
	const call = sdkCall(operation.operationId, method, path, body !== undefined);
	if (call === null) return null;
	const used = call.replace("$", () => literal(body));
	const ids = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
	const lines = [
		'import { Client } from "@fanfare/sdk";',
		"",
		`const client = new Client(process.env.SECRET_KEY!, { endpoint: ${JSON.stringify(server)} });`,
		...(used.includes("project.") ? ['const project = client.project("proj_…");'] : []),
		...ids.filter((name) => new RegExp(`[( ]${name}\\b`).test(call)).map((name) => `const ${name} = "…";`),
		used.startsWith("await ") ? `const result = ${used};` : `${used};`,
	];
	return lines.join("\n");
}

/** A value as TypeScript: like JSON, without quotes around names that need none. */
function literal(value: unknown): string {
	return JSON.stringify(value, null, 2)
		.replaceAll(/^(\s*)"([A-Za-z_$][\w$]*)":/gm, "$1$2:")
		.replaceAll("\n", "\n");
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
