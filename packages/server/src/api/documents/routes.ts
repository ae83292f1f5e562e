// The API's own description: for programs, and for people.
import { json, OPEN, route, type Reply, type Route } from "../request/route.ts";
import { docsPage } from "./docs-page/docs-page.ts";
import { openApiDocument } from "./openapi.ts";

/** `routes` are all the others, to which these two are added by the time that anybody asks. Each is rendered once. */
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
			summary: "This API as OpenAPI 3.1",
			description: "Made from the same schemas that check requests.",
			answers: { 200: { description: "The document.", contentType: "application/json" } },
			handle: ({ deps }) => (documentReply ??= json(openApiDocument(routes, deps.version))),
		}),
		route({
			id: "getDocs",
			tag: "Operators",
			method: "get",
			path: "/docs",
			access: OPEN,
			summary: "This API as a page to read",
			description: "Works offline; no script, nothing from elsewhere.",
			answers: { 200: { description: "The page.", contentType: "text/html" } },
			handle: ({ deps }) => (pageReply ??= docsPage(openApiDocument(routes, deps.version))),
		}),
	];
}
