// The description of the API itself: a document for programs and a page for people.
import { json, OPEN, route, type Reply, type Route } from "../request/route.ts";
import { docsPage } from "./docs-page/docs-page.ts";
import { openApiDocument } from "./openapi.ts";

/**
 * The two routes of the documents. `routes` is the list of all routes; these two are added to it before the first
 * request. Each document is rendered once.
 */
export function docsRoutes(routes: readonly Route[]): Route[] {
	let documentReply: Reply | null = null;
	let pageReply: Promise<Reply> | null = null;
	return [
		route({
			id: "getOpenApi",
			tag: "Operators",
			method: "get",
			path: "/openapi.json",
			access: OPEN,
			summary: "Get this API as an OpenAPI 3.1 document",
			description: "Generated from the same schemas that check requests.",
			answers: { 200: { description: "The document.", contentType: "application/json" } },
			handle: ({ deps }) => (documentReply ??= json(openApiDocument(routes, deps.version, deps.publicUrl))),
		}),
		route({
			id: "getDocs",
			tag: "Operators",
			method: "get",
			path: "/docs",
			access: OPEN,
			summary: "Get this API as a page to read",
			description: "Works offline: it has no script and loads nothing from elsewhere.",
			answers: { 200: { description: "The page.", contentType: "text/html" } },
			handle: ({ deps }) => (pageReply ??= docsPage(openApiDocument(routes, deps.version, deps.publicUrl))),
		}),
	];
}
