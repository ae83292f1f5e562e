// /docs/api: the OpenAPI document as one page to read. Rendered here, so that it works offline, has the address of this server, and has a
// policy that allows no other inline script and style than its own. Ready-made pages (redoc, Scalar, RapiDoc, openapi-explorer) load 0.75–3.5 MB of script each, and add styles at run time.
import { createHash } from "node:crypto";

import { html, raw } from "hono/html";

import { API_MARKS } from "../../../ports/docs-files.ts";
import type { OwnTurns } from "../../request/pace/own-turns.ts";
import type { Reply } from "../../request/route.ts";
import type { OpenApiDocument } from "../openapi.ts";
import { piecesOf, streamOf } from "../pieces.ts";
import { operationArticle, type Operation } from "./operation.ts";
import { fieldTable, prose, type Html } from "./parts.ts";
import { receivedArticle } from "./received.ts";
import { parents, variants, type JsonSchema } from "./schema.ts";
import { SCRIPT } from "./script.ts";
import { API_STYLE, BASE_STYLE } from "./style.ts";

/** The parts of the document that this page shows. */
interface DocsDocument {
	readonly info: { readonly title: string; readonly version: string; readonly description: string };
	readonly tags: readonly { readonly name: string; readonly description: string }[];
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
	readonly webhooks: Readonly<Record<string, { readonly post: Operation }>>;
	readonly components: { readonly schemas: Schemas; readonly responses: Operation["responses"] };
}

type Schemas = Readonly<Record<string, JsonSchema>>;

interface Listed {
	readonly method: string;
	readonly path: string;
	readonly operation: Operation;
}

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The style of a page without the site around it, which has the basis of it in a file. */
const WHOLE_STYLE = BASE_STYLE + API_STYLE;

/**
 * Allows only the page's own script and style, and with the site around it the files of this server: no other host, no frame around
 * the page.
 */
function policy(style: string, isInSite: boolean): string {
	const own = isInSite ? "'self' " : "";
	const site = isInSite ? "img-src 'self'; connect-src 'self'; " : "";
	return `default-src 'none'; script-src ${own}${hashOf(SCRIPT)}; style-src ${own}${hashOf(style)}; ${site}base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

/** A constant, since the policy has the hash of exactly this text. */
const SCRIPT_ELEMENT = raw(`<script>${SCRIPT}</script>`);

/** In place of the server's address in a rendered page. */
const SERVER = "http://server.invalid";

/** The response for a request by the address of the server in it. Each part of it waits for a turn of the event loop of its own. */
type RenderReply = (server: string, turns: Pick<OwnTurns, "take">) => Reply;

/**
 * Renders the page once. The result gives the response for a request by the address of the server in it, which must have only the
 * characters of a URL. `shell` is the HTML of the site of the documents around it; null for a page by itself.
 */
export async function docsPage(document: OpenApiDocument, shell: string | null): Promise<RenderReply> {
	// The generator's types allow more than our document has; openapi.ts determines its shape.
	const docs = document as unknown as DocsDocument;
	const style = shell === null ? WHOLE_STYLE : API_STYLE;
	const parts = {
		[API_MARKS.title]: String(await html`${docs.info.title} API ${docs.info.version}`),
		[API_MARKS.head]: `<style>${style}</style>`,
		[API_MARKS.body]: String(await body(docs)),
	};
	const rendered = Object.entries(parts).reduce(
		(text, [mark, part]) => text.replaceAll(mark, () => part),
		shell ?? BARE_SHELL,
	);
	const headers = {
		"content-security-policy": policy(style, shell !== null),
		"referrer-policy": "no-referrer",
		// The page depends on how it was asked for, so no cache may give it to others.
		"cache-control": "private, no-cache",
	};
	const pieces = piecesOf(rendered, SERVER);
	return (server, turns) => {
		const body = streamOf(pieces, turns, Buffer.from(server));
		return { status: 200, contentType: "text/html; charset=utf-8", body, headers };
	};
}

/** Around the page while the site of the documents is not built. */
const BARE_SHELL = `<!doctype html>
<html lang="en">
	<head>
		<meta charset="utf-8" />
		<meta name="viewport" content="width=device-width, initial-scale=1" />
		<title>${API_MARKS.title}</title>
		${API_MARKS.head}
	</head>
	<body>
		<a class="skip" href="#content">Skip to the content</a>
		${API_MARKS.body}
	</body>
</html>
`;

function body(docs: DocsDocument): Html {
	const operations = listed(docs);
	const { title, version, description } = docs.info;
	return html`<div class="page">
			${navigation(docs, operations)}
			<main id="content" tabindex="-1">
				<header class="title">
					<a class="back" href="../">← ${title}</a>
					<h1>${title} API <small>${version}</small></h1>
					<p>Server: <code>${SERVER}</code></p>
					<p>For programs: <a href="../openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
				</header>
				${prose(description)}
				<p id="none" role="status" hidden>Nothing fits the search.</p>
				${docs.tags.map((tag) => tagSection(tag, operations, docs, SERVER))}
				<section aria-labelledby="objects">
					<h2 id="objects"><a href="#objects">Objects</a></h2>
					${Object.entries(docs.components.schemas).map(([name, schema]) => schemaArticle(name, schema))}
				</section>
			</main>
		</div>
		${SCRIPT_ELEMENT}`;
}

function listed(docs: DocsDocument): Listed[] {
	return Object.entries(docs.paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({ method, path, operation: withResponses(operation, docs) })),
	);
}

/** The operation with the responses that it shares with others. */
function withResponses(operation: Operation, { components }: DocsDocument): Operation {
	const responses = Object.entries(operation.responses).map(([status, response]) => [
		status,
		response.$ref === undefined ? response : components.responses[response.$ref.replace(/^.*\//, "")],
	]);
	return { ...operation, responses: Object.fromEntries(responses) as Operation["responses"] };
}

function navigation(docs: DocsDocument, operations: readonly Listed[]): Html {
	return html`<nav class="calls" aria-label="Calls">
		<div data-script hidden>
			<label for="search" class="soft">Search the calls (key /)</label>
			<input id="search" type="search" autocomplete="off" />
		</div>
		${docs.tags.map(
			({ name }) =>
				html`<h2>${name}</h2>
					<ul>
						${[...ofTag(operations, name).map(({ operation }) => operation), ...receivedOfTag(docs, name).map(([, operation]) => operation)].map(({ operationId, summary }) => html`<li><a href="#${operationId}">${summary}</a></li>`)}
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
	docs: DocsDocument,
	server: string,
): Html {
	const id = `tag-${tag.name}`;
	return html`<section aria-labelledby="${id}">
		<h2 id="${id}"><a href="#${id}">${tag.name}</a></h2>
		<p>${tag.description}</p>
		${ofTag(operations, tag.name).map(({ method, path, operation }) => operationArticle(method, path, operation, docs.components.schemas, server))}
		${receivedOfTag(docs, tag.name).map(([name, operation]) => receivedArticle(name, operation))}
	</section>`;
}

/** What receivers get, by the type of the event. */
function receivedOfTag({ webhooks }: DocsDocument, tag: string): (readonly [name: string, operation: Operation])[] {
	return Object.entries(webhooks).flatMap(([name, { post }]) =>
		post.tags.includes(tag) ? [[name, post] as const] : [],
	);
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
