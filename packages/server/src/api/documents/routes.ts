// The description of the API itself: a document for programs and a page for people.
import { z } from "@hono/zod-openapi";

import type { AppDeps } from "../deps.ts";
import { redirectTo } from "../page/site.ts";
import { OPEN, route, type Route } from "../request/route.ts";
import type { docsPage } from "./docs-page/docs-page.ts";
import type { OpenApiDocument } from "./openapi.ts";
import { piecesOf, streamOf } from "./pieces.ts";

/** The address in the examples if there is no better one. */
const DEFAULT_SERVER = "http://127.0.0.1:8787";

/**
 * The routes of the documents. `routes` is the list of all routes; these are added to it before the first
 * request. Each document is rendered once.
 */
export function docsRoutes(routes: readonly Route[]): Route[] {
	let document: Promise<readonly (Buffer | null)[]> | null = null;
	let page: { readonly shell: string | null; readonly reply: ReturnType<typeof docsPage> } | null = null;
	return [
		route({
			id: "getOpenApi",
			tag: "Operators",
			method: "get",
			path: "/openapi.json",
			access: OPEN,
			summary: "Get this API as an OpenAPI 3.1 document",
			description: "Generated from the same schemas that check requests.",
			answers: {
				200: { description: "The document.", schema: z.record(z.string(), z.unknown()), example: { openapi: "3.1.0" } },
			},
			async handle({ deps }) {
				await deps.ownTurns.begin();
				document ??= renderDocument(routes, deps).then((document) => piecesOf(JSON.stringify(document)));
				// A file that could not be read for lack of descriptors may be read the next time.
				document.catch(() => (document = null));
				return {
					status: 200,
					contentType: "application/json; charset=utf-8",
					body: streamOf(await document, deps.ownTurns),
				};
			},
		}),
		route({
			id: "getDocs",
			tag: "Operators",
			method: "get",
			path: "/docs",
			access: OPEN,
			summary: "Get the documents",
			description: "Leads to `/docs/`, the documents to read. They are not part of the API.",
			answers: {
				302: {
					description: "The way to `/docs/`.",
					contentType: "text/plain",
					headers: { location: "Where the page is." },
				},
			},
			handle: () => redirectTo("docs/"),
		}),
		route({
			id: "getApiDocs",
			tag: "Operators",
			method: "get",
			path: "/docs/api",
			access: OPEN,
			summary: "Get this API as a page to read",
			description:
				"Works offline: it loads nothing from elsewhere. Its examples have the address by which it was asked for.",
			answers: { 200: { description: "The page.", contentType: "text/html" } },
			async handle({ deps, connection }) {
				await deps.ownTurns.begin();
				const server = deps.publicUrl ?? deps.requestOrigin(connection.peer, connection.header) ?? DEFAULT_SERVER;
				const shell = deps.docsShell?.() ?? null;
				// The site may be built while the server runs.
				if (page?.shell !== shell) page = null;
				page ??= { shell, reply: renderPage(routes, deps, shell) };
				page.reply.catch(() => (page = null));
				return (await page.reply)(server, deps.ownTurns);
			},
		}),
	];
}

/** What makes the document is loaded here, since few servers are ever asked for it. */
async function renderDocument(routes: readonly Route[], { version, publicUrl }: AppDeps): Promise<OpenApiDocument> {
	const { openApiDocument } = await import("./openapi.ts");
	return openApiDocument(routes, version, publicUrl);
}

async function renderPage(routes: readonly Route[], deps: AppDeps, shell: string | null): ReturnType<typeof docsPage> {
	const { docsPage } = await import("./docs-page/docs-page.ts");
	return docsPage(await renderDocument(routes, deps), shell);
}
