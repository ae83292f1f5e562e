// /docs: the OpenAPI document as one page to read. Rendered here, so that it works offline and needs no script.
// Ready-made pages (redoc, Scalar, RapiDoc, openapi-explorer) load 0.75–3.5 MB of script each.
import { createHash } from "node:crypto";

import { html, raw } from "hono/html";

import type { Reply } from "../../request/route.ts";
import type { OpenApiDocument } from "../openapi.ts";
import { operationArticle, type Operation } from "./operation.ts";
import { fieldTable, prose, type Html } from "./parts.ts";
import { parents, variants, type JsonSchema } from "./schema.ts";
import { STYLE } from "./style.ts";

/** The parts of the document that this page shows. */
interface DocsDocument {
	readonly info: { readonly title: string; readonly version: string; readonly description: string };
	readonly servers: readonly { readonly url: string }[];
	readonly tags: readonly { readonly name: string; readonly description: string }[];
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
	readonly components: { readonly schemas: Schemas };
}

type Schemas = Readonly<Record<string, JsonSchema>>;

interface Listed {
	readonly method: string;
	readonly path: string;
	readonly operation: Operation;
}

/** Allows only the page's own style: no script, no image, no connection, no frame around the page. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The address in the examples if the server does not know its public one. */
const DEFAULT_SERVER = "http://127.0.0.1:8787";

/** One constant, since the policy has the hash of exactly this text. */
const STYLE_ELEMENT = raw(`<style>${STYLE}</style>`);

/** The response with the page. */
export async function docsPage(document: OpenApiDocument): Promise<Reply> {
	// The generator's types allow more than our document has; openapi.ts determines its shape.
	const docs = document as unknown as DocsDocument;
	return {
		status: 200,
		contentType: "text/html; charset=utf-8",
		body: String(await page(docs)),
		headers: { "content-security-policy": POLICY, "referrer-policy": "no-referrer" },
	};
}

function page(docs: DocsDocument): Html {
	const operations = listed(docs);
	const { title, version, description } = docs.info;
	const server = serverUrl(docs);
	return html`<!doctype html>
		<html lang="en">
			<head>
				<meta charset="utf-8" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<title>${title} API ${version}</title>
				${STYLE_ELEMENT}
			</head>
			<body>
				<a class="skip" href="#content">Skip to the content</a>
				<div class="page">
					${navigation(docs, operations)}
					<main id="content" tabindex="-1">
						<h1>${title} API <small>${version}</small></h1>
						${prose(description)}
						<p>For programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
						${docs.tags.map((tag) => tagSection(tag, operations, docs.components.schemas, server))}
						<section aria-labelledby="objects">
							<h2 id="objects"><a href="#objects">Objects</a></h2>
							${Object.entries(docs.components.schemas).map(([name, schema]) => schemaArticle(name, schema))}
						</section>
					</main>
				</div>
			</body>
		</html> `;
}

/** The server's address in the examples. */
function serverUrl({ servers }: DocsDocument): string {
	const url = servers[0]?.url ?? "/";
	return url === "/" ? DEFAULT_SERVER : url;
}

function listed(docs: DocsDocument): Listed[] {
	return Object.entries(docs.paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
	);
}

function navigation(docs: DocsDocument, operations: readonly Listed[]): Html {
	return html`<nav aria-label="Calls">
		${docs.tags.map(
			({ name }) =>
				html`<h2>${name}</h2>
					<ul>
						${ofTag(operations, name).map(({ operation }) => html`<li><a href="#${operation.operationId}">${operation.summary}</a></li>`)}
					</ul>`,
		)}
		<h2>Objects</h2>
		<ul>
			${Object.keys(docs.components.schemas).map((name) => html`<li><a href="#object-${name}">${name}</a></li>`)}
		</ul>
	</nav>`;
}

function tagSection(
	tag: DocsDocument["tags"][number],
	operations: readonly Listed[],
	schemas: Schemas,
	server: string,
): Html {
	const id = `tag-${tag.name}`;
	return html`<section aria-labelledby="${id}">
		<h2 id="${id}"><a href="#${id}">${tag.name}</a></h2>
		<p>${tag.description}</p>
		${ofTag(operations, tag.name).map(({ method, path, operation }) => operationArticle(method, path, operation, schemas, server))}
	</section>`;
}

function ofTag(operations: readonly Listed[], tag: string): Listed[] {
	return operations.filter(({ operation }) => operation.tags.includes(tag));
}

function schemaArticle(name: string, schema: JsonSchema): Html {
	const extended = parents(schema);
	const alternatives = variants(schema);
	return html`<article aria-labelledby="object-${name}">
		<h3 id="object-${name}"><a href="#object-${name}">${name}</a></h3>
		${schema.description === undefined ? "" : prose(schema.description)}
		${extended.map((parent) => html`<p>All of <a href="#object-${parent}">${parent}</a>, and:</p>`)}
		${alternatives.length === 0 ? fieldTable(schema) : html`<p>One of these:</p>`}
		${alternatives.map(
			(alternative) =>
				html`<h4><code>${alternative.name}</code></h4>
					${fieldTable(alternative.schema)}`,
		)}
	</article>`;
}
